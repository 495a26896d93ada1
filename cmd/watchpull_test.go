package cmd_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"firn/internal/dbtest"
)

// TestWatchOtherHost watches a database of another host. Its first connection is cut, and later its agent cannot be started for a
// while: the watch tells each fault and its end, and all changes are stored.
func TestWatchOtherHost(t *testing.T) {
	t.Parallel()
	ssh := standIn(t)
	r := &requestRig{dir: t.TempDir()}
	path := r.database(0)
	away, refused, pid := filepath.Join(r.dir, "away"), filepath.Join(r.dir, "refused"), filepath.Join(r.dir, "pid")
	dbtest.Create(t, path, dbtest.Options{WAL: true, Rows: 10})
	app := dbtest.Open(t, path)
	defer app.Close()
	agent := fmt.Sprintf("test ! -e %s || { echo gone >>%s; exit 1; }; echo $$ >%s; exec firn agent --stdio --allow '%s/*.db'", away, refused, pid, r.dir)
	config := fmt.Sprintf(`repository = "repo"
[watch]
every = "1s"
[ssh]
program = %q
options = [%q]
[env.app]
from = "ssh://app@db1"
database = %q
`, ssh, "-oFirnTest=once="+filepath.Join(r.dir, "first")+",cut=60000,forced="+agent, path)
	if err := os.WriteFile(filepath.Join(r.dir, "firn.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	r.firn(t, "init")
	w := r.watch(t)
	w.await(t, "base")
	change := func() {
		dbtest.Exec(t, app, "UPDATE ledger_a SET amount = amount + 1; UPDATE ledger_b SET amount = amount + 1")
	}

	change()
	w.await(t, "round")
	// Each round sends some pages, until the connection is cut. All changes are stored before the fault or after it.
	for cut := false; !cut; {
		change()
		event := w.next(t, "round", "fault")
		cut = event.Event == "fault"
		if cut && !strings.Contains(event.Message, "app@db1: the host cannot be reached") {
			t.Errorf("the fault is told as %q", event.Message)
		}
	}
	w.await(t, "recovered")
	change()
	w.await(t, "round")

	if err := os.WriteFile(away, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	kill(t, pid)
	change()
	w.await(t, "fault")
	if _, err := os.Stat(refused); errors.Is(err, fs.ErrNotExist) {
		t.Error("there was a fault before the agent was refused")
	}
	if err := os.Remove(away); err != nil {
		t.Fatal(err)
	}
	w.await(t, "recovered")
	change()
	w.await(t, "round")
	w.end(t)

	r.firn(t, "dump", "latest:app", "-o", filepath.Join(r.dir, "stored.db"))
	var got, want int
	if err := app.QueryRow("SELECT sum(amount) FROM ledger_a").Scan(&want); err != nil {
		t.Fatal(err)
	}
	stored := dbtest.Open(t, filepath.Join(r.dir, "stored.db"))
	defer stored.Close()
	if err := stored.QueryRow("SELECT sum(amount) FROM ledger_a").Scan(&got); err != nil || got != want {
		t.Errorf("the last snapshot has the sum %d, want %d: %v", got, want, err)
	}
}

// kill ends the process whose number is in a file.
func kill(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(number)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// told is an event of a watch.
type told struct{ Event, Message string }

// next reads the watch's output until it tells an event of one of some kinds.
func (w *watching) next(t *testing.T, kinds ...string) (e told) {
	t.Helper()
	for w.lines.Scan() {
		if json.Unmarshal(w.lines.Bytes(), &e) != nil {
			continue
		}
		for _, kind := range kinds {
			if e.Event == kind {
				return e
			}
		}
	}
	t.Fatalf("the watch has ended without one of %q", kinds)
	return e
}
