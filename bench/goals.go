package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// goal is a row of "Performance goals" in docs/design.md, and the figure of this run.
// A goal without a verdict was not measured.
type goal struct{ work, limit, measured, verdict string }

// goals compares the figures of this run with docs/design.md.
func (r *report) goals() []goal {
	small, usual, large := r.at(smallSize), r.at(usualSize), r.at(largeSize)
	var all []goal
	all = append(all, changedGoals(usual)...)
	all = append(all, firstGoals(usual)...)
	all = append(all, r.unchangedGoal())
	all = append(all, smallGoals(small)...)
	all = append(all, r.monthGoal())
	all = append(all,
		memoryGoal("memory, 500 MB", usual, 100<<20),
		largeGoal(large))
	all = append(all, restoreGoals(usual)...)
	all = append(all, elsewhere...)
	if usual == nil { // a report of other sizes, such as 10 GB alone
		return slices.DeleteFunc(all, func(g goal) bool { return g.verdict == "" || g.verdict == byOthers })
	}
	return all
}

// byOthers is the verdict on a goal that another program measures.
const byOthers = "elsewhere"

// elsewhere are the goals that other programs measure.
var elsewhere = []goal{
	{"S3 requests", "5 for a changed run, 3 for an unchanged one", "counted by a test: [s3.md](s3.md)", byOthers},
	{"list of 10,000 snapshots, warm", "0.3 s", "[scale.md](scale.md)", byOthers},
}

// largeGoal is the goal for 10 GB. A report without that size points to the report that has it.
func largeGoal(c *comparison) goal {
	const work, limit = "memory, 10 GB", 150 << 20
	if c == nil {
		return goal{work, bytesText(limit), "[large.md](large.md)", byOthers}
	}
	return memoryGoal(work, c, limit)
}

// at returns the comparison at a size, nil if there is none.
func (r *report) at(size int64) *comparison {
	i := slices.IndexFunc(r.comparisons, func(c *comparison) bool { return c.sizes[0] == size })
	if i < 0 {
		return nil
	}
	return r.comparisons[i]
}

func changedGoals(c *comparison) []goal {
	growth := goal{work: "changed run, 500 MB: growth", limit: "0.35 MB"}
	if firn := c.result(firnName); firn.did(inPlace) {
		added := firn.median(inPlace).added
		growth = growth.judge(added <= 350_000, megabytes(added))
	}
	return []goal{ratioGoal("changed run, 500 MB: time", c, inPlace, inPlace, 10), growth}
}

func firstGoals(c *comparison) []goal {
	stored := goal{work: "first backup, 500 MB: stored", limit: "1.07 of what restic stores of the same pages"}
	firn, restic := c.result(firnName), c.result(copyName)
	if firn.did(firstBackup) && restic.did(firstBackup) {
		part := float64(firn.median(firstBackup).added) / float64(restic.median(firstBackup).added)
		stored = stored.judge(part <= 1.07, fmt.Sprintf("%.3f", part))
	}
	return []goal{ratioGoal("first backup, 500 MB: time", c, firstBackup, firstBackup, 3), stored}
}

// unchangedGoal judges the slowest unchanged run of all sizes.
func (r *report) unchangedGoal() goal {
	g := goal{work: "unchanged run, any size", limit: "50 ms"}
	var slowest time.Duration
	for _, c := range r.comparisons {
		if firn := c.result(firnName); firn.did(unchanged) {
			slowest = max(slowest, firn.median(unchanged).wall)
		}
	}
	if slowest > 0 {
		g = g.judge(slowest <= 50*time.Millisecond, milliseconds(slowest))
	}
	return g
}

