package main

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"firn/cmd"
	"firn/internal/dbtest"
)

// firnEnv is the variable that makes the re-executed test binary act as firn.
const firnEnv = "FIRN_TORTURE_BE_FIRN"

func TestMain(m *testing.M) {
	dbtest.Main()
	if os.Getenv(firnEnv) != "" {
		os.Exit(cmd.Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// rig is a database to which another process writes as fast as it can, with its
// repository.
type rig struct {
	*machine
	writer *dbtest.Writer
	starts uint64
	acked  []string // IDs of the acknowledged snapshots
}

func newRig(t *testing.T, seed uint64, wal bool) *rig {
	r := &rig{machine: newMachine(t, t.TempDir(), nil, seed)}
	dbtest.Create(t, r.path("production.db"), dbtest.Options{WAL: wal, Rows: 300, Seed: seed})
	r.configure("repository = \"repository\"\nkey_file = \"firn.key\"\n[keep]\nlast = 6\n[env.production]\ndatabase = \"production.db\"\n")
	r.must("init", "--quiet")
	r.restartWriter()
	t.Cleanup(func() { r.writer.Kill() })
	return r
}

func (r *rig) restartWriter() {
	if r.writer != nil {
		r.writer.Kill()
	}
	r.starts++
	r.writer = dbtest.StartWriter(r, r.path("production.db"), r.starts)
}

// backup takes a snapshot that must succeed.
func (r *rig) backup() {
	r.Helper()
	var summary struct {
		ID string `json:"snapshot_id"`
	}
	out := r.must("backup", "production", "--prune", "--json")
	if err := json.Unmarshal(out, &summary); err != nil || summary.ID == "" {
		r.Fatalf("backup --json: %v\n%s", err, out)
	}
	r.acked = append(r.acked, summary.ID)
}

// TestTorture takes snapshots of a database with many writes, while firn and
// the writer are killed again and again. Every acknowledged snapshot must exist
// and be sound, and no repair by hand may be needed.
func TestTorture(t *testing.T) {
	t.Parallel()
	for n, mode := range []string{"WAL", "Rollback"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, seedOf(t)+uint64(n), mode == "WAL")
			rounds := 12
			if testing.Short() {
				rounds = 2
			}
			for round := range rounds {
				r.kill("backup", "production", "--prune")
				r.backup()
				r.kill("prune", "--orphan-age=-1s") // counts as garbage even the packs that a backup has just stored
				switch round % 4 {
				case 1: // while the writer is writing
					r.must("restore", "production", "--snapshot", r.acked[len(r.acked)-1], "--yes")
				case 3:
					r.restartWriter()
				}
			}
			r.verify()
		})
	}
}

// verify restores the acknowledged snapshots that retention has left.
func (r *rig) verify() {
	r.Helper()
	var list []struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(r.must("snapshots", "--json"), &list); err != nil {
		r.Fatal(err)
	}
	left := make(map[string]bool)
	for n, s := range list {
		left[s.ID] = true
		target := r.path(fmt.Sprintf("restored-%d.db", n))
		r.must("restore", "--from", "production", "--snapshot", s.ID, "--target", target, "--yes")
		dbtest.Integrity(r, target)
		dbtest.CheckInvariant(r, target)
	}
	if newest := r.acked[len(r.acked)-1]; !left[newest] {
		r.Errorf("acknowledged snapshot %s is not there", newest)
	}
	r.must("check", "--read-data")
}
