package repo_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

var protocolSeed = flag.Uint64("protocol-seed", 0, "seed of the random walks through the protocol; 0 picks one")

// TestProtocolExhaustive visits every state of configurations small enough.
func TestProtocolExhaustive(t *testing.T) {
	t.Parallel()
	skipShort(t)
	tests := []struct {
		model model
		delta bool
	}{
		{model{saves: []blobs{both}, prunes: 2, forgets: 2}, false},
		{model{saves: []blobs{both}, prunes: 2, forgets: 2}, true},
		{model{saves: []blobs{second}, prunes: 2, forgets: 2}, false},
		{model{saves: []blobs{second}, prunes: 2, forgets: 3}, true},
		{model{saves: []blobs{both, second}, prunes: 1, forgets: 4}, true},
		{model{saves: []blobs{both, second}, prunes: 2, forgets: 1, narrow: true}, true},
		{model{watch: []blobs{second}, prunes: 2, forgets: 2, narrow: true}, true},
		{model{watch: []blobs{both, second}, prunes: 1, forgets: 3}, true},
		{model{watch: []blobs{both, second}, together: true, prunes: 2, forgets: 1, narrow: true}, true},
		{model{watch: []blobs{both, second}, prunes: 2, narrow: true}, true},
		{model{saves: []blobs{second}, watch: []blobs{both}, prunes: 1, forgets: 2}, true},
		{model{watch: []blobs{second}, prunes: 2, forgets: 1, narrow: true, torn: true}, true},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s,delta=%t", &tt.model, tt.delta), func(t *testing.T) {
			x := search{model: tt.model, seen: map[state]struct{}{}}
			x.visit(start(tt.delta))
			t.Logf("%d states", len(x.seen))
			if x.lossy {
				t.Fatalf("an acknowledged snapshot lost a blob:%s", x.path)
			}
		})
	}
}

// search visits the states that a model can reach, depth first, until one has
// lost a blob.
type search struct {
	model
	seen  map[state]struct{}
	path  trace
	lossy bool // path leads to a loss
}

func (x *search) visit(s state) {
	if _, ok := x.seen[s]; ok {
		return
	}
	x.seen[s] = struct{}{}
	if x.lossy = x.lost(&s) != 0; x.lossy {
		return
	}
	for k := range x.processes() {
		x.step(s, k, func(e event, n state) {
			if x.lossy {
				return
			}
			x.path = append(x.path, e)
			if x.visit(n); !x.lossy {
				x.path = x.path[:len(x.path)-1]
			}
		})
	}
}

// trace is how a state was reached.
type trace []event

func (t trace) String() string {
	var b strings.Builder
	for _, e := range t {
		fmt.Fprintf(&b, "\n  %s %d: %s", e.who, e.i, e.what)
	}
	return b.String()
}

// TestProtocolRandom walks through configurations that are too large to search.
func TestProtocolRandom(t *testing.T) {
	t.Parallel()
	skipShort(t)
	seed := *protocolSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, m := range []model{
		{saves: []blobs{second}, prunes: 3, forgets: 2},
		{saves: []blobs{both, second}, prunes: 3, forgets: 4},
		{watch: []blobs{both, second}, prunes: 3, forgets: 3},
		{saves: []blobs{second}, watch: []blobs{second, both}, together: true, prunes: 3, forgets: 4},
		{saves: []blobs{second}, watch: []blobs{second}, prunes: 3, forgets: 3, torn: true},
	} {
		steps, lossy := m.walks(rng, 50_000)
		if t.Logf("%s: %d steps, -protocol-seed=%d", &m, steps, seed); lossy != nil {
			t.Fatalf("an acknowledged snapshot lost a blob:%s", lossy)
		}
	}
}

