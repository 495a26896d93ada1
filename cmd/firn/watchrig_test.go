//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"firn/internal/dbtest"
)

// watched is a machine with two databases, processes that write to them, and a watch.
type watched struct {
	*machine
	seed    uint64
	starts  uint64
	writers map[string]*dbtest.Writer // of each database; nil while none runs

	watch *exec.Cmd  // nil while none runs
	ended chan error // of watch

	// storeless is true if the repository was away when the watch was started, which ends it, however late on a busy machine.
	storeless bool

	acked []string // IDs of the acknowledged snapshots
	count map[string]int
	log   []string // the actions of a round
}

func newWatched(t *testing.T, seed uint64) *watched {
	f := &watched{machine: newMachine(t, t.TempDir(), nil, seed), seed: seed, count: make(map[string]int),
		writers: map[string]*dbtest.Writer{"a.db": nil, "b.db": nil}}
	for name := range f.writers {
		dbtest.Create(t, f.path(name), dbtest.Options{WAL: name == "a.db", Seed: seed})
	}
	f.configure("repository = \"repository\"\nkey_file = \"firn.key\"\n[watch]\nevery = \"1s\"\n[env.a]\ndatabase = \"a.db\"\nguard = false\n[env.b]\ndatabase = \"b.db\"\nguard = false\n")
	f.must("init", "--quiet")
	t.Cleanup(func() { f.stopWriters(); f.killWatch() })
	f.startWatch()
	return f
}

// envOf returns the environment of a database.
func envOf(name string) string { return strings.TrimSuffix(name, ".db") }

func (f *watched) anyDatabase() string { return []string{"a.db", "b.db"}[f.random.IntN(2)] }

