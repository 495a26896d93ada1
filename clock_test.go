package firn_test

import (
	"sync"
	"testing"
	"time"

	"firn"
)

// clock is set by a test. With a step it goes on by itself each time that it is looked at, or back.
type clock struct {
	mu   sync.Mutex
	now  time.Time
	step time.Duration
}

// Now returns the time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(c.step)
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// TestClockGoesBackwards has a clock that is set back again and again while backups are taken.
func TestClockGoesBackwards(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	clock := &clock{now: time.Now(), step: -time.Minute}
	r := f.open(f.path("repo"), firn.Options{KeyFile: f.key, Now: clock.Now})
	app := r.Database(f.path("app.db"), firn.Environment{Name: "production", Keep: firn.Keep{Last: 9}})
	for range 3 {
		f.exec("app.db", "INSERT INTO item(name) VALUES('more')")
		if _, err := app.Backup(t.Context(), firn.BackupOptions{}); err != nil {
			t.Error(err)
		}
	}
	if n := len(f.all()); n != 3 {
		t.Errorf("%d snapshots, want 3", n)
	}
}
