package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// report collects the tables.
type report struct{ text strings.Builder }

// String returns the report as a Markdown document.
func (r *report) String() string { return r.text.String() }

// step is one row of a table: a command, and its preparation.
type step struct {
	title, args string
	prepare     func(*site) error
	once        bool // a second run would find nothing to do
}

func asIs(*site) error { return nil }

// steps returns the rows of a table, in the order in which they are measured.
func steps() []step {
	return []step{
		{"`snapshots`, empty cache", "snapshots", (*site).dropCache, false},
		{"`snapshots`", "snapshots", asIs, false},
		{"`snapshots --json`", "snapshots --json", asIs, false},
		{"`backup`, unchanged", "backup env0000", asIs, false},
		{"`backup`, a row changed", "backup env0000", (*site).change, false},
		{"`backup --prune`, not due", "backup env0000 --prune --keep-within 30000d", (*site).change, false},
		{"`prune`, nothing to do", "prune", asIs, false},
		{"`forget --dry-run`", "forget --dry-run", asIs, false},
		{"`forget --keep-last 5`", "forget --keep-last 5", asIs, true},
		{"`prune`, much to do", "prune --orphan-age -1s", asIs, true},
		{"`prune`, deleting", "prune", asIs, true},
	}
}

func (r *report) measure(o options, binary, work string) error {
	fmt.Fprintf(&r.text, `# Scale

Written by %cgo run -C bench ./scale%c on %s/%s with %d CPUs. A database of 3 MB with 30 tables, a run every
12 minutes that changes one chunk; the packs of the newest 300 runs stand alone, the packs of older runs were merged.
Wall time, CPU time, peak memory, of the best of %d runs where a command can be repeated.
Where a machine has other work meanwhile, CPU time is the one to trust.
`, '`', '`', runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), repeats)
	var bySnapshots, byEnvironments []shape
	for _, n := range o.snapshots {
		bySnapshots = append(bySnapshots, shape{snapshots: n, environments: 1, packs: recentPacks})
	}
	for _, n := range o.environments {
		byEnvironments = append(byEnvironments, shape{snapshots: 10 * n, environments: n, packs: recentPacks})
	}
	if err := r.table("Snapshots of one environment", bySnapshots, binary, filepath.Join(work, "snapshots")); err != nil {
		return err
	}
	if err := r.table("Environments with 10 snapshots each", byEnvironments, binary, filepath.Join(work, "environments")); err != nil {
		return err
	}
	return r.index(o.blobs)
}

// recentPacks is the number of packs of single runs before a prune merges them.
const recentPacks = 300

// table measures all steps on all shapes.
func (r *report) table(title string, shapes []shape, binary, dir string) error {
	if len(shapes) == 0 {
		return nil
	}
	head, rows := "| |", make([]string, len(steps()))
	for i, s := range shapes {
		head += fmt.Sprintf(" %d snapshots, %d environments |", s.snapshots, s.environments)
		site, err := newSite(fmt.Sprint(dir, i), binary, s)
		if err != nil {
			return err
		}
		for row, x := range steps() {
			c, err := site.best(x)
			if err != nil {
				return err
			}
			rows[row] += fmt.Sprintf(" %s, %s, %s |", milliseconds(c.wall), milliseconds(c.cpu), humanize.IBytes(uint64(c.rss)))
		}
		if err := os.RemoveAll(site.dir); err != nil {
			return err
		}
	}
	fmt.Fprintf(&r.text, "\n## %s\n\n%s\n|%s\n", title, head, strings.Repeat("---|", len(shapes)+1))
	for row, x := range steps() {
		fmt.Fprintf(&r.text, "| %s |%s\n", x.title, rows[row])
	}
	return nil
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
}

// index measures the index alone.
func (r *report) index(blobs []int) error {
	if len(blobs) == 0 {
		return nil
	}
	r.text.WriteString("\n## Blobs\n\nThe index alone, on one CPU, from footers as the cache has them; half of the blobs are deltas.\n\n" +
		"| blobs | packs | load | bytes per blob | look up |\n|---|---|---|---|---|\n")
	for _, n := range blobs {
		row, err := self(indexArg, n)
		if err != nil {
			return err
		}
		r.text.WriteString(row)
	}
	return nil
}