// must0 fails the test at an error.
func (f *watched) must0(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// pause waits. The moment at which it ends decides nothing but what is disturbed.
func (f *watched) pause(d time.Duration) { <-time.After(d) }

// rest waits for a random time, up to a round and a half.
func (f *watched) rest() { f.pause(time.Duration(f.random.IntN(1500)) * time.Millisecond) }

func (f *watched) startWriter(name string) {
	f.stopWriter(name)
	f.starts++
	f.writers[name] = dbtest.StartWriter(f, f.path(name), f.seed+f.starts)
}

func (f *watched) stopWriter(name string) {
	if w := f.writers[name]; w != nil {
		w.Kill()
	}
	f.writers[name] = nil
}

func (f *watched) stopWriters() {
	for name := range f.writers {
		f.stopWriter(name)
	}
}

// startWatch starts the watch.
func (f *watched) startWatch() {
	f.Helper()
	output, err := os.Create(f.path("watch.log"))
	f.must0(err)
	defer output.Close()
	f.storeless = false
	f.watch, f.ended = f.firn("watch", "--all", "-v"), make(chan error, 1)
	f.watch.Stdout, f.watch.Stderr = output, output
	f.must0(f.watch.Start())
	go func(c *exec.Cmd, ended chan error) { ended <- c.Wait() }(f.watch, f.ended)
}

// killWatch kills the watch. It must not have ended by itself.
func (f *watched) killWatch() {
	f.Helper()
	if f.watch == nil {
		return
	}
	f.lives()
	if f.watch != nil {
		_ = f.watch.Process.Kill() // it may just have ended
		<-f.ended
	}
	f.watch = nil
}

// lives fails the test if the watch has ended by itself.
func (f *watched) lives() {
	f.Helper()
	if f.watch == nil {
		return
	}
	select {
	case err := <-f.ended:
		if f.storeless && f.watch.ProcessState.ExitCode() == 10 {
			f.startWatch()
			return
		}
		f.watch = nil
		f.Errorf("the watch has ended: %v, after %v\n%s", err, f.log, f.lastLines())
	default:
	}
}

// endWatch asks the watch to end, which takes a last round.
func (f *watched) endWatch() {
	f.Helper()
	for !strings.Contains(f.told(), "watching ") { // before that, the signal ends it without a round
		if f.lives(); f.watch == nil {
			return
		}
		f.pause(10 * time.Millisecond)
	}
	f.signal(syscall.SIGTERM)
	err := <-f.ended
	f.watch = nil
	if err != nil || strings.Contains(f.told(), "panic") {
		f.Errorf("the watch ended with %v, after %v\n%s", err, f.log, f.lastLines())
	}
}

// signal sends a signal to the watch if it is at work. Before that the system's reaction to the signal could end it.
func (f *watched) signal(s os.Signal) {
	if f.watch != nil && strings.Contains(f.told(), "watching ") {
		_ = f.watch.Process.Signal(s) // it may have ended: lives tells
	}
}

// told returns what the watch has printed.
func (f *watched) told() string {
	f.Helper()
	b, err := os.ReadFile(f.path("watch.log"))
	f.must0(err)
	return string(b)
}

func (f *watched) lastLines() string {
	lines := strings.Split(f.told(), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}

// verify lets everything come to rest, and checks all that must be so. In half of all cases the watch ends by itself, else
// it is killed when it says that all is stored.
func (f *watched) verify() {
	f.Helper()
	f.lives()
	if f.watch == nil {
		return
	}
	clean := f.random.IntN(2) == 0
	if clean {
		f.endWatch()
	} else {
		f.awaitStored(time.Now())
		f.killWatch()
	}
	f.compareNewest()
	listed := f.list()
	f.compareAcked(listed)
	f.must("check", "--read-data")
	f.must("forget", "--keep-last=5")
	f.must("prune", "--orphan-age=-1s")
	f.must("check", "--read-data")
	listed = f.list()
	if !clean { // what was not confirmed before may go
		listed = slices.DeleteFunc(listed, func(id string) bool { return !slices.Contains(f.acked, id) })
	}
	f.acked = listed
	f.startWatch()
}

// awaitStored waits until the watch says that all databases are stored as they were at a time.
func (f *watched) awaitStored(at time.Time) {
	f.Helper()
	for limit := time.Now().Add(2 * time.Minute); !f.storedSince(at); f.pause(200 * time.Millisecond) {
		if f.lives(); f.watch == nil {
			return
		}
		if time.Now().After(limit) {
			f.Fatalf("not all is stored after %v\n%s\n%s", f.log, f.run("status").stdout, f.lastLines())
		}
	}
}

func (f *watched) storedSince(at time.Time) bool {
	var status struct {
		Environments []struct {
			Watch *struct {
				Stored  time.Time `json:"stored"`
				Problem string    `json:"problem"`
			} `json:"watch"`
		} `json:"environments"`
	}
	r := f.run("status", "--json") // its code tells of what is stale
	f.must0(json.Unmarshal(r.stdout, &status))
	for _, e := range status.Environments {
		if e.Watch == nil || e.Watch.Problem != "" || !e.Watch.Stored.After(at) {
			return false
		}
	}
	return len(status.Environments) == len(f.writers)
}

// compareNewest compares the newest snapshot of each database with the database.
func (f *watched) compareNewest() {
	f.Helper()
	for name := range f.writers {
		db := dbtest.Open(f, f.path(name))
		dbtest.Exec(f, db, "PRAGMA wal_checkpoint(TRUNCATE)")
		f.must0(db.Close())
		want, err := os.ReadFile(f.path(name))
		f.must0(err)
		if strings.Contains(f.told(), envOf(name)+": the last round is without it") { // it had just been started
			continue
		}
		if got := f.must("dump", "latest:"+envOf(name)); !bytes.Equal(got, want) {
			f.Errorf("the newest snapshot of %s has %d bytes and the database %d, which differ, after %v\n%s", name, len(got), len(want), f.log, f.lastLines())
		}
	}
	f.log = nil
}

// compareAcked looks for the acknowledged snapshots, and reads some snapshots.
func (f *watched) compareAcked(listed []string) {
	f.Helper()
	for _, id := range f.acked {
		if !slices.Contains(listed, id) {
			f.Errorf("acknowledged snapshot %s is gone", id)
		}
	}
	f.random.Shuffle(len(listed), func(i, j int) { listed[i], listed[j] = listed[j], listed[i] })
	for _, id := range listed[:min(8, len(listed))] {
		path := f.path("restored.db")
		f.must("dump", id, "-o", path)
		dbtest.Integrity(f, path)
		dbtest.CheckInvariant(f, path)
		f.must0(os.Remove(path))
	}
}

// list returns the IDs of all snapshots.
func (f *watched) list() (ids []string) {
	f.Helper()
	var list []struct {
		ID string `json:"id"`
	}
	f.must0(json.Unmarshal(f.must("snapshots", "--json"), &list))
	for _, s := range list {
		ids = append(ids, s.ID)
	}
	return ids
}