// TestProtocolNeedsItsRules leaves out one rule after the other: each must have
// a counterexample. The seed is fixed, so each is found after as many walks
// every time; 10 was the quickest of the first ten.
func TestProtocolNeedsItsRules(t *testing.T) {
	t.Parallel()
	skipShort(t)
	for name, r := range map[string]rule{
		"LookAgain":       lookAgain,
		"LookAfterRepair": lookAfterRepair,
		"LookAtBases":     lookAtBases,
		"AvoidCondemned":  avoidCondemned,
		"SweepLater":      sweepLater,
		"RecordsFirst":    recordsFirst,
		"NeedBases":       needBases,
		"NeverRevoke":     neverRevoke,
		"CarryOver":       carryOver,
		"KeepNewest":      keepNewest,
		"RecordAgain":     recordAgain,
		"ReadEveryPlan":   readEveryPlan,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := model{saves: []blobs{second}, prunes: 3, forgets: 2, without: r, narrow: true}
			if r == recordAgain { // it takes another backup that stores the node anew
				m.saves = []blobs{both, first}
			}
			m.mustLose(t)
		})
	}
}

// TestRoundsNeedTheirRules does that for the rules of rounds, and for those that backups and rounds share.
func TestRoundsNeedTheirRules(t *testing.T) {
	t.Parallel()
	skipShort(t)
	for name, r := range map[string]rule{
		"LookAgain":      lookAgain,
		"LookAtAll":      lookAtAll,
		"StaySettling":   staySettling,
		"RecordAgain":    recordAgain,
		"AvoidCondemned": avoidCondemned,
		"ReadRounds":     readRounds,
		"SpareLiving":    spareLiving,
		"BuryLast":       buryLast,
		"SweepLater":     sweepLater,
		"RecordsFirst":   recordsFirst,
		"CarryOver":      carryOver,
		"ReadEveryPlan":  readEveryPlan,
		"PlansFirst":     plansFirst,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := model{watch: []blobs{second, both}, prunes: 3, forgets: 2, without: r, narrow: true}
			if r == recordAgain {
				m.saves, m.watch = []blobs{first}, []blobs{both}
			}
			m.torn = r == plansFirst
			m.mustLose(t)
		})
	}
}

// mustLose fails the test unless walks lose a blob.
func (m *model) mustLose(t *testing.T) {
	t.Helper()
	steps, lossy := m.walks(rand.New(rand.NewPCG(10, 0)), 500_000)
	if lossy == nil {
		t.Fatal("no snapshot lost a blob: the rule is needless, or the model blind")
	}
	t.Logf("found after %d steps:%s", steps, lossy)
}

// walks takes up to n random walks; it ends with one that loses a blob.
func (m *model) walks(rng *rand.Rand, n int) (steps int, lossy trace) {
	for i := range n {
		path, lost := m.walk(rng, start(i%2 == 0))
		if steps += len(path); lost {
			return steps, path
		}
	}
	return steps, nil
}

// walk takes random steps from s until no process can go on or a blob is lost.
// A process often takes several steps on end: few switches at the wrong places
// break more than many anywhere.
func (m *model) walk(rng *rand.Rand, s state) (path trace, lost bool) {
	k := 0
	for {
		if rng.IntN(3) == 0 {
			k = rng.IntN(m.processes())
		}
		e, n, ok := m.randomStep(rng, s, &k)
		if !ok {
			return path, false
		}
		path, s = append(path, e), n
		if m.lost(&s) != 0 {
			return path, true
		}
	}
}

// randomStep takes one of the steps of process k, or of the next one that has
// any, and sets k to that.
func (m *model) randomStep(rng *rand.Rand, s state, k *int) (taken event, next state, ok bool) {
	choices := 0
	for range m.processes() {
		m.step(s, *k, func(e event, n state) {
			if choices++; rng.IntN(choices) == 0 {
				taken, next = e, n
			}
		})
		if choices > 0 {
			return taken, next, true
		}
		*k = (*k + 1) % m.processes()
	}
	return event{}, s, false
}

// skipShort leaves out the model in runs with the race detector.
func skipShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("the model is one goroutine, and slow under the race detector")
	}
}
