//go:build unix

package host

import (
	"strings"
	"testing"
)

func rows(text string) (rows [][]string) {
	for line := range strings.Lines(text) {
		rows = append(rows, strings.Split(strings.TrimSpace(line), ":"))
	}
	return rows
}

// A file that a group may write is fine if all members of the group are trusted.
func TestGroupOfTrustedUsers(t *testing.T) {
	t.Parallel()
	accounts := rows(`root:x:0:0::/root:/bin/sh
alice:x:1000:1000::/home/alice:/bin/sh
bob:x:1001:1001::/home/bob:/bin/sh
carol:x:1002:100::/home/carol:/bin/sh
broken
`)
	groups := rows(`root:x:0:
alice:x:1000:
bob:x:1001:alice
users:x:100:
backup:x:34:alice,root
mixed:x:35:alice,bob
ldap:x:36:alice,dave
same:x:37:alice
broken
`)
	for gid, want := range map[int]bool{
		1000: true,
		1001: false, // bob's own group
		100:  false, // the group of carol, which lists no member
		34:   true,
		35:   false,
		36:   false, // dave has no account in the list
		37:   true,
		999:  false, // the group is not in the list
	} {
		if got := (trust{1000}).alone(gid, accounts, groups); got != want {
			t.Errorf("group %d: got %v, want %v", gid, got, want)
		}
	}
	if (trust{1001}).alone(1000, accounts, groups) {
		t.Error("bob trusts alice's group")
	}
}
