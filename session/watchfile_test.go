package session_test

import (
	"strings"
	"testing"
	"time"

	"firn/internal/sessiontest"
	"firn/outcome"
	"firn/session"
)

// TestWatchFile checks that a state can be read while its process is there, and that it is marked when the process is gone.
func TestWatchFile(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	file, err := f.NewWatchFile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := f.WatchStates(); len(got) != 0 {
		t.Errorf("before the first state: got %+v", got)
	}
	want := session.WatchState{PID: 7, Time: f.Clock, Databases: []session.WatchedDatabase{{Environment: "app", Every: time.Second}}}
	for range 2 {
		if err := file.Write(want); err != nil {
			t.Fatal(err)
		}
	}
	got := f.WatchStates()
	if len(got) != 1 || got[0].Gone || got[0].PID != 7 || got[0].Databases[0].Every != time.Second {
		t.Errorf("got %+v", got)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if got := f.WatchStates(); len(got) != 0 {
		t.Errorf("after the end: got %+v", got)
	}
}

// TestWatchedLock checks that a run that meets the lock of a watch says so.
func TestWatchedLock(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	l, err := f.LockForWatch("backup", "app", "app")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	_, err = f.Lock("backup", "app", "app")
	if code, hint := outcome.Classify(err); code != outcome.CodeRunning || !strings.Contains(err.Error(), "it is watched since 2026-03-15 03:12:00 UTC (process ") || !strings.Contains(hint, "the watch takes its snapshots") {
		t.Errorf("got %v, code %d, hint %q", err, code, hint)
	}
}
