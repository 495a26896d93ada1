package main

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// The sizes of databases in the goals of docs/design.md.
const (
	smallSize = 3_000_000
	usualSize = 500_000_000
	largeSize = 10_000_000_000
)

// options are the flags.
type options struct {
	sizes                            []int64 // of the databases, bytes
	firsts, ticks, writes, unchanged int     // runs
	pages                            int     // changed in place by a tick at usualSize
	reopen                           bool
	content, month                   bool
	monthly                          monthOptions
	seed                             uint64
	only, onlyLarge                  []string // names of contenders; all if empty
	output, plot, dir                string
	before                           string // program
}

func parseFlags(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	sizes := f.String("size", "50MB", "sizes of the databases, with commas; may be empty")
	large := f.Bool("large", false, "add a database of 10 GB")
	only := f.String("only", "", "names of the contenders, with commas; all if empty")
	onlyLarge := f.String("only-large", firnName, "names of the contenders for 10 GB, where each of the script's runs takes minutes; all if empty")
	f.IntVar(&o.firsts, "firsts", 3, "number of first backups")
	f.IntVar(&o.ticks, "ticks", 5, "number of runs after pages were changed in place")
	f.IntVar(&o.writes, "writes", 3, "number of runs after an application's writes")
	f.IntVar(&o.unchanged, "unchanged", 3, "number of runs without a change, of restores and of clones")
	f.IntVar(&o.pages, "pages", 600, "pages to change in place, of 500 MB; in proportion of less")
	f.BoolVar(&o.reopen, "reopen", false, "close the database after each change, which removes its WAL")
	f.BoolVar(&o.content, "content", false, "measure also what firn adds for rows that are appended, and after VACUUM")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the databases and their changes")
	f.StringVar(&o.output, "o", "", "write the report to this file too")
	f.StringVar(&o.plot, "plot", "", "draw the month into this SVG file")
	f.StringVar(&o.before, "before", "", "add another build of firn, this program, as the contender \"before\"")
	f.StringVar(&o.dir, "dir", "", "folder for everything temporary; the system's if empty")
	monthSize := o.monthly.flags(f, &o.month)
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%s: no such argument; see -help", f.Arg(0))
	}
	var err error
	o.only, o.onlyLarge = list(*only), list(*onlyLarge)
	if o.monthly.size, err = parseSize(*monthSize); err != nil {
		return o, err
	}
	if o.sizes, err = parseSizes(*sizes); err == nil && *large {
		o.sizes = append(o.sizes, largeSize)
	}
	return o, err
}

// monthOptions are the flags of the simulated month.
type monthOptions struct {
	every time.Duration // between two backups, by the simulated clock
	days  int
	size  int64
}

// flags adds the flags. The value of the size's flag is to be parsed.
func (o *monthOptions) flags(f *flag.FlagSet, month *bool) (size *string) {
	f.BoolVar(month, "month", false, `simulate a month too; "bench month" does that alone`)
	f.DurationVar(&o.every, "every", 4*time.Hour, "time between two backups of the month, for all contenders")
	f.IntVar(&o.days, "days", 30, "length of the month")
	return f.String("month-size", "50MB", "size of the month's database")
}

func parseSizes(text string) (sizes []int64, err error) {
	for _, s := range list(text) {
		n, err := parseSize(s)
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

func parseSize(text string) (int64, error) {
	n, err := humanize.ParseBytes(text)
	if err != nil {
		return 0, fmt.Errorf("parse size %q: %w", text, err)
	}
	return int64(n), nil
}

// list splits a text at commas. An empty text has no parts.
func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// at returns the contenders for a database of one size.
func (o options) at(size int64, chosen []contender) []contender {
	if size < largeSize || len(o.onlyLarge) == 0 {
		return chosen
	}
	return slices.DeleteFunc(slices.Clone(chosen), func(c contender) bool { return !slices.Contains(o.onlyLarge, c.name) })
}

// of returns the options for a database of one size. Large databases get fewer runs, which
// take minutes each. Small databases get fewer pages to change, in proportion.
func (o options) of(size int64) options {
	o.sizes = []int64{size}
	if size > 4*usualSize {
		o.firsts, o.ticks, o.writes, o.unchanged = min(o.firsts, 1), min(o.ticks, 2), min(o.writes, 1), min(o.unchanged, 1)
	}
	if size < usualSize {
		o.pages = int(max(1, int64(o.pages)*size/usualSize))
	}
	return o
}
