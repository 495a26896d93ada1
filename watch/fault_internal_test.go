package watch

import (
	"fmt"
	"io/fs"
	"slices"
	"testing"
	"time"

	"firn/outcome"
	"firn/sqlite"
)

// TestFaults runs through the faults of one database. Each is said once when it begins and when it is over, and the other database is
// in a round every ten seconds.
func TestFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		breaks, mends func(*fakeFile)
		want          string
	}{
		"Missing": {
			func(f *fakeFile) { f.look = fs.ErrNotExist }, func(f *fakeFile) { f.look = nil }, "bad: missing: file does not exist",
		},
		"Locked": {
			func(f *fakeFile) { f.look = fmt.Errorf("look: %w", sqlite.ErrBusy) }, func(f *fakeFile) { f.look = nil }, "bad: locked: look: ",
		},
		"NotADatabase": {
			func(f *fakeFile) { f.look = sqlite.ErrNotDatabase }, func(f *fakeFile) { f.look = nil }, "bad: no database: ",
		},
		"Damaged": {
			func(f *fakeFile) { f.source = outcome.OfSource(sqlite.ErrCorrupt) }, func(f *fakeFile) { f.source = nil }, "bad: damaged: ",
		},
		"Denied": {
			func(f *fakeFile) { f.look = fs.ErrPermission }, func(f *fakeFile) { f.look = nil }, "bad: denied: ",
		},
		"Panic": {
			func(f *fakeFile) { f.panics = true }, func(f *fakeFile) { f.panics = false }, "bad: broken: internal error of firn: a bug",
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, []string{"bad", "good"}, func(x *world) {
				if err := run(x, Options{}, func() {
					pass(15 * time.Second)
					x.change(func() { tt.breaks(x.files["bad"]) })
					for range 30 {
						x.write("bad", "good")
						pass(10 * time.Second)
					}
					x.want("fault", x.lines(kindFault), tt.want)
					x.want("over", x.lines(kindWell))
					if got := x.roundsOf("good"); got != 31 {
						t.Errorf("rounds of the other one: got %d, want 31", got)
					}
					x.want("alarms", x.alarmed, "bad: watch bad: ")
					x.change(func() { tt.mends(x.files["bad"]) })
					pass(6 * time.Minute)
				}); err != nil {
					t.Fatal(err)
				}
				x.want("fault", x.lines(kindFault), tt.want)
				x.want("over", x.lines(kindWell), "bad: it is watched again after ")
				if errs, well := x.Failures(); len(errs) != 0 || well != 2 {
					t.Errorf("got %v, %d well", errs, well)
				}
			})
		})
	}
}

// TestReasonChanges checks that another reason of a fault is said, and that a database which is made anew is watched soon.
func TestReasonChanges(t *testing.T) {
	bubble(t, []string{"a"}, func(x *world) {
		x.files["a"].missing = true
		if err := run(x, Options{Environments: []string{"a"}}, func() {
			pass(5 * time.Minute)
			x.change(func() { x.files["a"].missing, x.files["a"].look = false, sqlite.ErrEmpty })
			pass(5 * time.Minute)
			x.change(func() { x.files["a"].look = nil })
			pass(20 * time.Second)
			if got := x.roundsOf("a"); got != 1 {
				t.Errorf("got %d rounds, want 1", got)
			}
		}); err != nil {
			t.Fatal(err)
		}
		x.want("faults", x.lines(kindFault), "a: missing: ", "a: no database: ")
		x.want("base", x.lines(kindBase), "a: watched from now on: ")
		x.want("over", x.lines(kindWell))
	})
}

// TestExpected checks that a database which is still to be made is no fault, that monitors hear nothing of it, and that it is
// watched when it is there. After its first snapshot a missing file is a fault.
func TestExpected(t *testing.T) {
	bubble(t, []string{"a", "demo"}, func(x *world) {
		x.files["demo"].missing = true
		if err := run(x, Options{}, func() {
			pass(5 * time.Minute)
			x.want("before", x.lines(kindFault), "demo: nothing yet: ")
			if errs, well := x.Failures(); len(errs) != 0 || well != 1 {
				t.Errorf("got %v, %d well", errs, well)
			}
			x.change(func() { x.files["demo"].missing = false })
			pass(20 * time.Second)
			x.change(func() { x.files["demo"].missing = true; x.files["demo"].look = fs.ErrNotExist })
			pass(20 * time.Second)
		}); err != nil {
			t.Fatal(err)
		}
		x.want("base", x.lines(kindBase), "a: watched from now on: ", "demo: watched from now on: ")
		x.want("faults", x.lines(kindFault), "demo: nothing yet: ", "demo: missing: ")
		if len(x.alarmed) != 0 {
			t.Errorf("monitors were told %q", x.alarmed)
		}
	})
}

