package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"firn/config"
	"firn/crypt"
	"firn/repo"
	"firn/report"
	"firn/session"
)

// TestChores checks that chores run one at a time with rests between them, delay no round, and that failures are told.
func TestChores(t *testing.T) {
	bubble(t, []string{"a", "b"}, func(x *world) {
		var did []string
		running := 0
		note := func(name string, takes time.Duration, of []string, err error) *chore {
			return &chore{name: name, pause: time.Hour, run: func(context.Context, *config.Config) (string, []string, error) {
				x.change(func() { did = append(did, name); running++ })
				time.Sleep(takes)
				x.change(func() {
					if running--; running > 0 {
						t.Error("two chores run at a time")
					}
				})
				return "done", of, err
			}}
		}
		x.chores = []*chore{note("prune", 20*time.Minute, nil, nil), note("verify", time.Second, []string{"b"}, errAway), note("copy", 0, nil, errAway)}
		if err := run(x, Options{}, func() {
			for range 6 * 60 {
				x.write("a")
				pass(10 * time.Second)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(did, []string{"prune", "verify", "copy"}) {
			t.Errorf("got %q", did)
		}
		if got := x.roundsOf("a"); got < 359 {
			t.Errorf("got %d rounds", got)
		}
		x.want("lines", x.lines(kindChore), "prune: done", "verify: put: ", "copy: put: ")
		slices.Sort(x.alarmed)
		x.want("alarms", x.alarmed, "a: watch a: put", "b: watch b: put", "b: watch b: put")
	})
}

// TestMayNotDelete checks that a host which may not delete goes on, says so once, and tells no monitor, and that retention rests
// while nothing is stored.
func TestMayNotDelete(t *testing.T) {
	bubble(t, []string{"a"}, func(x *world) {
		refused := fmt.Errorf("delete: %w", repo.ErrMayNotDelete)
		x.chores = []*chore{{name: "prune", pause: time.Hour, run: func(context.Context, *config.Config) (string, []string, error) {
			return "", nil, refused
		}}}
		if err := run(x, Options{}, func() { pass(3 * time.Hour) }); err != nil {
			t.Fatal(err)
		}
		x.want("lines", x.lines(kindChore), "prune: delete: ")
		if len(x.alarmed) != 0 || x.rounds.thins != 1 {
			t.Errorf("monitors were told %q; %d runs of retention", x.alarmed, x.rounds.thins)
		}
	})
}

// TestBegin checks that a store that is away at the start is tried again, and that an error that no time mends is returned.
func TestBegin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began, tries := time.Now(), 0
		c := &session.Caller{Reporter: &report.Reporter{}, Now: time.Now, Getenv: func(string) string { return "" }}
		var told []Event
		open := func(context.Context) error {
			tries++
			if time.Since(began) < 10*time.Minute {
				return errAway
			}
			return crypt.ErrWrongKey
		}
		err := Begin(t.Context(), c, false, open, func(e Event) { told = append(told, e) })
		if !errors.Is(err, crypt.ErrWrongKey) || tries < 20 || tries > 30 || len(told) != 1 {
			t.Errorf("got %v after %d attempts, told %v", err, tries, told)
		}
		began, tries = time.Now(), 0
		if err := Begin(t.Context(), c, true, open, nil); !errors.Is(err, errAway) || tries != 1 {
			t.Errorf("once: got %v after %d attempts", err, tries)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		if err := Begin(ctx, c, false, open, func(Event) {}); !errors.Is(err, context.Canceled) || time.Since(began) > 6*time.Second {
			t.Errorf("interrupted: got %v", err)
		}
	})
}
