package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"firn/bench/internal/usage"
)

// goal is a row of the goals' table.
type goal struct{ work, limit, measured, verdict string }

// report has all figures of a run, in words.
type report struct {
	machine  []string
	goals    []goal
	sections []string
}

// judge adds a goal.
func (r *report) judge(work, limit string, met bool, format string, args ...any) {
	verdict := "missed"
	if met {
		verdict = "met"
	}
	r.goals = append(r.goals, goal{work, limit, fmt.Sprintf(format, args...), verdict})
}

// section adds a section.
func (r *report) section(title, format string, args ...any) {
	r.sections = append(r.sections, "\n## "+title+"\n\n"+fmt.Sprintf(format, args...)+"\n")
}

// write prints the report, and writes it to a file unless the path is empty.
func (r *report) write(path string) error {
	fmt.Print(r)
	if path == "" {
		return nil
	}
	return os.WriteFile(path, []byte(r.String()), 0o644)
}

// String returns the report as a Markdown document.
func (r *report) String() string {
	var b strings.Builder
	b.WriteString("# What a watch costs\n\nWritten by `make bench-watch`. The processes are real ones on one machine; the applications have their databases in WAL mode, with\n" +
		"SQLite's defaults but for `synchronous = NORMAL`, and wait for no lock. A machine with other work shows longer times.\n\n")
	for _, line := range r.machine {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	b.WriteString("\n## Goals\n\n| | goal | measured | |\n|---|---|---|---|\n")
	for _, g := range append(r.goals, elsewhere...) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", g.work, g.limit, g.measured, g.verdict)
	}
	for _, s := range r.sections {
		b.WriteString(s)
	}
	return b.String()
}

// elsewhere are the goals that tests measure.
var elsewhere = []goal{
	{"pages missed", "0 in an hour of torture", "`make torture`", "elsewhere"},
	{"requests, 1 or 1,000 databases", "2 a round at most; idle 1 an hour", "counted by a test: [s3.md](s3.md)", "elsewhere"},
}

// machine describes the machine.
func machine(binary string) []string {
	version, err := exec.Command(binary, "version").Output()
	if err != nil {
		version = []byte("firn, version unknown")
	}
	return []string{
		usage.Machine(),
		strings.TrimSpace(string(version)),
	}
}

// loss reports what kills have lost.
func (r *report) loss(lost []time.Duration, wrong []string) {
	slices.Sort(lost)
	within, _ := slices.BinarySearch(lost, lossGoal+1)
	all := len(lost) + len(wrong)
	r.judge("loss after kill -9 of the application and the watch, `every` 1 s, 50 tx/s", "at most 2 s, never torn or mixed",
		within == all, "%d of %d within 2 s, %d torn, mixed or not sound; %s", within, all, len(wrong), quantiles(lost))
	text := fmt.Sprintf("%d times, an application of %d tx/s and a watch every %s were killed at a random moment of a round, and the newest snapshot\n"+
		"was restored. Its rows must be the first rows that the application had committed, with the right sum in another table.\n"+
		"Lost is the time between the newest commit in the snapshot and the newest of the application: %s.",
		all, lossRate, lossEvery, quantiles(lost))
	for _, w := range wrong {
		text += "\n- " + w
	}
	r.section("Loss", "%s", text)
}

// quantiles describes sorted durations.
func quantiles(d []time.Duration) string {
	if len(d) == 0 {
		return "none"
	}
	return fmt.Sprintf("median %s, 95 of 100 %s, most %s", seconds(d[len(d)/2]), seconds(d[len(d)*95/100]), seconds(d[len(d)-1]))
}

// many reports a watch of many databases.
func (r *report) many(b *bench, f manyFigures) {
	r.judge(fmt.Sprintf("%d databases, %d of them hot at 1 tx/s, `every` %s", b.databases, b.hot, b.every),
		"30 % of a core, 300 MiB, all in the round", f.share() < 30 && f.rss < 300<<20 && f.most-f.least <= 1 && len(f.problems) == 0,
		"%.0f %% of a core, %s, each hot database in %d to %d rounds", f.share(), bytesText(f.rss), f.least, f.most)
	r.section("Many databases", "%d databases, of which %d change once a second, every %s, for %s after all first snapshots: %.1f %% of a core, at most %s\n"+
		"of memory and %d open files. %d rounds in this time; each database that changes was in %d to %d rounds since the start.%s",
		b.databases, b.hot, b.every, f.length.Truncate(time.Second), f.share(), bytesText(f.rss), f.descriptors, f.rounds, f.least, f.most,
		problems(f.problems))
}

func problems(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf("\nThe watch told of %d problems:\n- %s", len(list), strings.Join(list[:min(5, len(list))], "\n- "))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/1e6) }

func bytesText(n int64) string { return humanize.IBytes(uint64(n)) }

func count(n int, noun string) string {
	return fmt.Sprintf("%d %s", n, cmp.Or(map[bool]string{n == 1: noun}[true], noun+"s"))
}

// kindOf returns the kind of an object, by its name.
func kindOf(name string) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(name, "meta/"), "-")
	kind, _, _ = strings.Cut(kind, "/")
	return kind
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
