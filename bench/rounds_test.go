package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// newCopier makes a contender that needs only a shell. It keeps the newest copy, and a
// file that grows by a byte with each backup.
func newCopier(name string) contender {
	backup := `cp "$DB" "$REPO/app.db"; cp "$DB-wal" "$REPO/app.db-wal"; printf x >>"$REPO/runs"`
	return contender{
		name: name, title: name, backupUnproven: backup,
		init:    `mkdir "$REPO"`,
		backup:  backup,
		restore: `cp "$REPO/app.db" "$OUT"; cp "$REPO/app.db-wal" "$OUT-wal"`,
		prune:   `echo "${AGE:-}" >>"$TMP/ages"`, verify: `test -s "$REPO/app.db"`, clone: true,
		verifyPages: `test -s "$REPO/app.db"`,
	}
}

func newOptions() options {
	return options{
		sizes: []int64{smallSize}, firsts: 2, ticks: 3, writes: 2, unchanged: 2, pages: 4, seed: 1,
		monthly: monthOptions{every: 6 * time.Hour, days: 2, size: smallSize},
	}
}

func TestCompareMeasuresEveryOperation(t *testing.T) {
	t.Parallel()
	work := filepath.Join(t.TempDir(), "work")
	plain := newCopier("plain")
	plain.prune, plain.verify, plain.backupUnproven, plain.clone = "", "", "", false
	c, err := compare(newOptions(), work, []contender{plain, newCopier(firnName)})
	if err != nil {
		t.Fatal(err)
	}
	want := map[operation]int{firstBackup: 2, inPlace: 3, writes: 2, writesUnproven: 4, unchanged: 2, backupPruned: 2, restoreNew: 2, restoreUnproven: 2, verifyAll: 1, verifyUnproven: 2, clone: 2}
	for _, op := range operations {
		if got := len(c.result(firnName).costs[op]); got != want[op] {
			t.Errorf("%s: got %d runs, want %d", op, got, want[op])
		}
		if got, can := len(c.result("plain").costs[op]), plain.can(op); (got > 0) != can {
			t.Errorf("%s: got %d runs of a contender of which can is %v", op, got, can)
		}
	}
	if got := c.pages[inPlace]; len(got) != 3 || got[0] != 4 {
		t.Errorf("pages changed in place: got %v, want 4 each", got)
	}
	if _, err := os.Stat(work); !os.IsNotExist(err) {
		t.Errorf("the folder: got %v, want that it is gone", err)
	}
}

func TestCompareNoticesWrongRestore(t *testing.T) {
	t.Parallel()
	c := newCopier("old")
	c.backup = `test -e "$REPO/app.db" || cp "$DB" "$REPO/app.db"; : >"$REPO/app.db-wal"` // keeps the first state for ever
	if _, err := compare(newOptions(), t.TempDir(), []contender{c}); err == nil {
		t.Error("got no error")
	}
}

func TestSimulateDrawsEachBackup(t *testing.T) {
	t.Parallel()
	m, err := simulate(newOptions(), filepath.Join(t.TempDir(), "work"), []contender{newCopier(scriptName), newCopier(copyName), newCopier(firnName)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(m.lines), 2; got != want {
		t.Fatalf("lines: got %d, want %d", got, want)
	}
	for _, l := range m.lines {
		if got, want := len(l.points), 8; got != want {
			t.Errorf("%s: got %d points, want %d", l.name, got, want)
		}
		if p := l.points[5]; p.day != 1.25 || p.size < smallSize {
			t.Errorf("%s: got %v, want day 1.25 and a whole copy", l.name, p)
		}
	}
}

func TestAgeIsOfADayBefore(t *testing.T) {
	t.Parallel()
	s := simulation{rounds: &rounds{options: newOptions()}}
	start := time.Now()
	for n := range 6 {
		s.times = append(s.times, start.Add(time.Duration(n-6)*time.Minute))
	}
	if got := s.age(3); got != orphanAge {
		t.Errorf("on the first day: got %s, want %s, more than the simulation lasts", got, orphanAge)
	}
	if got := s.age(5); got < 5*time.Minute || got > 6*time.Minute {
		t.Errorf("got %s, want the 5 minutes since the second of six backups", got)
	}
}
