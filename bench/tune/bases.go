package main

import "fmt"

// model is one chunk that changes a little with every run, in bytes.
type model struct {
	change int // growth of a delta with each run
	whole  int // a whole frame
	blob   int // overhead of every blob
}

// rule limits the cost of deltas of depth 1 and of depth 2, as multiples of the cost of a
// delta on the nearest base.
type rule struct{ first, second int }

// printBases compares rules for the choice of bases.
func printBases() {
	m := model{change: 50, whole: 25_000, blob: 150}
	fmt.Printf("Choice of bases: a chunk of %d bytes as a frame that changes by %d bytes a run, in bytes per run after so many.\n\n", m.whole, m.change)
	fmt.Println("| at most, depth 1 / 2 | 30 | 300 | 1000 |\n|---|---|---|---|")
	for _, r := range []rule{{2, 2}, {4, 2}, {5, 2}, {6, 2}, {8, 2}} {
		fmt.Printf("| %d / %d | %d | %d | %d |\n", r.first, r.second, m.perRun(r, 30), m.perRun(r, 300), m.perRun(r, 1000))
	}
}

// perRun returns the mean cost of a run.
func (m model) perRun(r rule, runs int) int {
	total := m.whole
	chain := []int{0} // the runs that the newest blob depends on, its own first
	for run := 1; run <= runs; run++ {
		base := m.choose(r, chain, run)
		cost := m.cost(chain, base, run)
		if cost*2 > m.whole {
			chain, cost = []int{run}, m.whole+m.blob
		} else {
			chain = append([]int{run}, chain[base:]...)
		}
		total += cost
	}
	return total / runs
}

// choose chooses a base as repo's worker does.
func (m model) choose(r rule, chain []int, run int) int {
	nearest := max(0, len(chain)-3)
	cheapest := m.cost(chain, nearest, run)
	for base := len(chain) - 1; base > nearest; base-- {
		tolerance := r.first
		if len(chain)-base == 2 {
			tolerance = r.second
		}
		if m.cost(chain, base, run) <= tolerance*cheapest {
			return base
		}
	}
	return nearest
}

func (m model) cost(chain []int, base, run int) int { return m.change*(run-chain[base]) + m.blob }
