package watch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"firn/crypt"
	"firn/outcome"
	"firn/snapshot"
	"firn/store"
)

var errAway = fmt.Errorf("put: %w", store.ErrUnreachable)

// TestStoreAway checks that a store that is away is tried again with pauses of half a minute at most, that its databases stay changed,
// and that the window whose states are not stored is said.
func TestStoreAway(t *testing.T) {
	bubble(t, []string{"hot", "idle"}, func(x *world) {
		if err := run(x, Options{}, func() {
			pass(15 * time.Second)
			x.goAway(errAway)
			x.write("hot")
			pass(10 * time.Minute)
			if st := x.states[len(x.states)-1]; st.Problem == "" || st.Away.Sub(x.began) > 25*time.Second || time.Since(st.Time) > 3*time.Second {
				t.Errorf("state: got %+v", st)
			}
			x.goAway(nil)
			pass(31 * time.Second)
			if got := x.roundsOf("hot"); got != 2 {
				t.Errorf("got %d rounds of the hot one, want 2", got)
			}
		}); err != nil {
			t.Fatal(err)
		}
		x.want("away", x.lines(kindAway), "the repository takes no snapshots since 2000-01-01 00:00:2")
		x.want("back", x.lines(kindBack), "takes snapshots again, after 9m5")
		x.want("hole", x.lines(kindHole), "states between 2000-01-01 00:00:10 UTC and 2000-01-01 00:10:")
		if got := x.roundsOf("idle"); got != 1 {
			t.Errorf("got %d rounds of the idle one, want 1", got)
		}
	})
}

