package replicate_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"firn/config"
	"firn/internal/sessiontest"
	"firn/outcome"
	"firn/replicate"
	"firn/repo"
	"firn/retention"
	"firn/session"
	"firn/snapshot"
	"firn/upkeep"
)

// newTarget makes another repository, with a key of its own, and opens it from a fixture.
func newTarget(t *testing.T, f *sessiontest.Fixture) *session.Session {
	t.Helper()
	c := f.Program()
	c.Settings.Repository, c.Settings.KeyFile = f.Path("offsite"), f.Path("offsite.key")
	made, err := upkeep.Init(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	made.Session.Close()
	to, err := replicate.OpenTarget(t.Context(), f.Session, replicate.Target{Repository: f.Path("offsite"), Key: config.KeySource{KeyFile: made.KeyFile}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(to.Close)
	return to
}

func snapshots(t *testing.T, s *session.Session) []*snapshot.Snapshot {
	t.Helper()
	all, err := s.Repo.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCopy(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	taken := f.BackUp(t, 3, time.Hour)
	to := newTarget(t, f)
	result, err := replicate.Copy(t.Context(), f.Session, to, replicate.Options{DryRun: true})
	if err != nil || len(result.Copied) != 3 || result.Copied[0].ID != taken[0].ID || len(snapshots(t, to)) > 0 {
		t.Errorf("dry run: got %+v, %v", result, err)
	}
	if result, err = replicate.Copy(t.Context(), f.Session, to, replicate.Options{Names: []string{taken[1].ID.String()}}); err != nil || len(result.Copied) != 1 {
		t.Errorf("by ID: got %+v, %v", result, err)
	}
	result, err = replicate.Copy(t.Context(), f.Session, to, replicate.Options{Names: []string{"app"}, Latest: 2})
	if err != nil || len(result.Copied) != 1 || result.Present != 1 || result.Added == 0 || result.Size() != taken[2].Image().Size {
		t.Errorf("the latest: got %+v, %v", result, err)
	}
	result, err = replicate.Copy(t.Context(), f.Session, to, replicate.Options{})
	if err != nil || len(result.Copied) != 1 || result.Present != 2 || len(snapshots(t, to)) != 3 {
		t.Errorf("all: got %+v, %v", result, err)
	}
	if check, err := upkeep.Check(t.Context(), to, upkeep.CheckOptions{ReadData: true}); err != nil {
		t.Errorf("check: got %+v, %v", check, err)
	}
	for _, name := range []string{"nonsense", "00000000"} {
		if result, err := replicate.Copy(t.Context(), f.Session, to, replicate.Options{Names: []string{name}}); result != nil || err == nil {
			t.Errorf("%s: got %+v, %v", name, result, err)
		}
	}
}

// TestCopyPrunes has the rules of the target leave out and remove snapshots.
func TestCopyPrunes(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.BackUp(t, 2, time.Hour)
	to := newTarget(t, f)
	rules := replicate.Options{Keep: &config.Keep{Last: &config.Count{Count: retention.Count(1)}}, Prune: true}
	for i, want := range []struct{ copied, leftOut, forgotten int }{{1, 1, 0}, {1, 1, 1}} {
		result, err := replicate.Copy(t.Context(), f.Session, to, rules)
		if err != nil || len(result.Copied) != want.copied || result.LeftOut != want.leftOut || len(result.Forgotten) != want.forgotten {
			t.Errorf("%d: got %+v, %v, want %+v", i, result, err, want)
		}
		f.BackUp(t, 1, time.Hour)
	}
	_, err := replicate.Copy(t.Context(), f.Session, to, replicate.Options{Names: []string{snapshots(t, f.Session)[0].ID.String()}, Prune: true})
	if code, _ := outcome.Classify(err); code != outcome.CodeUsage {
		t.Errorf("rules for an ID: got %v", err)
	}
}

// TestCopyDamaged checks that a snapshot which cannot be read stops only what counts on it.
func TestCopyDamaged(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.BackUp(t, 1, time.Hour)
	f.DamagePack(t)
	f.Exec(t, "DELETE FROM t", "VACUUM")
	f.BackUp(t, 1, time.Hour)
	to := newTarget(t, f)
	result, err := replicate.Copy(t.Context(), f.Session, to, replicate.Options{})
	if !errors.Is(err, repo.ErrUnreadable) || result == nil || result.Failed == 0 || result.Failed+len(result.Copied) != 2 {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestOpenTarget(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	newTarget(t, f)
	_, err := replicate.OpenTarget(t.Context(), f.Session, replicate.Target{Repository: f.Path("repo")})
	if !errors.Is(err, repo.ErrSameRepository) {
		t.Errorf("the source: got %v", err)
	}
	for name, target := range map[string]replicate.Target{"no place": {}, "no key": {Repository: f.Path("offsite")}} {
		_, err := replicate.OpenTarget(t.Context(), f.Session, target)
		if code, hint := outcome.Classify(err); code != outcome.CodeUsage || hint == "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	asked := ""
	f.AskPassword = func(_ context.Context, prompt string) (string, error) { asked = prompt; return "not the password", nil }
	_, err = replicate.OpenTarget(t.Context(), f.Session, replicate.Target{Repository: f.Path("offsite")})
	if code, _ := outcome.Classify(err); code != outcome.CodeWrongKey || asked == "" {
		t.Errorf("a wrong password: got %v", err)
	}
}

// TestCopyAtOnce copies while another copy runs: the second one says so, and nothing is copied twice.
func TestCopyAtOnce(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.BackUp(t, 2, time.Hour)
	to := newTarget(t, f)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if _, err := replicate.Copy(t.Context(), f.Session, to, replicate.Options{}); err != nil && !errors.Is(err, outcome.ErrRunning) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := len(snapshots(t, to)); got != 2 {
		t.Errorf("got %d copies, want 2", got)
	}
}
