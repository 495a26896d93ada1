package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// newComparison makes a comparison. Its script takes ten seconds, 100 MiB and 50 MB for
// each operation, and firn takes one part of these.
func newComparison(size, part int64) *comparison {
	c := &comparison{options: options{sizes: []int64{size}}, size: size, pages: map[operation][]int{inPlace: {600, 600}, writes: {610}}}
	for _, x := range slices.DeleteFunc(contenders(), contender.replicates) {
		costs := cost{wall: 10 * time.Second, cpu: 8 * time.Second, rss: 100 << 20, added: 50_000_000}
		if x.name == firnName {
			costs.wall, costs.cpu, costs.added = costs.wall/time.Duration(part), costs.cpu/time.Duration(part), costs.added/part
		}
		r := result{contender: x, costs: make(map[operation][]cost), size: 1 << 30}
		for _, op := range operations {
			if x.can(op) {
				r.costs[op] = []cost{costs, costs, costs}
			}
		}
		c.results = append(c.results, r)
	}
	return c
}

// named returns one of the contenders.
func named(name string) contender {
	all := contenders()
	return all[slices.IndexFunc(all, func(c contender) bool { return c.name == name })]
}

// newMonth makes a month. The pipeline's repository is always ratio times as large as firn's.
func newMonth(ratio int64) *month {
	m := &month{monthOptions: monthOptions{every: 12 * time.Hour, days: 2, size: 50_000_000}}
	for i, name := range []string{scriptName, firnName} {
		l := line{contender: named(name)}
		for n := range 4 {
			size := int64(1_000_000 * (n + 1))
			if i == 0 {
				size *= ratio
			}
			l.points = append(l.points, point{float64(n) / 2, size})
		}
		m.lines = append(m.lines, l)
	}
	return m
}

func TestReportShowsRatiosToFirstRow(t *testing.T) {
	t.Parallel()
	r := &report{comparisons: []*comparison{newComparison(usualSize, 4)}, month: newMonth(12), options: options{plot: "docs/month.svg"}}
	got := r.String()
	for _, want := range []string{
		"| first backup | VACUUM INTO, zstd --rsyncable, restic | 10.000 s | 8.000 s | 100 MiB | 48 MiB | 3 |\n",
		"|  | firn backup --prune | 2.500 s (4) | 2.000 s (4) | 100 MiB | 12 MiB (4) | 3 |\n",
		"| verify by all checks | firn backup --prune | 2.500 s | 2.000 s | 100 MiB | 12 MiB | 3 |\n",
		"by each change in place: [600 600], by the application: [610].",
		"| VACUUM INTO, zstd --rsyncable, restic | 46 MiB | 46 MiB | 0.000 s |\n| firn backup --prune | 3.8 MiB (12) | 3.8 MiB (12) |",
		"(month.svg)",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %q in:\n%s", want, got)
		}
	}
}

func TestGoals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		r    *report
		want string // verdicts, in the order of the table
	}{
		{"Unmeasured", &report{}, ""},
		{"Other", &report{comparisons: []*comparison{newComparison(50_000_000, 1000)}}, "m"},
		{"Large", &report{comparisons: []*comparison{newComparison(largeSize, 300)}}, "mm"},
		{"Usual", &report{comparisons: []*comparison{newComparison(usualSize, 400)}}, "mmmmm-----mmmmm"},
		{"Fast", &report{comparisons: []*comparison{newComparison(smallSize, 200), newComparison(usualSize, 400), newComparison(largeSize, 300)}, month: newMonth(10)}, "mmmmmmmmmmmmmmmm"},
		{"Slow", &report{comparisons: []*comparison{newComparison(smallSize, 14), newComparison(usualSize, 2)}, month: newMonth(9)}, "xxxmxxxxxxmmxxm"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			letters := map[string]string{"": "-", "met": "m", "missed": "x", "elsewhere": ""}
			var got string
			for _, g := range tt.r.goals() {
				got += letters[g.verdict]
			}
			if got != tt.want {
				t.Errorf("got %s, want %s\n%s", got, tt.want, goalTable(tt.r.goals()))
			}
		})
	}
}

func TestGoalsSayWhatWasMeasured(t *testing.T) {
	t.Parallel()
	r := &report{comparisons: []*comparison{newComparison(usualSize, 8)}}
	i := slices.IndexFunc(r.goals(), func(g goal) bool { return g.work == "changed run, 500 MB: time" })
	want := goal{"changed run, 500 MB: time", "1/10 of the pipeline's", "1/8", "missed"}
	if got := r.goals()[i]; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
