package watch

import (
	"fmt"
	"testing"
	"time"
)

// TestPeekHangs checks that a peek that hangs costs the other databases a few seconds of peeks, and its own database a fault.
func TestPeekHangs(t *testing.T) {
	bubble(t, []string{"a", "dead", "z"}, func(x *world) {
		server := make(chan struct{})
		x.peek = 100 * time.Millisecond
		if err := run(x, Options{}, func() {
			pass(15 * time.Second)
			x.change(func() { x.files["dead"].peekHang = server })
			pass(4 * time.Second)
			var before [2]int
			x.change(func() { before = [2]int{x.files["a"].peeks, x.files["z"].peeks} })
			pass(10 * time.Second)
			x.change(func() {
				if a, z := x.files["a"].peeks-before[0], x.files["z"].peeks-before[1]; a < 99 || z < 99 {
					t.Errorf("got %d and %d peeks in 10 s", a, z)
				}
			})
			close(server)
		}); err != nil {
			t.Fatal(err)
		}
		x.want("fault", x.lines(kindFault), "dead: not answering: ")
		x.want("over", x.lines(kindWell), "dead: it is watched again")
	})
}

// TestThousand watches 1,000 databases of which 100 change.
func TestThousand(t *testing.T) {
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("d%03d", i))
	}
	bubble(t, names, func(x *world) {
		if err := run(x, Options{}, func() {
			pass(5 * time.Minute)
			before := len(x.rounds.taken)
			for range 12 {
				x.write(names[:100]...)
				pass(10 * time.Second)
			}
			for _, taken := range x.rounds.taken[before:] {
				if len(taken) != 100 {
					t.Errorf("got a round of %d databases", len(taken))
				}
			}
			if n := len(x.rounds.taken) - before; n < 11 || n > 12 {
				t.Errorf("got %d rounds", n)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if faults := x.lines(kindFault); len(faults) > 0 {
			t.Errorf("got %q", faults[:1])
		}
	})
}
