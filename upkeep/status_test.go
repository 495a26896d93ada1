package upkeep_test

import (
	"testing"
	"time"

	"firn/internal/sessiontest"
	"firn/outcome"
	"firn/upkeep"
)

func TestReadStatus(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "[env.other]\ndatabase = \"other.db\"\n")
	taken := f.BackUp(t, 2, time.Hour)
	for _, tt := range []struct {
		o    upkeep.StatusOptions
		want []upkeep.Condition
		ok   bool
	}{
		{upkeep.StatusOptions{}, []upkeep.Condition{upkeep.OK, upkeep.None}, false},
		{upkeep.StatusOptions{Environment: "app"}, []upkeep.Condition{upkeep.OK}, true},
		{upkeep.StatusOptions{Environment: "app", MaxAge: time.Minute}, []upkeep.Condition{upkeep.Stale}, false},
	} {
		f.Clock = taken[1].Time.Add(2 * time.Minute)
		st, err := upkeep.ReadStatus(t.Context(), f.Session, tt.o)
		if err != nil {
			t.Fatal(err)
		}
		if st.OK() != tt.ok || len(st.States) != len(tt.want) {
			t.Fatalf("%+v: got %+v", tt.o, st)
		}
		for i, want := range tt.want {
			if got := st.States[i]; got.Condition != want || !got.Judged {
				t.Errorf("%+v: got %+v, want %s", tt.o, got, want)
			}
		}
		app := st.States[0]
		if app.Newest == nil || app.Newest.ID != taken[1].ID || app.Age != 2*time.Minute || app.Snapshots != 2 || !app.Changed.Equal(taken[1].Time) {
			t.Errorf("%+v: got %+v", tt.o, app)
		}
		if st.Usage.Packs == 0 || st.Free <= 0 {
			t.Errorf("%+v: got %+v, %d free", tt.o, st.Usage, st.Free)
		}
	}
	if _, err := upkeep.ReadStatus(t.Context(), f.Session, upkeep.StatusOptions{Environment: "nonsense"}); err == nil {
		t.Error("an unknown environment: got no error")
	}
}

func TestReadStatistics(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	taken := f.BackUp(t, 3, 12*time.Hour)
	stats, err := upkeep.ReadStatistics(t.Context(), f.Session, "")
	if err != nil {
		t.Fatal(err)
	}
	var logical int64
	for _, s := range taken {
		logical += s.Image().Size
	}
	if stats.Snapshots != 3 || stats.Logical != logical || stats.Ratio <= 1 || stats.Size < stats.Needed || len(stats.Databases) != 1 || stats.Shares != nil {
		t.Errorf("got %+v", stats)
	}
	if d := stats.Databases[0]; d.Environment != "app" || d.SizePerDay < 90_000 || d.AddedPerDay < 90_000 || len(d.History) != 3 {
		t.Errorf("got %+v", d)
	}
	if stats, err = upkeep.ReadStatistics(t.Context(), f.Session, "app"); err != nil {
		t.Fatal(err)
	}
	if len(stats.Shares) != 3 || stats.Shares[0].Snapshot.ID != taken[2].ID || stats.Shares[0].Alone < 45_000 {
		t.Errorf("got shares %+v", stats.Shares)
	}
	_, err = upkeep.ReadStatistics(t.Context(), f.Session, "nonsense")
	if code, _ := outcome.Classify(err); code != outcome.CodeFailed {
		t.Errorf("an unknown environment: got %v", err)
	}
}
