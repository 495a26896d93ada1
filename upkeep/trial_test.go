package upkeep_test

import (
	"errors"
	"testing"
	"time"

	"firn/config"
	"firn/internal/sessiontest"
	"firn/retention"
	"firn/snapshot"
	"firn/upkeep"
)

func try(t *testing.T, f *sessiontest.Fixture, own []*snapshot.Snapshot, keep *config.Keep) (*upkeep.Trial, error) {
	t.Helper()
	return upkeep.Try(upkeep.RulesOf(t.Context(), f.Session, keep), own, f.Clock)
}

func TestTrialFreesWhatOnlyTheRemovedNeed(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.BackUp(t, 6, 24*time.Hour)
	own := f.Catalog(t).All
	usage, err := f.Repo.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	trial, err := try(t, f, own, &config.Keep{Last: &config.Count{Count: 2}})
	if err != nil {
		t.Fatal(err)
	}
	if len(trial.Kept) != 2 || len(trial.Gone) != 4 || trial.Policy.Last != 2 || len(trial.Decisions) != 6 {
		t.Fatalf("got %d kept, %d gone, %+v", len(trial.Kept), len(trial.Gone), trial.Policy)
	}
	frees, err := trial.Frees(t.Context(), f.Session)
	if err != nil {
		t.Fatal(err)
	}
	if frees <= 0 || frees >= usage.Size || len(f.Catalog(t).All) != 6 {
		t.Errorf("frees %d of %d bytes, %d snapshots are left", frees, usage.Size, len(f.Catalog(t).All))
	}
	if _, err := upkeep.Forget(t.Context(), f.Session, upkeep.ForgetOptions{Keep: &config.Keep{Last: &config.Count{Count: 2}}}); err != nil {
		t.Fatal(err)
	}
	if shares, err := f.Repo.Shares(t.Context(), own); err != nil {
		t.Fatal(err)
	} else if left, err := f.Repo.Shares(t.Context(), f.Catalog(t).All); err != nil || shares.Needed-left.Needed != frees {
		t.Errorf("frees %d, want %d, %v", frees, shares.Needed-left.Needed, err)
	}
}

func TestTrialOfTheRulesThatHold(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "[env.app.keep]\nlast = 3\n")
	f.BackUp(t, 5, time.Minute)
	trial, err := try(t, f, f.Catalog(t).All, nil)
	if err != nil {
		t.Fatal(err)
	}
	if trial.Policy.Last != 3 || len(trial.Kept) != 3 || trial.Decisions[0].Reasons[0] != "last 1" {
		t.Errorf("got %+v", trial)
	}
	if _, err = try(t, f, f.Catalog(t).All, &config.Keep{Last: &config.Count{}}); !errors.Is(err, retention.ErrKeepsNothing) {
		t.Errorf("no rule: got %v, want %v", err, retention.ErrKeepsNothing)
	}
	if trial, err = try(t, f, nil, nil); err != nil || len(trial.Decisions) != 0 {
		t.Errorf("no snapshots: got %+v, %v", trial, err)
	}
}