// smallGoals are the goals for a small database: for the usual line of cron, which prunes
// every six hours, and for a line that prunes each time, in a second command.
func smallGoals(c *comparison) (goals []goal) {
	for _, k := range []struct {
		work string
		op   operation
	}{
		{"3 MB database, backup, forget and prune with a key file", writes},
		{"the same when the prune is due", backupPruned},
	} {
		g := goal{work: k.work, limit: "80 ms"}
		if firn := c.result(firnName); firn.did(k.op) {
			wall := firn.median(k.op).wall
			g = g.judge(wall <= 80*time.Millisecond, milliseconds(wall))
		}
		goals = append(goals, g, ratioGoal(k.work, c, writes, k.op, 15))
	}
	return goals
}

func (r *report) monthGoal() goal {
	g := goal{work: "a month: repository", limit: "1/10 of the pipeline's"}
	if r.month != nil && len(r.month.lines) == 2 {
		script, firn := r.month.lines[0].end(), r.month.lines[1].end()
		g = g.judge(10*firn <= script, fraction(float64(script)/float64(firn)))
	}
	return g
}

// memoryGoal judges the operation that needs the most memory.
func memoryGoal(work string, c *comparison, limit int64) goal {
	g := goal{work: work, limit: bytesText(limit)}
	firn := c.result(firnName)
	if firn == nil {
		return g
	}
	var most int64
	var by operation
	for _, op := range operations {
		if rss := firn.median(op).rss; rss > most {
			most, by = rss, op
		}
	}
	return g.judge(most <= limit, fmt.Sprintf("%s (%s)", bytesText(most), by))
}

func restoreGoals(c *comparison) []goal {
	return []goal{
		ratioGoal("restore into a new file, 500 MB", c, restoreNew, restoreNew, 2),
		wallGoal("clone into a near copy, 500 MB", c, clone, time.Second),
		wallGoal("verify a snapshot of 500 MB without a proof", c, verifyUnproven, 1200*time.Millisecond),
		proofGoal(c),
	}
}

// wallGoal is met if firn's operation takes no longer than the limit.
func wallGoal(work string, c *comparison, op operation, limit time.Duration) goal {
	g := goal{work: work, limit: seconds(limit)}
	if firn := c.result(firnName); firn.did(op) {
		wall := firn.median(op).wall
		g = g.judge(wall <= limit, seconds(wall))
	}
	return g
}

// proofGoal judges what a proof costs a changed run.
func proofGoal(c *comparison) goal {
	g := goal{work: "proof of a changed run, 500 MB: CPU", limit: "100 ms"}
	if firn := c.result(firnName); firn.did(writes) && firn.did(writesUnproven) {
		more := firn.median(writes).cpu - firn.median(writesUnproven).cpu
		g = g.judge(more <= 100*time.Millisecond, milliseconds(more))
	}
	return g
}

// ratioGoal is met if firn's operation takes 1/times of the wall time of the script's
// operation, or less.
func ratioGoal(work string, c *comparison, script, firn operation, times float64) goal {
	g := goal{work: work, limit: fraction(times) + " of the pipeline's"}
	x, y := c.result(scriptName), c.result(firnName)
	if x.did(script) && y.did(firn) {
		got := x.median(script).wall.Seconds() / y.median(firn).wall.Seconds()
		g = g.judge(got >= times, fraction(got))
	}
	return g
}

// did reports whether an operation was measured.
func (r *result) did(op operation) bool { return r != nil && len(r.costs[op]) > 0 }

func (g goal) judge(met bool, measured string) goal {
	g.measured, g.verdict = measured, "missed"
	if met {
		g.verdict = "met"
	}
	return g
}

func goalTable(goals []goal) string {
	var b strings.Builder
	b.WriteString("\n## Goals\n\nThe goals of [design.md](design.md), in wall time, by the figures below.\n\n" +
		"| work | goal | measured | |\n|---|---|---|---|\n")
	for _, g := range goals {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", g.work, g.limit, g.measured, cmp.Or(g.verdict, "not measured"))
	}
	return b.String()
}

// fraction writes 1/n, with n to three digits.
func fraction(n float64) string { return fmt.Sprintf("1/%.3g", n) }

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

func megabytes(n int64) string { return fmt.Sprintf("%.2f MB", float64(n)/1e6) }
