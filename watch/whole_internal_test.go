package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"firn/backup"
	"firn/internal/sessiontest"
	"firn/monitor"
	"firn/outcome"
	"firn/session"
)

// TestWhole watches a real database once. Its repository, its lock, its metrics and its state are those of a watch.
func TestWhole(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "tags = [\"nightly\"]\n[env.gone]\ndatabase = \"gone.db\"\n")
	p := partsOf(f.Session)
	r := &reporter{s: f.Session}
	p.clock = newClock(time.Now)
	var wrote atomic.Int32
	p.writeReport = func(ctx context.Context, st session.WatchState, file string, metrics func(monitor.Samples)) error {
		wrote.Add(1)
		return r.write(ctx, st, file, metrics)
	}
	p.closeReport = func() error { return nil }
	var refused error
	w := newWatch(f.Conf, p, Options{Environments: []string{"app", "gone"}, Once: true, MetricsFile: f.Path("firn.prom"), Told: func(e Event) {
		if e.Kind != kindBase {
			return
		}
		j, err := backup.NewJob(f.Conf, f.Conf.Env["app"], backup.Options{})
		if err != nil {
			t.Error(err)
		}
		_, refused = backup.NewRun(f.Open(t, session.OpenOptions{}), backup.RunOptions{}).BackUp(t.Context(), j)
	}})
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if errs, well := w.Failures(); len(errs) != 1 || well != 1 || !strings.HasPrefix(errs[0].Error(), "watch gone: open database ") {
		t.Errorf("got %v, %d well", errs, well)
	}
	if all := f.Catalog(t).All; len(all) == 0 || all[0].Environment != "app" || !all[0].Tags.Has("nightly") {
		t.Errorf("got snapshots %+v", all)
	}
	if !errors.Is(refused, outcome.ErrRunning) || !strings.Contains(refused.Error(), "it is watched since ") {
		t.Errorf("a backup beside it: got %v", refused)
	}
	states := f.WatchStates()
	if wrote.Load() == 0 || len(states) != 1 || states[0].Gone || len(states[0].Databases) != 2 {
		t.Errorf("got states %+v", states)
	}
	text, err := os.ReadFile(filepath.Clean(f.Path("firn.prom")))
	if err != nil || !strings.Contains(string(text), `firn_watch_healthy{environment="app",database="app"} 1`) {
		t.Errorf("got metrics %s, %v", text, err)
	}
	if err := r.close(); err != nil {
		t.Error(err)
	}
	if l, err := f.Lock("backup", "app", "app"); err != nil {
		t.Errorf("the lock after the end: %v", err)
	} else {
		l.Release()
	}
}

// TestPartsAreWhole checks that a watch has all parts but the socket of systemd.
func TestPartsAreWhole(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	w := New(f.Session, Options{})
	v := reflect.ValueOf(w.parts)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "notifier" {
			t.Errorf("%s is missing", name)
		}
	}
}
