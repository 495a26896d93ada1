//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"firn/internal/dbtest"
)

// TestOverlap starts a run while another process, which is suspended, holds the
// lock of the same environment. Once that process is killed, its lock stops no
// other run.
func TestOverlap(t *testing.T) {
	t.Parallel()
	m := newMachine(t, t.TempDir(), nil, 1)
	m.configure("repository = \"repository\"\nkey_file = \"firn.key\"\n[env.production]\ndatabase = \"app.db\"\n[env.demo]\ndatabase = \"demo.db\"\n")
	dbtest.Create(t, m.path("app.db"), dbtest.Options{})
	dbtest.Create(t, m.path("demo.db"), dbtest.Options{})
	m.must("init", "--quiet")
	db := dbtest.Open(t, m.path("app.db"))
	dbtest.Exec(t, db, "BEGIN EXCLUSIVE") // the first run waits here
	first := m.firn("backup", "production")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer first.Process.Kill()
	awaitLock(t, m, first.Process.Pid)
	if err := first.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	r := m.run("backup", "production")
	want := regexp.MustCompile(`another run is under way since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ \(process \d+\)`)
	if r.code != 11 || !want.Match(r.stderr) {
		t.Errorf("second run: got exit code %d, %s, want 11 and since when", r.code, r.stderr)
	}
	m.must("backup", "demo")
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err == nil {
		t.Error("the first run ended by itself")
	}
	m.must("backup", "production")
	m.must("check", "--read-data")
}

// awaitLock waits until a process holds a lock.
func awaitLock(t *testing.T, m *machine, pid int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for {
		select {
		case <-limit:
			t.Fatal("the lock was never taken")
		case <-tick.C:
		}
		files, err := filepath.Glob(m.path("cache/*/run-*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			var holder struct {
				PID int `json:"pid"`
			}
			b, err := os.ReadFile(file)
			if err == nil && json.Unmarshal(b, &holder) == nil && holder.PID == pid {
				return
			}
		}
	}
}
