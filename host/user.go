package host

import (
	"fmt"
	"os/user"
	"strconv"
)

// userName returns a user for messages: "app (uid 12345)".
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil && uid != 0 {
		return fmt.Sprintf("%s (uid %d)", u.Username, uid)
	}
	if uid == 0 {
		return "root"
	}
	return fmt.Sprintf("uid %d", uid)
}
