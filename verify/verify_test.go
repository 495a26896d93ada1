package verify_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"firn/backup"
	"firn/internal/sessiontest"
	"firn/outcome"
	"firn/repo"
	"firn/snapshot"
	"firn/verify"
)

// ownSQL finds what must not be in the database.
const ownSQL = "verify = \"SELECT 'bad row' FROM t WHERE a = 'bad'\"\n"

func TestSnapshot(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, ownSQL)
	sound := f.BackUp(t, 1, time.Hour)[0]
	f.Exec(t, "INSERT INTO t VALUES ('bad')")
	bad := f.BackUp(t, 1, time.Hour)[0]

	found, err := verify.Snapshot(t.Context(), f.Catalog(t), sound, verify.Options{TempDir: t.TempDir()})
	if err != nil || !found.Sound() || found.Verification.How != "integrity, foreign keys, verify SQL" || found.Doubt != "" {
		t.Errorf("sound: got %+v, %v", found, err)
	}
	found, err = verify.Snapshot(t.Context(), f.Catalog(t), bad, verify.Options{TempDir: t.TempDir()})
	if code, hint := outcome.Classify(err); found == nil || found.Sound() || !strings.Contains(found.Verification.Problem, "bad row") || code != outcome.CodeDamage ||
		!strings.Contains(hint, snapshot.LatestVerified) {
		t.Errorf("bad: got %+v, %v", found, err)
	}
	for _, s := range f.Catalog(t).All {
		if s.Verified == nil || s.Verified.Sound() != (s.ID == sound.ID) {
			t.Errorf("snapshot %s: recorded %+v", s.ID.Short(), s.Verified)
		}
	}
}

// TestWrongSQL checks that an error of the configuration is no outcome.
func TestWrongSQL(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "verify = \"SELECT nonsense FROM t\"\n")
	snap := f.BackUp(t, 1, time.Hour)[0]
	found, err := verify.Snapshot(t.Context(), f.Catalog(t), snap, verify.Options{})
	if code, _ := outcome.Classify(err); found != nil || code != outcome.CodeUsage {
		t.Errorf("got %+v, %v", found, err)
	}
	if v := f.Catalog(t).All[0].Verified; v != nil {
		t.Errorf("recorded %+v", v)
	}
}

func TestDamaged(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	snap := f.BackUp(t, 1, time.Hour)[0]
	f.DamagePack(t)
	found, err := verify.Snapshot(t.Context(), f.Catalog(t), snap, verify.Options{})
	if _, ok := errors.AsType[*repo.CorruptError](err); !ok || found == nil || found.Sound() || found.Verification.How != "restore" {
		t.Errorf("got %+v, %v", found, err)
	}
}

// TestForgotten checks that a snapshot which was forgotten meanwhile is not called damaged.
func TestForgotten(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	snap := f.BackUp(t, 1, time.Hour)[0]
	known := f.Catalog(t)
	f.DamagePack(t)
	if err := f.Repo.Forget(t.Context(), snap.ID); err != nil {
		t.Fatal(err)
	}
	if found, err := verify.Snapshot(t.Context(), known, snap, verify.Options{}); found != nil || err == nil || !strings.Contains(err.Error(), "forgotten meanwhile") {
		t.Errorf("got %+v, %v", found, err)
	}
}

// TestStream checks that latest-verified does not mean a stream where there are databases.
func TestStream(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.BackUp(t, 1, time.Hour)
	f.Clock = f.Clock.Add(time.Hour)
	snap := f.Take(t, backup.Options{Stream: strings.NewReader("some text"), Accept: true})
	found, err := verify.Snapshot(t.Context(), f.Catalog(t), snap, verify.Options{})
	if err != nil || !found.Sound() || found.Verification.How != "read" || found.Doubt == "" {
		t.Errorf("got %+v, %v", found, err)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "[env.other]\ndatabase = \"other.db\"\n")
	taken := f.BackUp(t, 2, time.Hour)
	known := f.Catalog(t)
	jobs, err := verify.Choose(t.Context(), known, verify.Choice{All: true})
	if err != nil || len(jobs) != 2 {
		t.Fatalf("all: got %+v, %v", jobs, err)
	}
	if jobs[0].Err != nil || jobs[0].Snapshot.ID != taken[1].ID || !errors.Is(jobs[1].Err, snapshot.ErrNotFound) {
		t.Errorf("all: got %+v", jobs)
	}
	jobs, err = verify.Choose(t.Context(), known, verify.Choice{Environments: []string{"app"}, Snapshot: taken[0].ID.String()})
	if err != nil || len(jobs) != 1 || jobs[0].Snapshot.ID != taken[0].ID {
		t.Errorf("by ID: got %+v, %v", jobs, err)
	}
	for _, wrong := range []verify.Choice{{Environments: []string{"app", "nonsense"}}, {Snapshot: "nonsense"}, {}} {
		if jobs, err := verify.Choose(t.Context(), known, wrong); err == nil {
			t.Errorf("%+v: got %+v", wrong, jobs)
		}
	}
}

// TestAtOnce verifies several snapshots at the same time.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, ownSQL)
	taken := f.BackUp(t, 4, time.Hour)
	known := f.Catalog(t)
	var wait sync.WaitGroup
	for _, snap := range append(taken, taken...) {
		wait.Go(func() {
			if found, err := verify.Snapshot(t.Context(), known, snap, verify.Options{}); err != nil || !found.Sound() {
				t.Errorf("got %+v, %v", found, err)
			}
		})
	}
	wait.Wait()
	if sound := snapshot.Sound(f.Catalog(t).All); len(sound) != len(taken) {
		t.Errorf("got %d sound ones, want %d", len(sound), len(taken))
	}
}
