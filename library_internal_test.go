package firn

import (
	"runtime/debug"
	"testing"
)

func TestOtherSQLite(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"github.com/mattn/go-sqlite3":    true,
		"github.com/mattn/go-sqlite3/v2": true,
		"crawshaw.io/sqlite":             true,
		"modernc.org/sqlite":             false,
		"zombiezen.com/go/sqlite":        false,
		"github.com/mattn/go-isatty":     false,
	} {
		got := otherSQLite([]*debug.Module{{Path: "golang.org/x/sys"}, {Path: path}})
		if (got == path) != want {
			t.Errorf("%s: got %q, want it refused: %v", path, got, want)
		}
	}
	if got := otherSQLite(nil); got != "" {
		t.Errorf("got %q for no modules", got)
	}
}
