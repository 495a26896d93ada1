package sqlite_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// TestOverwritten writes past SQLite to the file of a database in WAL mode. The WAL was checkpointed and stays. Every
// content that a reader of SQLite sees then must be in the next image. Programs of their own do the writing: to close
// the file within the process that has the database open would drop SQLite's locks.
func TestOverwritten(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell, and fingerprints prove nothing there")
	}
	tests := map[string]string{
		"Copied":           "cp other.db app.db",
		"CopiedWithTimes":  "cp -p other.db app.db",
		"SameTimes":        "touch -r app.db times; cp other.db app.db; touch -r times app.db",
		"OnePage":          "dd if=other.db of=app.db bs=4096 skip=$((PAGES - 1)) seek=$((PAGES - 1)) count=1 conv=notrunc 2>&1",
		"OnePageSameTimes": "touch -r app.db times; dd if=other.db of=app.db bs=4096 skip=$((PAGES - 1)) seek=$((PAGES - 1)) count=1 conv=notrunc 2>&1; touch -r times app.db",
		"Rsync":            "rsync -I --inplace --no-whole-file other.db app.db",
		"RsyncWithTimes":   "rsync -I --inplace -t other.db app.db",
		"Renamed":          "cp -p app.db other; mv other.db app.db",
		"Restored":         "cp -p app.db saved; rm app.db; cp -p other.db app.db",
	}
	for name, script := range tests {
		for _, open := range []bool{true, false} {
			t.Run(name+map[bool]string{true: "/Open", false: "/Closed"}[open], func(t *testing.T) {
				t.Parallel()
				if strings.HasPrefix(script, "rsync") {
					dbtest.Tool(t, "rsync")
				}
				w := newOverwritten(t, open)
				dir := filepath.Dir(w.path)
				w.shell(t, dir, script)
				want, err := os.ReadFile(filepath.Join(dir, "expected"))
				if err != nil {
					t.Fatal(err)
				}
				w.check(t, want)
			})
		}
	}
}

// overwritten is a database and the last image of it.
type overwritten struct {
	path, state string
	print       sqlite.Fingerprint
}

// newOverwritten makes a database with a WAL that was checkpointed, and a file beside it that differs from it in the last
// page. An application has it open, or has crashed.
func newOverwritten(t *testing.T, open bool) *overwritten {
	t.Helper()
	dir := t.TempDir()
	w := &overwritten{path: filepath.Join(dir, "app.db"), state: filepath.Join(t.TempDir(), "census")}
	dbtest.Create(t, w.path, dbtest.Options{WAL: true})
	app := dbtest.Open(t, w.path)
	dbtest.Exec(t, app, "PRAGMA wal_autocheckpoint = 0; UPDATE ledger_a SET amount = 7; PRAGMA wal_checkpoint(PASSIVE)")
	if open {
		t.Cleanup(func() { app.Close() })
	} else {
		w.shell(t, dir, "for f in app.db app.db-wal app.db-shm; do cp $f kept-$f; done")
		app.Close()
		w.shell(t, dir, "for f in app.db app.db-wal app.db-shm; do mv kept-$f $f; done")
	}
	w.shell(t, dir, "cp app.db other.db")
	other := readFile(t, filepath.Join(dir, "other.db"))
	other[len(other)-1] ^= 1
	writeFile(t, filepath.Join(dir, "other.db"), other)
	writeFile(t, filepath.Join(dir, "expected"), other)

	image := openImage(t, w.path, sqlite.Options{Now: later, StatePath: w.state})
	readAll(t, image)
	w.print = throughJSON(t, image.Fingerprint())
	if !unchanged(t, w.path, w.print) {
		t.Fatal("changed before anything was done")
	}
	return w
}

func (w *overwritten) shell(t *testing.T, dir, script string) {
	t.Helper()
	cmd := exec.Command("sh", "-ec", "PAGES=$(($(wc -c < app.db) / 4096)); "+script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
}

// check takes the next two images.
func (w *overwritten) check(t *testing.T, want []byte) {
	t.Helper()
	image := openImage(t, w.path, sqlite.Options{Now: later, StatePath: w.state})
	if image.Unchanged(w.print) {
		t.Error("counts as unchanged")
	}
	if ranges, ok := image.Changed(w.print); ok {
		t.Errorf("only %v count as changed", ranges)
	}
	if got := readAll(t, image); !bytes.Equal(got, want) {
		t.Errorf("the image has not what was written")
	}
	print := throughJSON(t, image.Fingerprint())
	image.Close()
	if !unchanged(t, w.path, print) {
		t.Error("the image after it counts as changed, too")
	}
}
