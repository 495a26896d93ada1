package watch

import (
	"testing"
	"time"

	"firn/snapshot"
)

// TestSuspect checks that a reason for suspicion is told once, each change that SQLite has not written too, and that they are gone.
func TestSuspect(t *testing.T) {
	bubble(t, []string{"a"}, func(x *world) {
		round := func(suspect ...string) {
			x.change(func() { x.rounds.suspect, x.files["a"].changed = suspect, true })
			pass(15 * time.Second)
		}
		first, second := snapshot.UnwrittenChange{Pages: 1, Named: []string{"page 2"}}, snapshot.UnwrittenChange{Pages: 3, Named: []string{"page 7"}}
		if err := run(x, Options{}, func() {
			round()
			round("it has 0 rows, it had 510")
			round("it has 1 row, it had 510")
			round("it has 1 row, it had 510", first.String())
			round("it has 2 rows, it had 510", first.String())
			round(first.String(), second.String())
			round(second.String())
			round()
		}); err != nil {
			t.Fatal(err)
		}
		x.want("suspect", x.lines(kindSuspect), "it has 0 rows", "page 2,", "page 7 and 2 more", "not suspect any more")
	})
}

// TestUnsound checks that damage is told once, that it is not over while nothing is known, and when it is.
func TestUnsound(t *testing.T) {
	bubble(t, []string{"a"}, func(x *world) {
		round := func(proof *snapshot.Verification, suspect ...string) {
			x.change(func() { x.rounds.proof, x.rounds.suspect, x.files["a"].changed = proof, suspect, true })
			pass(15 * time.Second)
		}
		sound, unsound := &snapshot.Verification{}, &snapshot.Verification{Problem: "index i: page 7"}
		if err := run(x, Options{}, func() {
			round(sound)
			round(unsound, "it has 0 rows")
			round(nil)
			round(unsound)
			round(sound, "it has 0 rows")
			round(sound)
		}); err != nil {
			t.Fatal(err)
		}
		x.want("unsound", x.lines(kindUnsound), "its database is not sound: index i: page 7", "not unsound any more")
		x.want("suspect", x.lines(kindSuspect), "it has 0 rows", "not suspect any more")
	})
}

func TestWholePace(t *testing.T) {
	t.Parallel()
	var p wholePace
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {time.Second, false}, {159 * time.Second, false}, {160 * time.Second, true}} {
		if got := p.may(now.Add(step.after), 500<<20); got != step.want {
			t.Errorf("after %s: got %t, want %t", step.after, got, step.want)
		}
	}
}