// TestHangingLook checks that a database on a file server that is gone delays the others once, by a second, costs one call, and is
// watched again when the server is back.
func TestHangingLook(t *testing.T) {
	bubble(t, []string{"dead", "good"}, func(x *world) {
		server := make(chan struct{})
		if err := run(x, Options{}, func() {
			pass(15 * time.Second)
			x.change(func() { x.files["dead"].hang = server })
			looks := x.files["dead"].looks
			for range 60 {
				x.write("dead", "good")
				pass(10 * time.Second)
			}
			x.change(func() {
				if got := x.files["dead"].looks - looks; got != 1 {
					t.Errorf("looks at the dead one: got %d, want 1", got)
				}
			})
			if got := x.roundsOf("good"); got != 61 {
				t.Errorf("rounds of the other one: got %d, want 61", got)
			}
			for i, at := range x.rounds.at[1:] {
				if late := at.Sub(x.began) % (10 * time.Second); late > 1500*time.Millisecond {
					t.Errorf("round %d: %v late", i+1, late)
				}
			}
			x.change(func() { x.files["dead"].hang = nil })
			close(server)
			pass(6 * time.Minute)
		}); err != nil {
			t.Fatal(err)
		}
		x.want("fault", x.lines(kindFault), "dead: not answering: the file system does not answer for 10s")
		x.want("over", x.lines(kindWell), "dead: it is watched again after ")
		if f := x.files["dead"]; f.opens != 2 || f.closes != 2 {
			t.Errorf("got %d opens, %d closes, want 2", f.opens, f.closes)
		}
	})
}

// TestManyHang checks that many databases on one dead mount do not keep the others from their rounds.
func TestManyHang(t *testing.T) {
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("dead%d", i))
	}
	bubble(t, append(names, "good"), func(x *world) {
		server := make(chan struct{})
		if err := run(x, Options{}, func() {
			pass(15 * time.Second)
			x.change(func() {
				for _, name := range names {
					x.files[name].hang = server
				}
			})
			before := x.roundsOf("good")
			for range 12 {
				x.write("good")
				pass(10 * time.Second)
			}
			if got := x.roundsOf("good") - before; got < 11 {
				t.Errorf("rounds: got %d, want 11 or 12", got)
			}
			close(server)
		}); err != nil {
			t.Fatal(err)
		}
		if n := len(x.lines(kindFault)); n != 100 {
			t.Errorf("got %d lines about faults, want 100", n)
		}
	})
}

// TestElsewhere checks that a database which another process has is taken over soon after that ends.
func TestElsewhere(t *testing.T) {
	bubble(t, []string{"a", "b"}, func(x *world) {
		x.locks["a"] = true
		if err := run(x, Options{}, func() {
			pass(5 * time.Minute)
			if x.roundsOf("a") != 0 || x.roundsOf("b") != 1 {
				t.Errorf("got rounds %q", x.rounds.taken)
			}
			x.change(func() { x.locks["a"] = false })
			pass(4 * time.Second)
			if x.roundsOf("a") != 1 {
				t.Errorf("after the end of the other one: got rounds %q", x.rounds.taken)
			}
		}); err != nil {
			t.Fatal(err)
		}
		x.want("fault", x.lines(kindFault), "a: elsewhere: another run is under way, by another process")
		if len(x.alarmed) > 0 {
			t.Errorf("alarms: got %q", x.alarmed)
		}
	})
}

// TestAllElsewhere checks that databases which another watch has are told in one line, and that a fault which is found after its end
// is told to monitors when it has lasted, not at once.
func TestAllElsewhere(t *testing.T) {
	bubble(t, []string{"a", "b", "c"}, func(x *world) {
		x.locks["a"], x.locks["b"], x.locks["c"] = true, true, true
		if err := run(x, Options{Environments: []string{"a", "b", "c"}}, func() {
			pass(5 * time.Minute)
			x.change(func() { clear(x.locks); x.files["c"].missing = true })
			pass(30 * time.Second)
			if len(x.alarmed) > 0 {
				t.Errorf("alarms: got %q", x.alarmed)
			}
		}); err != nil {
			t.Fatal(err)
		}
		x.want("lines", x.lines(kindFault), "3 databases are watched or backed up by another process, and are taken over when it ends: a, b, c.", "c: missing: ")
	})
}

// TestOnceFailures checks the order and the number of the failures of a watch that runs once.
func TestOnceFailures(t *testing.T) {
	bubble(t, []string{"a", "b", "c"}, func(x *world) {
		x.files["a"].missing, x.files["c"].source = true, outcome.OfSource(sqlite.ErrCorrupt)
		if err := run(x, Options{Environments: []string{"a", "b", "c"}, Once: true}, func() { pass(time.Minute) }); err != nil {
			t.Fatal(err)
		}
		errs, well := x.Failures()
		codes := []int{}
		for _, err := range errs {
			code, _ := outcome.Classify(err)
			codes = append(codes, code)
		}
		if !slices.Equal(codes, []int{outcome.CodeFailed, outcome.CodeSource}) || well != 1 {
			t.Errorf("got %v, %d well", errs, well)
		}
	})
}
