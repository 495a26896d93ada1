package watch

import (
	"slices"
	"strings"
	"testing"
	"time"

	"firn/config"
	"firn/snapshot"
)

// TestIntervals checks that environments with intervals of their own take part when they are due.
func TestIntervals(t *testing.T) {
	bubble(t, []string{"fast", "slow", "usual"}, func(x *world) {
		x.every["fast"], x.every["slow"] = 2*time.Second, time.Minute
		if err := run(x, Options{}, func() {
			for range 120 {
				x.write("fast", "slow", "usual")
				pass(time.Second)
			}
			for name, want := range map[string]int{"fast": 60, "slow": 3, "usual": 13} {
				if got := x.roundsOf(name); got < want-1 || got > want+1 {
					t.Errorf("%s: got %d rounds, want %d", name, got, want)
				}
			}
			if n := len(x.rounds.taken); n > 62 {
				t.Errorf("got %d rounds, want those of the fast one", n)
			}
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSlowRounds checks that rounds that take longer than their interval do not pile up, and that the loop turns meanwhile.
func TestSlowRounds(t *testing.T) {
	bubble(t, []string{"a"}, func(x *world) {
		x.rounds.takes = 25 * time.Second
		if err := run(x, Options{}, func() {
			for range 300 {
				x.write("a")
				pass(time.Second)
			}
			if n := x.roundsOf("a"); n < 10 || n > 12 {
				t.Errorf("got %d rounds", n)
			}
			if n := len(x.states); n < 290 {
				t.Errorf("got %d states of the loop", n)
			}
			x.change(func() { x.rounds.takes = 0 })
			pass(time.Minute)
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestClockJumps checks that a jump of the clock is said once, and that a round is taken at once.
func TestClockJumps(t *testing.T) {
	bubble(t, []string{"a"}, func(x *world) {
		x.settings.every = time.Hour
		if err := run(x, Options{}, func() {
			pass(20 * time.Second)
			x.write("a")
			x.change(func() { x.back = -8 * time.Hour }) // a suspend
			pass(time.Second)
			if x.roundsOf("a") != 2 {
				t.Errorf("after a suspend: got rounds %q", x.rounds.taken)
			}
			x.write("a")
			x.change(func() { x.back = -7 * time.Hour })
			pass(time.Second)
			if x.roundsOf("a") != 3 {
				t.Errorf("set back: got rounds %q", x.rounds.taken)
			}
			pass(time.Minute)
		}); err != nil {
			t.Fatal(err)
		}
		x.want("clock", x.lines(kindClock), "has jumped forward by 8h0m0s", "was set back by 1h0m0s")
	})
}

// TestNotBefore checks that the times of a series do not go backwards when the clock is set back a little.
func TestNotBefore(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		latest time.Time
		want   time.Time
	}{
		"Before":   {now.Add(-time.Second), time.Time{}},
		"SetBack":  {now.Add(time.Minute), now.Add(time.Minute + time.Microsecond)},
		"FarAhead": {now.Add(time.Hour), time.Time{}},
	} {
		d := &database{latest: &snapshot.Snapshot{Time: tt.latest}}
		if got := d.notBefore(now); !got.Equal(tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
	if got := new(database).notBefore(now); !got.IsZero() {
		t.Errorf("first: got %v", got)
	}
}

// TestRollbackJournal checks that a database with a rollback journal is read only now and then.
func TestRollbackJournal(t *testing.T) {
	bubble(t, []string{"large", "small", "wal"}, func(x *world) {
		x.files["large"].mode, x.files["large"].size = "delete", 200<<20
		x.files["small"].mode, x.files["small"].size = "delete", 10<<20
		x.rounds.takes = time.Second
		if err := run(x, Options{}, func() {
			pass(20 * time.Second)
			if x.roundsOf("large") != 0 { // its base is under way
				t.Errorf("got rounds %q", x.rounds.taken)
			}
			pass(70 * time.Minute)
			began := [...]int{x.roundsOf("large"), x.roundsOf("small"), x.roundsOf("wal")}
			for range 600 {
				x.write("large", "small", "wal")
				pass(time.Second)
			}
			for i, want := range [...]int{10, 30, 60} {
				name := [...]string{"large", "small", "wal"}[i]
				if got := x.roundsOf(name) - began[i]; got < want-5 || got > want+5 {
					t.Errorf("%s: got %d rounds, want %d", name, got, want)
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestBases checks that first readings share rounds up to a number of bytes, and that a large one delays no round.
func TestBases(t *testing.T) {
	bubble(t, []string{"a", "b", "c", "hot", "huge"}, func(x *world) {
		for _, name := range []string{"a", "b", "c"} {
			x.files[name].size = 40 << 20
		}
		x.files["huge"].size = 10 << 30
		if err := run(x, Options{}, func() {
			for range 180 {
				x.write("hot")
				pass(10 * time.Second)
			}
			if x.roundsOf("hot") < 179 || len(x.bases) != 0 {
				t.Errorf("got %d rounds of the hot one, bases %q", x.roundsOf("hot"), x.bases)
			}
			for _, names := range x.rounds.taken[:3] {
				if len(names) > 2 {
					t.Errorf("got first rounds %q", x.rounds.taken[:3])
				}
			}
			pass(31 * time.Minute)
			if !slices.Equal(x.bases, []string{"huge"}) || x.opened != 2 {
				t.Errorf("got bases %q, rounds begun %d times", x.bases, x.opened)
			}
			x.write("huge")
			pass(11 * time.Second)
			if x.roundsOf("huge") != 1 {
				t.Errorf("got %d rounds of the huge one", x.roundsOf("huge"))
			}
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestEndHangs checks that a watch ends soon whatever hangs, and says what is not stored.
func TestEndHangs(t *testing.T) {
	for name, hang := range map[string]func(*world, chan struct{}){
		"Store":    func(x *world, c chan struct{}) { x.rounds.hang = c },
		"Database": func(x *world, c chan struct{}) { x.files["a"].hang = c },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, []string{"a", "b"}, func(x *world) {
				server := make(chan struct{})
				var asked time.Time
				err := run(x, Options{}, func() {
					pass(15 * time.Second)
					x.change(func() { hang(x, server) })
					x.write("a", "b")
					asked = time.Now()
				})
				if took := time.Since(asked); took > 5*time.Second {
					t.Errorf("the end took %v", took)
				}
				if (err != nil) != (name == "Store") || x.roundsOf("b") != map[string]int{"Store": 1, "Database": 2}[name] {
					t.Errorf("got %v, rounds %q", err, x.rounds.taken)
				}
				close(server)
			})
		})
	}
}

// TestReload checks that environments come and go with the configuration, and that a broken one changes nothing.
func TestReload(t *testing.T) {
	bubble(t, []string{"a", "b"}, func(x *world) {
		if err := run(x, Options{}, func() {
			pass(15 * time.Second)
			x.Reload(x.conf, errAway)
			pass(time.Second)
			x.want("broken", x.lines(kindReload), "the configuration was not taken over")
			other := &config.Config{Env: map[string]*config.Environment{"a": x.conf.Env["a"]}}
			x.change(func() {
				x.conf = other
				x.every["a"] = time.Minute
			})
			x.add("c")
			x.Reload(other, nil)
			pass(time.Second)
			x.want("reload", x.lines(kindReload)[1:], "a every 1m; not watched any more: b; watched, too: c", "the configuration was read again")
			if f := x.files["b"]; f.closes != 1 {
				t.Errorf("b: got %+v", f)
			}
			pass(10 * time.Second)
			if x.roundsOf("c") != 1 || x.files["a"].opens != 1 {
				t.Errorf("got rounds %q, a opened %d times", x.rounds.taken, x.files["a"].opens)
			}
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestRemovedWhileTaken checks that a database which is removed while a round reads it is closed when the round has ended.
func TestRemovedWhileTaken(t *testing.T) {
	bubble(t, []string{"a", "b"}, func(x *world) {
		if err := run(x, Options{}, func() {
			pass(5 * time.Second)
			server := make(chan struct{})
			x.change(func() { x.rounds.hang = server })
			x.write("a", "b")
			pass(10 * time.Second)
			x.Reload(&config.Config{Env: map[string]*config.Environment{"a": x.conf.Env["a"]}}, nil)
			pass(time.Minute)
			x.change(func() {
				if n := x.files["b"].closes; n != 0 {
					t.Errorf("within the round: got %d closes", n)
				}
				x.rounds.hang = nil
			})
			close(server)
			pass(time.Second)
			x.change(func() {
				if n := x.files["b"].closes; n != 1 {
					t.Errorf("after the round: got %d closes", n)
				}
			})
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestNewFile checks that a new file of a pattern is watched within seconds, and one that has vanished is not.
func TestNewFile(t *testing.T) {
	bubble(t, []string{"a", "b"}, func(x *world) {
		x.folders = []string{"/srv"}
		if err := run(x, Options{}, func() {
			pass(15 * time.Second)
			x.change(func() { x.folderTime = time.Now() })
			x.add("new")
			pass(3 * time.Second)
			if x.roundsOf("new") != 1 {
				t.Errorf("got rounds %q", x.rounds.taken)
			}
			x.change(func() { delete(x.conf.Env, "a"); x.folderTime = time.Now() })
			pass(3 * time.Second)
			x.change(func() { clear(x.conf.Env); x.unmounted, x.folderTime = true, time.Now() })
			pass(30 * time.Second)
			x.change(func() {
				if n := len(x.states[len(x.states)-1].Databases); n != 2 {
					t.Errorf("an empty folder: got %d databases, want 2", n)
				}
			})
		}); err != nil {
			t.Fatal(err)
		}
		x.want("roster", x.lines(kindReload), "watched, too: new", "not watched any more: a")
	})
}

// TestRelease checks that connections are let go of on demand and taken up again, and that those of quiet databases are let go of.
func TestRelease(t *testing.T) {
	bubble(t, []string{"a", "b"}, func(x *world) {
		held := func(want ...bool) {
			t.Helper()
			x.change(func() {
				if got := []bool{x.files["a"].held, x.files["b"].held}; !slices.Equal(got, want) {
					t.Errorf("held: got %v, want %v", got, want)
				}
			})
		}
		if err := run(x, Options{}, func() {
			x.write("a", "b")
			pass(15 * time.Second)
			x.Release()
			pass(time.Second)
			held(false, false)
			pass(time.Minute)
			held(true, true)
			for range 4 {
				x.write("a")
				pass(time.Hour)
			}
			held(true, false)
			x.write("b")
			pass(21 * time.Second)
			held(true, true)
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestIdle counts what a watch asks of the store while nothing changes: a sign of life an hour.
func TestIdle(t *testing.T) {
	bubble(t, []string{"a", "b"}, func(x *world) {
		if err := run(x, Options{}, func() {
			pass(5 * time.Minute)
			confirmed, thins, alives := x.rounds.confirmed, x.rounds.thins, len(x.alives)
			pass(3 * time.Hour)
			if x.rounds.confirmed != confirmed || x.rounds.thins != thins || len(x.alives) != alives+3 {
				t.Errorf("got %d confirmations, %d thins, %d signs of life", x.rounds.confirmed-confirmed, x.rounds.thins-thins, len(x.alives)-alives)
			}
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestHour checks the line of summary, the retention and the signs of life of an hour.
func TestHour(t *testing.T) {
	bubble(t, []string{"a", "b"}, func(x *world) {
		if err := run(x, Options{}, func() {
			for range 361 {
				x.write("a")
				pass(10 * time.Second)
			}
		}); err != nil {
			t.Fatal(err)
		}
		x.want("summary", x.lines(kindHour), "last hour: 360 rounds, 2 databases, 350.6 KiB, 10.")
		if x.rounds.thins < 11 || x.rounds.thins > 13 || len(x.alives) != 2 || len(x.alives[0].Watched) != 2 {
			t.Errorf("got %d thins, %d signs of life", x.rounds.thins, len(x.alives))
		}
		if a := x.alives[1]; a.Time.Before(time.Now().Add(-time.Minute)) || a.Watched[1].Problem != "" {
			t.Errorf("got %+v", a)
		}
		if n := x.beatsTo["b"]; n < 59 || n > 61 {
			t.Errorf("got %d pings", n)
		}
		for _, line := range x.lines(kindRound) {
			if !strings.Contains(line, "round of") {
				t.Error(line)
			}
		}
	})
}
