package watch

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/sqlite"
)

// TestRounds checks that a round takes what has changed, and nothing else, at its interval, and that it is confirmed once a minute.
func TestRounds(t *testing.T) {
	bubble(t, []string{"a", "b"}, func(x *world) {
		x.peek = peekEvery
		err := run(x, Options{}, func() {
			pass(9 * time.Second)
			x.change(func() { x.files["b"].changed = true })
			pass(20 * time.Second)
			x.change(func() { x.files["a"].changed, x.files["b"].changed = true, true })
			pass(50 * time.Second)
		})
		if err != nil {
			t.Fatal(err)
		}
		want := [][]string{{"a", "b"}, {"b"}, {"a", "b"}}
		if !slices.EqualFunc(x.rounds.taken, want, slices.Equal) {
			t.Errorf("rounds: got %q, want %q", x.rounds.taken, want)
		}
		if x.rounds.waiting != 0 || x.rounds.confirmed < 2 {
			t.Errorf("got %d unconfirmed, %d confirmations", x.rounds.waiting, x.rounds.confirmed)
		}
		for name, f := range x.files {
			if f.opens != 1 || f.closes != 1 || f.peeks < 1000 {
				t.Errorf("%s: got %+v", name, f)
			}
		}
	})
}

// TestLastRound checks that what has changed at the end is stored and confirmed.
func TestLastRound(t *testing.T) {
	bubble(t, []string{"a"}, func(x *world) {
		if err := run(x, Options{}, func() {
			pass(12 * time.Second)
			x.change(func() { x.files["a"].changed = true })
		}); err != nil {
			t.Fatal(err)
		}
		if len(x.rounds.taken) != 2 || x.rounds.waiting != 0 {
			t.Errorf("got %q, %d unconfirmed", x.rounds.taken, x.rounds.waiting)
		}
	})
}

// TestLastRoundTakesReplaced checks that the last round takes databases that are well again, before the next attempt at them is due:
// a file that was away when a round looked, a lock that is free again, and a file that was made since the watch began.
func TestLastRoundTakesReplaced(t *testing.T) {
	bubble(t, []string{"gone", "held", "locked", "made", "well"}, func(x *world) {
		x.files["made"].missing, x.locks["held"] = true, true
		if err := run(x, Options{}, func() {
			pass(15 * time.Second)
			x.change(func() { x.files["gone"].look, x.files["locked"].look = fs.ErrNotExist, sqlite.ErrBusy })
			x.write("gone", "locked", "well")
			pass(50 * time.Second)
			x.change(func() {
				x.files["gone"].look, x.files["locked"].look, x.files["made"].missing = nil, nil, false
			})
		}); err != nil {
			t.Fatal(err)
		}
		want := []string{"gone", "locked", "made"}
		if last := x.rounds.taken[len(x.rounds.taken)-1]; !slices.Equal(last, want) || x.rounds.waiting != 0 {
			t.Errorf("got %q, %d unconfirmed, want the last round to take %q", x.rounds.taken, x.rounds.waiting, want)
		}
	})
}

// TestLastRoundAtOnce ends a watch while it opens its databases: the last round waits for those that are open within a second, and says
// which are not.
func TestLastRoundAtOnce(t *testing.T) {
	bubble(t, []string{"a", "b", "slow"}, func(x *world) {
		x.files["a"].slow, x.files["b"].slow, x.files["slow"].slow = 700*time.Millisecond, 900*time.Millisecond, 3*time.Second
		if err := run(x, Options{}, func() { pass(50 * time.Millisecond) }); err != nil {
			t.Fatal(err)
		}
		if want := []string{"a", "b"}; len(x.rounds.taken) != 1 || !slices.Equal(x.rounds.taken[0], want) || x.rounds.waiting != 0 {
			t.Errorf("got %q, %d unconfirmed, want a round of %q", x.rounds.taken, x.rounds.waiting, want)
		}
		told := slices.ContainsFunc(x.events, func(e Event) bool { return e.Environment == "slow" && strings.Contains(e.Text, "without it") })
		if !told {
			t.Errorf("nobody tells what the last round is without: %+v", x.events)
		}
		pass(5 * time.Second) // the slow one is open by then
	})
}

// TestOnce checks that a watch that runs once takes a base and a round, and ends.
func TestOnce(t *testing.T) {
	bubble(t, []string{"a", "b", "c"}, func(x *world) {
		x.files["b"].missing = true
		began := time.Now()
		if err := run(x, Options{Environments: []string{"a", "b", "c"}, Once: true}, func() { pass(time.Minute) }); err != nil {
			t.Fatal(err)
		}
		errs, well := x.Failures()
		if len(errs) != 1 || well != 2 || x.rounds.waiting != 0 {
			t.Errorf("got %v, %d well, %d unconfirmed", errs, well, x.rounds.waiting)
		}
		if took := x.events[len(x.events)-1].Time.Sub(began); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
