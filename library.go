package firn

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"firn/outcome"
)

// cLibraries are modules with a copy of SQLite in C, each of which keeps its locks by itself.
const cLibraries = "github.com/mattn/go-sqlite3 crawshaw.io/sqlite github.com/tailscale/sqlite github.com/eatonphil/gosqlite " +
	"github.com/bvinc/go-sqlite-lite github.com/mutecomm/go-sqlcipher github.com/xeodou/go-sqlcipher"

// otherSQLite returns the module in a build that has a copy of SQLite in C, "" for none.
func otherSQLite(modules []*debug.Module) string {
	for _, m := range modules {
		path, _, _ := strings.Cut(m.Path, "/v") // a later major version
		if slices.Contains(strings.Fields(cLibraries), path) {
			return m.Path
		}
	}
	return ""
}

// refuseOther refuses to open a database in a program with another copy of SQLite. POSIX locks belong to a process: when
// this package closes the file, the other copy loses its locks without a word, and another process can write into its
// transaction.
func (r *Repository) refuseOther() error {
	if r.allowsOther {
		return nil
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	if module := otherSQLite(info.Deps); module != "" {
		return outcome.New(fmt.Errorf("%w: %s", ErrOtherSQLite, module), outcome.CodeUsage,
			"Open your database with modernc.org/sqlite, or run the command firn. If the other copy never opens the databases that firn does, set Options.AllowOtherSQLite.")
	}
	return nil
}
