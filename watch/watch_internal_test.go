package watch

import (
	"slices"
	"testing"
	"time"
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
