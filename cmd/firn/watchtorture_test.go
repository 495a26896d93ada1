//go:build unix

package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/snapshot"
)

// TestWatch tortures a watch of two databases with all that happens to one in months: processes are killed, the store goes
// away, databases are replaced, deleted, restored and switched to another journal mode, backups and prunes run beside it.
// After each round the repository must be whole, the newest snapshot must equal its database, and every acknowledged
// snapshot must be there and sound. By hand:
//
//	go test ./cmd/firn -run TestWatch -torture 1h -timeout 0 -v
func TestWatch(t *testing.T) {
	t.Parallel()
	rounds, length := 1, 6*time.Second
	switch {
	case *torture > 0:
		length = min(20*time.Second, *torture)
		rounds = int(*torture / length)
	case testing.Short():
		rounds, length = 1, 3*time.Second
	}
	f := newWatched(t, seedOf(t))
	for n := range rounds {
		f.round(length)
		f.verify()
		f.Logf("round %d of %d: %d snapshots acknowledged; so far %v", n+1, rounds, len(f.acked), f.count)
		if f.Failed() {
			return
		}
	}
}

// round lets the watch work and disturbs it, again and again, for some time.
func (f *watched) round(length time.Duration) {
	for name := range f.writers {
		f.startWriter(name)
	}
	actions := f.actions()
	for end := time.Now().Add(length); time.Now().Before(end) && !f.Failed(); {
		f.lives()
		f.rest()
		a := actions[f.random.IntN(len(actions))]
		f.log = append(f.log, a.name)
		f.count[a.name]++
		a.do(f.anyDatabase())
	}
	f.stopWriters()
}

// action disturbs the watch of a database.
type action struct {
	name string
	do   func(name string)
}

func (f *watched) actions() []action {
	return []action{
		{"watch killed", func(string) { f.killWatch(); f.startWatch() }},
		{"watch killed at its start", func(string) { f.killWatch(); f.startWatch(); f.killWatch(); f.startWatch() }},
		{"watch ended", func(string) { f.endWatch(); f.startWatch() }},
		{"application killed", func(name string) { f.startWriter(name) }},
		{"store away", func(string) { f.loseStore() }},
		{"store away, watch killed", func(string) { f.loseStoreAndWatch() }},
		{"database replaced", f.replace},
		{"database deleted", f.remove},
		{"vacuum", f.vacuum},
		{"journal mode", f.switchJournal},
		{"restore", f.restore},
		{"second watch", func(string) { f.beside(map[int]bool{11: true, 4: true}, "watch", "--once") }},
		{"backup beside", func(string) { f.beside(map[int]bool{11: true, 4: true}, "backup", "--all") }},
		{"prune beside", func(string) { f.beside(nil, "prune", "--orphan-age=-1s") }},
		{"newest read", f.readNewest},
		{"prune killed", func(string) { f.kill("prune", "--orphan-age=-1s") }},
		{"configuration read", func(string) { f.signal(syscall.SIGHUP) }},
	}
}

// loseStore takes the repository away for some time. The watch must not make another one in its place.
func (f *watched) loseStore() {
	f.Helper()
	away := f.path("repository.away")
	f.must0(os.Rename(f.path("repository"), away))
	f.rest()
	f.must0(os.Rename(away, f.path("repository")))
}

// loseStoreAndWatch kills the watch while the repository is away, and starts it before the repository is back. A watch does
// not begin without a repository: a supervisor starts it again.
func (f *watched) loseStoreAndWatch() {
	away := f.path("repository.away")
	f.must0(os.Rename(f.path("repository"), away))
	f.rest()
	f.killWatch()
	f.startWatch()
	f.storeless = true
	f.rest()
	f.must0(os.Rename(away, f.path("repository")))
}

// replace puts another database in the place of one.
func (f *watched) replace(name string) {
	f.stopWriter(name)
	f.starts++
	other := f.path("other.db")
	dbtest.Create(f, other, dbtest.Options{WAL: f.random.IntN(2) == 0, Seed: f.seed + f.starts})
	f.removeSidecars(name)
	f.must0(os.Rename(other, f.path(name)))
	f.startWriter(name)
}

// remove deletes a database, and makes another one later.
func (f *watched) remove(name string) {
	f.stopWriter(name)
	f.must0(os.Remove(f.path(name)))
	f.removeSidecars(name)
	f.rest()
	f.starts++
	dbtest.Create(f, f.path(name), dbtest.Options{WAL: true, Seed: f.seed + f.starts})
	f.startWriter(name)
}

func (f *watched) removeSidecars(name string) {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Remove(f.path(name) + suffix); err != nil && !os.IsNotExist(err) {
			f.Error(err)
		}
	}
}

func (f *watched) vacuum(name string) {
	db := dbtest.Open(f, f.path(name))
	defer db.Close()
	_, err := db.Exec("VACUUM")
	if err != nil && !strings.Contains(err.Error(), "locked") { // by the writer
		f.Errorf("vacuum: %v", err)
	}
}

// switchJournal changes the journal mode, for which a watch has to let go of the database.
func (f *watched) switchJournal(name string) {
	f.stopWriter(name)
	db := dbtest.Open(f, f.path(name))
	defer db.Close()
	dbtest.Exec(f, db, "PRAGMA busy_timeout = 100")
	mode := []string{"wal", "delete"}[f.random.IntN(2)]
	for n := 0; ; n++ {
		f.signal(syscall.SIGUSR1)
		var got string
		if err := db.QueryRow("PRAGMA journal_mode = " + mode).Scan(&got); err == nil && got == mode {
			break
		} else if n == 200 {
			f.Errorf("the journal mode is %q and does not become %q: %v", got, mode, err)
			break
		}
		f.pause(50 * time.Millisecond)
	}
	f.must0(db.Close())
	f.startWriter(name)
}

// restore restores a database beside its writer and the watch.
func (f *watched) restore(name string) {
	r := f.run("restore", envOf(name), "--from", envOf(name), "--snapshot", "latest:"+envOf(name), "--yes")
	f.note("restore", r)
	if r.code != 0 && !hasNone(r) {
		f.Errorf("restore of %s: exit code %d\n%s", name, r.code, r.stderr)
	}
}

// readNewest checks the newest snapshot of a database while all goes on.
func (f *watched) readNewest(name string) {
	path := f.path("newest.db")
	r := f.run("dump", "latest:"+envOf(name), "-o", path)
	f.note("dump", r)
	switch {
	case r.code == 0:
		dbtest.Integrity(f, path)
		dbtest.CheckInvariant(f, path)
		f.must0(os.Remove(path))
	case !moved(r) && !hasNone(r):
		f.Errorf("dump of %s: exit code %d\n%s", name, r.code, r.stderr)
	}
}

// hasNone reports whether a command has found no snapshot: on a busy machine, the first one takes a while.
func hasNone(r result) bool { return strings.Contains(string(r.stderr), snapshot.ErrNotFound.Error()) }

// beside runs a command beside the watch. It may fail with the given codes.
func (f *watched) beside(codes map[int]bool, args ...string) {
	r := f.run(args...)
	f.note(args[0], r)
	if r.code != 0 && !codes[r.code] && !moved(r) {
		f.Errorf("%v: exit code %d\n%s", args, r.code, r.stderr)
	}
}

// note counts how runs ended.
func (f *watched) note(what string, r result) { f.count[fmt.Sprintf("%s: exit %d", what, r.code)]++ }
