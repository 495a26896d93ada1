package upkeep_test

import (
	"errors"
	"testing"
	"time"

	"firn/internal/sessiontest"
	"firn/outcome"
	"firn/session"
	"firn/upkeep"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.BackUp(t, 2, time.Hour)
	result, err := upkeep.Check(t.Context(), f.Session, upkeep.CheckOptions{ReadData: true})
	if err != nil || result.Read != result.Bytes || result.Snapshots != 2 {
		t.Fatalf("got %+v, %v", result, err)
	}
	st, err := upkeep.ReadStatus(t.Context(), f.Session, upkeep.StatusOptions{})
	if err != nil || !st.Done.Checked.Equal(f.Clock) {
		t.Errorf("status: checked %s, %v", st.Done.Checked, err)
	}
	none, ok := upkeep.ParseSubset("1/4000000000")
	if !ok {
		t.Fatal("a part is refused")
	}
	if result, err := upkeep.Check(t.Context(), f.Session, upkeep.CheckOptions{Subset: none}); err != nil || result.Read != 0 {
		t.Errorf("a small part: got %+v, %v", result, err)
	}
	f.DamagePack(t)
	if _, err := upkeep.Check(t.Context(), f.Session, upkeep.CheckOptions{}); err != nil {
		t.Errorf("the structure alone: got %v", err)
	}
	result, err = upkeep.Check(t.Context(), f.Session, upkeep.CheckOptions{ReadData: true})
	if code, hint := outcome.Classify(err); result == nil || len(result.Findings) == 0 || !errors.Is(err, outcome.ErrDamage) || code != outcome.CodeDamage || hint == "" {
		t.Errorf("damaged: got %+v, %v", result, err)
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.BackUp(t, 2, time.Hour)
	f.DamagePack(t)
	s := f.Open(t, session.OpenOptions{Repairing: true})
	r, err := upkeep.Diagnose(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := upkeep.Diagnose(t.Context(), s); !errors.Is(err, outcome.ErrRunning) {
		t.Errorf("a second repair: got %v", err)
	}
	if err := r.Found(false); !r.Needed(false) || !errors.Is(err, outcome.ErrDamage) {
		t.Errorf("needed %t, %v", r.Needed(false), err)
	}
	result, err := r.Run(t.Context(), false)
	if result == nil || result.Condemned != 1 || len(result.Forgotten) > 0 || !errors.Is(err, outcome.ErrDamage) {
		t.Errorf("got %+v, %v", result, err)
	}
	r.Close()
	if r, err = upkeep.Diagnose(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	lost := len(r.Diagnosis.Lost)
	if result, err = r.Run(t.Context(), true); err != nil || lost == 0 || len(result.Forgotten) != lost {
		t.Errorf("forgetting %d lost ones: got %+v, %v", lost, result, err)
	}
	if result, err := upkeep.Check(t.Context(), s, upkeep.CheckOptions{ReadData: true}); err != nil {
		t.Errorf("afterwards: got %+v, %v", result, err)
	}
}
