package access

import (
	"slices"
	"strings"

	"firn/outcome"
)

// Scope is what a token is good for.
type Scope string

// The scopes.
const (
	Status  Scope = "status"  // how backups are, and the list of snapshots
	Read    Scope = "read"    // status, and all that snapshots hold
	Stream  Scope = "stream"  // status, snapshots as files, and fresh copies of live databases
	Restore Scope = "restore" // read, and the replacement of databases
	Admin   Scope = "admin"   // everything
)

// Scopes returns all scopes, the smallest first.
func Scopes() []Scope { return []Scope{Status, Read, Stream, Restore, Admin} }

// For says in a few words what a scope is good for.
func (s Scope) For() string {
	return map[Scope]string{
		Status:  "how backups are, and the list of snapshots with names of tables",
		Read:    "status, and all that snapshots hold: tables, rows, files",
		Stream:  "status, snapshots as files, and fresh copies of live databases",
		Restore: "read, and the replacement of databases",
		Admin:   "everything",
	}[s]
}

// includes says which scopes each scope has in itself.
func includes() map[Scope][]Scope {
	return map[Scope][]Scope{
		Status:  {Status},
		Read:    {Status, Read},
		Stream:  {Status, Stream},
		Restore: {Status, Read, Restore},
		Admin:   {Status, Read, Stream, Restore, Admin},
	}
}

// ParseScopes reads the names of scopes.
func ParseScopes(names []string) (scopes []Scope, err error) {
	for _, name := range names {
		if _, ok := includes()[Scope(name)]; !ok {
			return nil, outcome.Usage("The scopes are status, read, stream, restore and admin.", "there is no scope %q", name)
		}
		scopes = append(scopes, Scope(name))
	}
	if len(scopes) == 0 {
		return nil, outcome.Usage("Name what the token is for: --scope status, read, stream, restore or admin.", "no scope is given")
	}
	return scopes, nil
}

// Covers reports whether one of the scopes has one of the wanted ones in itself.
func Covers(scopes []Scope, wanted ...Scope) bool {
	return slices.ContainsFunc(scopes, func(s Scope) bool {
		return slices.ContainsFunc(includes()[s], func(inner Scope) bool { return slices.Contains(wanted, inner) })
	})
}

// JoinScopes returns the names of scopes for people.
func JoinScopes(scopes []Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}
