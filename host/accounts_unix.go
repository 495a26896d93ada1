//go:build unix

package host

import (
	"os"
	"strings"
)

// table reads a file of colon-separated fields, /etc/passwd or /etc/group. A file that cannot be
// read counts as empty.
func table(path string) (rows [][]string) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(b)) {
		rows = append(rows, strings.Split(strings.TrimSpace(line), ":"))
	}
	return rows
}

// listed splits the names of a group's members.
func listed(members string) []string {
	return strings.FieldsFunc(members, func(r rune) bool { return r == ',' })
}
