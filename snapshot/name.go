package snapshot

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Prefix is the beginning of the name of every snapshot record's object.
const Prefix = "meta/snap-"

const inverseLen = 16 // hex digits of the inverse time

// ObjectName returns the name of the record's object:
// "meta/snap-<inverse time>-<id>" (docs/format.md, section 1).
func (s *Snapshot) ObjectName() string {
	return fmt.Sprintf("%s%016x-%s", Prefix, inverseTime(s.Time), s.ID)
}

// inverseTime makes a listing by name yield the newest snapshot first. Times before 1970
// sort as 1970, which does no harm: the number is used only for the order.
func inverseTime(t time.Time) uint64 {
	return math.MaxUint64 - uint64(max(0, t.UnixMicro()))
}

// ParseObjectName returns the ID in a name that [Snapshot.ObjectName] made, and false for
// any other name. It does not return the time, because the time in a name is not
// authenticated.
func ParseObjectName(name string) (ID, bool) {
	rest, ok := strings.CutPrefix(name, Prefix)
	inverse, id, dash := strings.Cut(rest, "-")
	if !ok || !dash || len(inverse) != inverseLen || !isHex(inverse) || !isHex(id) {
		return ID{}, false
	}
	parsed, err := ParseID(id)
	return parsed, err == nil
}

// TimeInName returns the time in the name of a record, and false for any other name. It is
// for records that cannot be read, for which only this time is known. For all others, use
// the time in the record. Times before 1970 are returned as 1970.
func TimeInName(name string) (time.Time, bool) {
	if _, ok := ParseObjectName(name); !ok {
		return time.Time{}, false
	}
	inverse, err := strconv.ParseUint(name[len(Prefix):len(Prefix)+inverseLen], 16, 64)
	micros := math.MaxUint64 - inverse
	return time.UnixMicro(int64(min(micros, math.MaxInt64))).UTC(), err == nil
}

// isHex reports whether s holds only lower-case hex digits, so that each ID has only one
// name.
func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && strings.ToLower(s) == s
}
