package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// report has all figures of a run.
type report struct {
	options     options
	machine     []string
	comparisons []*comparison
	content     []contentRow
	month       *month
}

// write prints the report, and writes the files that the options name.
func (r *report) write(o options) error {
	fmt.Print(r)
	if o.plot != "" && r.month != nil {
		if err := os.WriteFile(o.plot, []byte(r.month.plot()), 0o644); err != nil {
			return err
		}
	}
	if o.output == "" {
		return nil
	}
	return os.WriteFile(o.output, []byte(r.String()), 0o644)
}

// String returns the report as a Markdown document.
func (r *report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks\n\nWritten by `make bench`, seed %d. Figures are medians of several runs. All contenders saw the same states, one after\n"+
		"the other%s. CPU is user and system time, memory is the peak of the\n"+
		"largest process, and added is the growth of the repository. A number in brackets says how many times less a figure is than\n"+
		"the first row's.\n\n",
		r.options.seed, r.connection())
	for _, line := range r.machine {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	if len(r.comparisons) > 0 {
		b.WriteString(goalTable(r.goals()))
	}
	for _, c := range r.comparisons {
		b.WriteString(c.String())
	}
	b.WriteString(contentTable(r.content))
	if r.month != nil {
		b.WriteString(r.month.String())
		if r.options.plot != "" {
			fmt.Fprintf(&b, "\n![Repository size over the month](%s)\n", filepath.Base(r.options.plot))
		}
	}
	return b.String()
}

func (r *report) connection() string {
	if r.options.reopen {
		return ", of a database in WAL mode that no program had open"
	}
	return ", of a database in WAL mode that an application had open"
}

// String returns the section of one size.
func (c *comparison) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## A database of %s\n\n%s in the end. Pages written by each change in place: %v, by the application: %v.\n",
		humanize.Bytes(uint64(c.sizes[0])), bytesText(c.size), c.pages[inPlace], c.pages[writes])
	b.WriteString("\n| | | wall | CPU | memory | added | runs |\n|---|---|---|---|---|---|---|\n")
	for _, op := range operations {
		c.rows(&b, op)
	}
	b.WriteString("\n| repository after these changes | size |\n|---|---|\n")
	for _, x := range c.results {
		fmt.Fprintf(&b, "| %s | %s%s |\n", x.title, bytesText(x.size), ratio(c.results[0].size, x.size))
	}
	for _, x := range c.replicas {
		b.WriteString(c.replicaTable(x))
	}
	return b.String()
}

// rows writes a row for each contender's costs of an operation. The first row names the operation.
func (c *comparison) rows(b *strings.Builder, op operation) {
	title := string(op)
	for _, x := range c.results {
		n := len(x.costs[op])
		if n == 0 {
			continue
		}
		m, base := x.median(op), c.results[0].median(op)
		fmt.Fprintf(b, "| %s | %s | %s%s | %s%s | %s%s | %s%s | %d |\n", title, x.title,
			seconds(m.wall), ratio(base.wall, m.wall), seconds(m.cpu), ratio(base.cpu, m.cpu),
			bytesText(m.rss), ratio(base.rss, m.rss), bytesText(m.added), ratio(base.added, m.added), n)
		title = ""
	}
}

// result returns a contender's result, nil if the contender did not take part.
func (c *comparison) result(name string) *result {
	if c == nil {
		return nil
	}
	i := slices.IndexFunc(c.results, func(x result) bool { return x.name == name })
	if i < 0 {
		return nil
	}
	return &c.results[i]
}

func contentTable(rows []contentRow) string {
	if len(rows) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## Other changes\n\nTo a database of %s, backed up by firn.\n\n"+
		"| change | pages written | CPU | added |\n|---|---|---|---|\n", bytesText(contentSize))
	for _, x := range rows {
		for i, c := range x.costs {
			fmt.Fprintf(&b, "| %s | %d | %s | %s |\n", x.title, x.pages[i], seconds(c.cpu), bytesText(c.added))
		}
	}
	return b.String()
}

// String returns the section of the month.
func (m *month) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## A month\n\nA database of %s, in the end of %s, %d simulated days, and every %s an application's writes and a backup, %d in\n"+
		"all, under `%s`. firn prunes every six hours.\n\n"+
		"| | repository in the end | largest | CPU of all runs |\n|---|---|---|---|\n",
		humanize.Bytes(uint64(m.size)), humanize.Bytes(uint64(m.end)), m.days, period(m.every), m.backups(), keep)
	first := m.lines[0]
	for _, l := range m.lines {
		fmt.Fprintf(&b, "| %s | %s%s | %s%s | %s%s |\n", l.title, bytesText(l.end()), ratio(first.end(), l.end()),
			bytesText(l.largest()), ratio(first.largest(), l.largest()), seconds(l.cpu), ratio(first.cpu, l.cpu))
	}
	return b.String()
}

// ratio writes how many times smaller x is than base, or nothing where that has no meaning.
func ratio[T ~int64](base, x T) string {
	if x <= 0 || base <= 0 || x == base {
		return ""
	}
	return fmt.Sprintf(" (%.3g)", float64(base)/float64(x))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }

// period writes a duration in hours if it is a whole number of hours, else in minutes.
func period(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d min", d/time.Minute)
}

func bytesText(n int64) string {
	if n < 0 {
		return "-" + bytesText(-n)
	}
	return humanize.IBytes(uint64(n))
}
