// Command watch measures "firn watch": what is lost when a host dies, what the watch costs the
// application and the host, and how its repository grows. It runs the program with real
// processes, and Litestream beside it. It prints a report in Markdown.
//
//	go run -C bench ./watch -o ../docs/watch.md
//	go run -C bench ./watch -quick -only loss,many
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"firn/bench/internal/checkout"
)

// options are the flags.
type options struct {
	quick               bool
	only                []string // names of parts; all if empty
	kills               int
	length              time.Duration // of a measurement
	full                time.Duration // of the count of full readings
	databases, hot      int
	every               time.Duration // between two rounds, of the day and of many databases
	output, dir, binary string
}

// parts are the measurements, in the order of the report.
var parts = []struct {
	name    string
	measure func(*bench) error
}{
	{"loss", measureLoss},
	{"latency", measureLatency},
	{"full", measureFull},
	{"many", measureMany},
	{"day", measureDay},
	{"peer", measurePeer},
}

func main() {
	var err error
	switch args := os.Args[1:]; {
	case len(args) > 0 && args[0] == applicationArg:
		err = runApplication(args[1:])
	case len(args) > 0 && args[0] == dayArg:
		err = runDay(context.Background(), args[1:])
	default:
		err = run(args)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "watch:", err)
		os.Exit(1)
	}
}

func parseFlags(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("watch", flag.ExitOnError)
	f.BoolVar(&o.quick, "quick", false, "measure less: minutes instead of an hour")
	only := f.String("only", "", "names of the parts, with commas; all if empty: loss, latency, full, many, day, peer")
	f.IntVar(&o.kills, "kills", 100, "number of kills")
	f.DurationVar(&o.length, "time", time.Minute, "length of a measurement")
	f.DurationVar(&o.full, "full-time", 20*time.Minute, "for how long full readings are counted")
	f.IntVar(&o.databases, "databases", 1000, "number of databases")
	f.IntVar(&o.hot, "hot", 100, "number of databases that change")
	f.DurationVar(&o.every, "every", 10*time.Second, "time between two rounds, of many databases and of the day")
	f.StringVar(&o.output, "o", "", "write the report to this file too")
	f.StringVar(&o.dir, "dir", "", "folder for everything temporary; the system's if empty")
	f.StringVar(&o.binary, "binary", "", "measure this firn; built from this tree if empty")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	if o.quick {
		o.kills, o.length, o.full = min(o.kills, 5), min(o.length, 20*time.Second), min(o.full, time.Minute)
		o.databases, o.hot = min(o.databases, 200), min(o.hot, 20)
	}
	return o, nil
}

// bench is a run of the benchmark.
type bench struct {
	options
	work   string // folder for everything temporary
	report report
}

func run(args []string) error {
	o, err := parseFlags(args)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(o.dir, "firn-watch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if o.binary == "" {
		o.binary = filepath.Join(work, "firn")
		if err := checkout.BuildFirn(context.Background(), o.binary); err != nil {
			return err
		}
	}
	b := &bench{options: o, work: work}
	b.report.machine = machine(o.binary)
	for _, p := range parts {
		if len(o.only) > 0 && !slices.Contains(o.only, p.name) {
			continue
		}
		logf("%s", p.name)
		if err := p.measure(b); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", p.name, err), b.report.write(""))
		}
	}
	return b.report.write(o.output)
}

// logf reports the progress of the run.
func logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "watch: "+format+"\n", args...)
}
