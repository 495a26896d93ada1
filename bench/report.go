package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// report is the outcome of a run.
type report struct {
	options options
	size    int64 // of the database
	pages   []int // changed by each tick
	machine []string
	results []result
}

// String returns the report as a Markdown document.
func (r *report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks\n\nWritten by `go run ./bench`; %s, seed %d.\n", r.workload(), r.options.seed)
	b.WriteString("Medians; all contenders saw the same states, one after the other. CPU is user and system time,\n" +
		"memory the peak of the largest process. In brackets: how many times less than the first row.\n\n")
	for _, line := range r.machine {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	r.table(&b, "First backup", func(x result) cost { return x.first })
	r.table(&b, "Backup after a change", func(x result) cost { return x.changed })
	r.table(&b, "Backup without a change", func(x result) cost { return x.unchanged })
	r.table(&b, "Restore into a new file", func(x result) cost { return x.restore })
	b.WriteString("\n## Repository in the end\n\n| | size |\n|---|---|\n")
	for _, x := range r.results {
		fmt.Fprintf(&b, "| %s | %s%s |\n", x.title, bytesText(x.size), ratio(r.results[0].size, x.size))
	}
	return b.String()
}

// workload describes the database and its changes.
func (r *report) workload() string {
	kind := "an application's writes"
	if r.options.pages > 0 {
		kind = "values of equal length changed in place"
	}
	return fmt.Sprintf("a database of %s, %d ticks of %s, pages changed by them: %v",
		bytesText(r.size), r.options.ticks, kind, r.pages)
}

func (r *report) table(b *strings.Builder, title string, pick func(result) cost) {
	fmt.Fprintf(b, "\n## %s\n\n| | wall | CPU | memory | added |\n|---|---|---|---|---|\n", title)
	for _, x := range r.results {
		c, base := pick(x), pick(r.results[0])
		fmt.Fprintf(b, "| %s | %s%s | %s%s | %s%s | %s%s |\n", x.title,
			seconds(c.wall), ratio(base.wall, c.wall), seconds(c.cpu), ratio(base.cpu, c.cpu),
			bytesText(c.rss), ratio(base.rss, c.rss), bytesText(c.added), ratio(base.added, c.added))
	}
}

// ratio says how many times smaller than base x is, unless that means nothing.
func ratio[T ~int64](base, x T) string {
	if x <= 0 || base <= 0 || x == base {
		return ""
	}
	return fmt.Sprintf(" (%.3g)", float64(base)/float64(x))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }

func bytesText(n int64) string {
	if n < 0 {
		return "-" + bytesText(-n)
	}
	return humanize.IBytes(uint64(n))
}

// machine describes where this runs, and the versions of all tools.
func machine(contenders []contender) []string {
	lines := []string{fmt.Sprintf("%s/%s, %d CPUs%s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), processor())}
	seen := map[string]bool{}
	for _, c := range contenders {
		for _, tool := range c.tools {
			if !seen[tool] {
				seen[tool] = true
				lines = append(lines, versionOf(tool))
			}
		}
	}
	return lines
}

// processor names the CPU where the system tells.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(info), "model name")
	name, _, _ := strings.Cut(rest, "\n")
	return strings.Replace(name, "\t:", ",", 1)
}

// versionOf asks a tool for its version; restic and firn have a command for it.
func versionOf(name string) string {
	arg := "--version"
	if name == "restic" || name == "firn" {
		arg = "version"
	}
	out, err := exec.Command(name, arg).Output()
	if err != nil {
		return name + ": version unknown"
	}
	line, _, _ := strings.Cut(strings.Trim(string(out), "* \n"), "\n")
	if !strings.HasPrefix(line, name) {
		line = name + " " + line
	}
	return line
}
