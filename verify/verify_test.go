package verify_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"firn/backup"
	"firn/internal/sessiontest"
	"firn/outcome"
	"firn/repo"
	"firn/session"
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
	if s := f.Catalog(t).All[0]; s.Noted() {
		t.Errorf("recorded %+v", s.Verified)
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

// changed opens the repository once more with another configuration of the environment.
func changed(t *testing.T, f *sessiontest.Fixture, more string) *session.Catalog {
	t.Helper()
	f.Write(t, "firn.toml", "repository = \"repo\"\n[env.app]\ndatabase = \"app.db\"\n"+more)
	known, err := f.Open(t, session.OpenOptions{}).Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// nowhere makes a verification fail that restores the snapshot.
func nowhere(t *testing.T) verify.Options {
	return verify.Options{TempDir: filepath.Join(t.TempDir(), "missing")}
}

// TestDrill verifies a snapshot that was found sound before: no file is made for that.
func TestDrill(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, ownSQL)
	snap := f.BackUp(t, 1, time.Hour)[0]
	first, err := verify.Snapshot(t.Context(), f.Catalog(t), snap, verify.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	f.Clock = f.Clock.Add(24 * time.Hour)
	for range 2 {
		known := f.Catalog(t)
		found, err := verify.Snapshot(t.Context(), known, known.All[0], nowhere(t))
		if err != nil || !found.Sound() || found.Verification.How != "integrity, foreign keys, verify SQL" || !found.Verification.Whole.Equal(first.Verification.Time) {
			t.Fatalf("got %+v, %v", found, err)
		}
	}
	if v := f.Catalog(t).All[0].Verified; !v.Time.Equal(f.Clock) || !v.Whole.Equal(first.Verification.Time) {
		t.Errorf("recorded %+v", v)
	}

	f.Clock = f.Clock.Add(6 * 24 * time.Hour)
	known := f.Catalog(t)
	if found, err := verify.Snapshot(t.Context(), known, known.All[0], nowhere(t)); err == nil {
		t.Errorf("a week after SQLite's own check: got %+v, want the error of a restore", found)
	}
	if found, err := verify.Snapshot(t.Context(), known, known.All[0], verify.Options{TempDir: t.TempDir()}); err != nil || !found.Verification.Whole.IsZero() {
		t.Errorf("a week after SQLite's own check: got %+v, %v", found, err)
	}
}

// TestDrillOnProof verifies a snapshot that was proven by what differs from an older one. The note on it keeps what the proof rests on.
func TestDrillOnProof(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	taken := f.BackUp(t, 2, time.Hour)
	if _, err := verify.Snapshot(t.Context(), f.Catalog(t), taken[0], verify.Options{TempDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	proof := &snapshot.Verification{Time: f.Clock, How: snapshot.HowDifference, Since: taken[0].ID, Whole: f.Clock.Add(-time.Hour)}
	if err := f.Repo.Note(t.Context(), snapshot.Note{Snapshot: taken[1].ID, Verified: proof}); err != nil {
		t.Fatal(err)
	}
	f.Clock = f.Clock.Add(time.Hour)
	known := f.Catalog(t)
	found, err := verify.Snapshot(t.Context(), known, known.All[0], nowhere(t))
	if err != nil || !reflect.DeepEqual(found.Verification, known.All[0].Verified) || f.Catalog(t).All[0].Verified.Time != proof.Time {
		t.Errorf("without SQL of its own: got %+v, %v", found, err)
	}
	known = changed(t, f, "verify = \"SELECT 'none' WHERE 0\"\n")
	found, err = verify.Snapshot(t.Context(), known, known.All[0], nowhere(t))
	want := &snapshot.Verification{Time: f.Clock, How: "what changed, foreign keys, verify SQL", Since: proof.Since, Whole: proof.Whole}
	if err != nil || !reflect.DeepEqual(found.Verification, want) || !reflect.DeepEqual(f.Catalog(t).All[0].Verified, want) {
		t.Errorf("got %+v, %v, recorded %+v, want %+v", found.Verification, err, f.Catalog(t).All[0].Verified, want)
	}
	known = changed(t, f, "verify = \"SELECT 'bad row'\"\n")
	found, err = verify.Snapshot(t.Context(), known, known.All[0], nowhere(t))
	if code, _ := outcome.Classify(err); found == nil || found.Sound() || code != outcome.CodeDamage || found.Verification.Since != proof.Since {
		t.Errorf("bad row: got %+v, %v", found, err)
	}
}

// TestDrillTakesFile checks that SQL which a view refuses is run on a file.
func TestDrillTakesFile(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "verify = \"CREATE TEMP TABLE s AS SELECT a FROM t WHERE a = 'bad'; SELECT a FROM s\"\n")
	snap := f.BackUp(t, 1, time.Hour)[0]
	if _, err := verify.Snapshot(t.Context(), f.Catalog(t), snap, verify.Options{TempDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	known := f.Catalog(t)
	if found, err := verify.Snapshot(t.Context(), known, known.All[0], nowhere(t)); err == nil {
		t.Errorf("got %+v, want the error of a restore", found)
	}
	found, err := verify.Snapshot(t.Context(), known, known.All[0], verify.Options{TempDir: t.TempDir()})
	if err != nil || !found.Sound() || found.Verification.How != "integrity, foreign keys, verify SQL" || found.Verification.Whole.IsZero() {
		t.Errorf("got %+v, %v", found, err)
	}
}

// TestDrillOfLostData checks that a proven snapshot whose data is damaged now is found unsound.
func TestDrillOfLostData(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "verify = \"SELECT a FROM t WHERE a = 'bad'\"\n")
	snap := f.BackUp(t, 1, time.Hour)[0]
	if _, err := verify.Snapshot(t.Context(), f.Catalog(t), snap, verify.Options{TempDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	f.DamagePack(t)
	s := f.Open(t, session.OpenOptions{})
	known, err := s.Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, err := verify.Snapshot(t.Context(), known, known.All[0], verify.Options{TempDir: t.TempDir()})
	if _, ok := errors.AsType[*repo.CorruptError](err); !ok || found == nil || found.Sound() {
		t.Errorf("got %+v, %v", found, err)
	}
}

// TestFull checks all of a snapshot that was found sound just before.
func TestFull(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.BackUp(t, 1, time.Hour)
	for range 2 {
		f.Clock = f.Clock.Add(time.Hour)
		known := f.Catalog(t)
		found, err := verify.Snapshot(t.Context(), known, known.All[0], verify.Options{TempDir: t.TempDir(), Full: true})
		if v := f.Catalog(t).All[0].Verified; err != nil || !found.Sound() || !v.BySQLite() || !v.Time.Equal(f.Clock) || !v.Whole.IsZero() {
			t.Errorf("got %+v, %v", found, err)
		}
	}
}

// TestDisagreement verifies a database in a version of the format that firn's check refuses and SQLite reads. It stays unsound until
// SQLite and firn agree.
func TestDisagreement(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	b, err := os.ReadFile(f.Path("app.db"))
	if err != nil {
		t.Fatal(err)
	}
	b[18] = 3
	f.Write(t, "app.db", string(b))
	f.Take(t, backup.Options{Unproven: true})
	for range 2 {
		known := f.Catalog(t)
		found, err := verify.Snapshot(t.Context(), known, known.All[0], verify.Options{TempDir: t.TempDir()})
		code, hint := outcome.Classify(err)
		if _, ok := errors.AsType[*verify.DisagreementError](err); !ok || found == nil || found.Sound() || code != outcome.CodeDamage || !strings.Contains(hint, "report") {
			t.Errorf("got %+v, %v, %q", found, err, hint)
		}
	}
}