// TestStoreAwayAtStart checks that a watch begins when the store is there.
func TestStoreAwayAtStart(t *testing.T) {
	bubble(t, []string{"a"}, func(x *world) {
		x.opens = errAway
		if err := run(x, Options{}, func() {
			pass(10 * time.Minute)
			x.change(func() { x.opens = nil })
			pass(31 * time.Second)
			if x.roundsOf("a") != 1 {
				t.Errorf("got rounds %q", x.rounds.taken)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if x.opened < 20 || x.opened > 30 {
			t.Errorf("got %d attempts", x.opened)
		}
	})
}

// TestWrongKey checks that a watch ends with an error that no time mends.
func TestWrongKey(t *testing.T) {
	bubble(t, []string{"a"}, func(x *world) {
		x.opens = crypt.ErrWrongKey
		if err := run(x, Options{}, func() { pass(time.Hour) }); !errors.Is(err, crypt.ErrWrongKey) || x.opened != 1 {
			t.Errorf("got %v after %d attempts", err, x.opened)
		}
	})
}

// TestLost checks that the databases of snapshots that a prune has taken the ground from are taken again.
func TestLost(t *testing.T) {
	bubble(t, []string{"a", "b"}, func(x *world) {
		if err := run(x, Options{}, func() {
			pass(30 * time.Second)
			x.change(func() { x.rounds.lost = []*snapshot.Snapshot{{Environment: "b", Database: "b"}} })
			x.write("a")
			pass(100 * time.Second)
			if x.roundsOf("a") != 2 || x.roundsOf("b") != 2 {
				t.Errorf("got rounds %q", x.rounds.taken)
			}
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestConfirmFails checks that a confirmation is tried again.
func TestConfirmFails(t *testing.T) {
	bubble(t, []string{"a"}, func(x *world) {
		x.rounds.confirm = errAway
		if err := run(x, Options{}, func() {
			pass(3 * time.Minute)
			if x.rounds.Unconfirmed() != 1 {
				t.Errorf("got %d unconfirmed", x.rounds.Unconfirmed())
			}
			x.goAway(nil)
			pass(31 * time.Second)
			if x.rounds.Unconfirmed() != 0 {
				t.Errorf("later: got %d unconfirmed", x.rounds.Unconfirmed())
			}
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestConfirmEachRound checks that each round is confirmed if that is configured.
func TestConfirmEachRound(t *testing.T) {
	bubble(t, []string{"a"}, func(x *world) {
		x.settings.confirm = 0
		if err := run(x, Options{}, func() {
			for range 6 {
				x.write("a")
				pass(10 * time.Second)
			}
			pass(time.Second)
			if x.rounds.confirmed < len(x.rounds.taken) {
				t.Errorf("got %d confirmations of %d rounds", x.rounds.confirmed, len(x.rounds.taken))
			}
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// fakeSpool is a spool.
type fakeSpool struct {
	mu      sync.Mutex
	objects int
	since   time.Time
	err     error // of Drain
	drains  int
}

func (s *fakeSpool) Waiting() (int, int64, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects, int64(s.objects) * 1000, s.since
}

func (s *fakeSpool) Drain(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drains++
	if s.err == nil {
		s.objects = 0
	}
	return s.err
}

func (s *fakeSpool) set(objects int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects, s.since, s.err = objects, time.Now(), err
}

// TestSpool checks that rounds go on while objects wait, that nothing is confirmed or thinned meanwhile, and that the spool is emptied
// when the store is back.
func TestSpool(t *testing.T) {
	bubble(t, []string{"a"}, func(x *world) {
		spool := &fakeSpool{}
		if err := run(x, Options{Spool: spool}, func() {
			pass(70 * time.Second)
			confirmed, thins := x.rounds.confirmed, x.rounds.thins
			spool.set(3, errAway)
			for range 60 {
				x.write("a")
				pass(10 * time.Second)
			}
			if x.roundsOf("a") != 61 || x.rounds.confirmed != confirmed || x.rounds.thins != thins {
				t.Errorf("got %d rounds, %d confirmations, %d thins", x.roundsOf("a"), x.rounds.confirmed-confirmed, x.rounds.thins-thins)
			}
			spool.set(3, nil)
			pass(31 * time.Second)
			if x.rounds.Unconfirmed() != 0 {
				t.Errorf("got %d unconfirmed", x.rounds.Unconfirmed())
			}
		}); err != nil {
			t.Fatal(err)
		}
		x.want("away", x.lines(kindAway), "the store does not answer since 2000-01-01 00:01:10 UTC: rounds wait on this host", "what waits on this host cannot be stored yet: put: the store cannot be reached. It is tried again, after 30s at most. Check host")
		x.want("back", x.lines(kindBack), "the store answers again")
		if spool.drains > 30 {
			t.Errorf("got %d attempts", spool.drains)
		}
		if holes := x.lines(kindHole); len(holes) > 0 {
			t.Errorf("got holes %q", holes)
		}
	})
}

// TestSpoolAtTheEnd checks that the end empties the spool if the store is back, and says so if it is not.
func TestSpoolAtTheEnd(t *testing.T) {
	for name, away := range map[string]error{"Back": nil, "Away": errAway} {
		t.Run(name, func(t *testing.T) {
			bubble(t, []string{"a"}, func(x *world) {
				spool := &fakeSpool{}
				err := run(x, Options{Spool: spool}, func() {
					pass(5 * time.Minute)
					spool.set(3, errAway)
					pass(5 * time.Minute) // the next try is far
					spool.set(3, away)
				})
				if away == nil && (err != nil || spool.objects > 0 || x.rounds.Unconfirmed() > 0) {
					t.Errorf("got %v, %d objects wait, %d unconfirmed", err, spool.objects, x.rounds.Unconfirmed())
				}
				if away != nil && (err == nil || !strings.Contains(err.Error(), "3 objects")) {
					t.Errorf("got %v, want an error that tells of what waits", err)
				}
			})
		})
	}
}

// TestFull checks that space is freed at once in a store that has none, and not when the spool is full.
func TestFull(t *testing.T) {
	bubble(t, []string{"a"}, func(x *world) {
		if err := run(x, Options{}, func() {
			pass(15 * time.Second)
			x.goAway(store.ErrNoSpace)
			x.write("a")
			pass(20 * time.Second)
			if x.freed != 1 {
				t.Errorf("got %d prunes", x.freed)
			}
			x.goAway(nil)
			pass(10 * time.Second)
			if x.roundsOf("a") != 2 {
				t.Errorf("got rounds %q", x.rounds.taken)
			}
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestMends holds the errors to what a watch does about them at its start.
func TestMends(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		store.ErrUnreachable: true, store.ErrDenied: true, errors.New("disk"): true,
		crypt.ErrWrongKey: false, outcome.Usage("", "wrong"): false, context.Canceled: false,
	} {
		if got := Mends(err); got != want {
			t.Errorf("%v: got %v, want %v", err, got, want)
		}
	}
}
