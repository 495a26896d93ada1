// Command bench compares firn with the usual ways to back databases up: copies by sqlite3,
// zstd, restic, borg and other programs that the machine has. All see the same states of
// the same databases, in one run on one machine, so the ratios hold on other machines too.
//
//	go run -C bench . -size 3MB,50MB,500MB -month -o ../docs/benchmarks.md -plot ../docs/month.svg
//	go run -C bench . -size 500MB -before /tmp/firn-of-yesterday -only before,firn
//	go run -C bench . month -every 12m -only firn
//
// The benchmark is a module of its own, so that its dependencies are not firn's. Relative
// paths start at its folder.
//
// The last form only simulates a month of backups. Its first argument stands for -month
// without sizes.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	var err error
	switch args := os.Args[1:]; {
	case len(args) > 0 && args[0] == workloadArg:
		err = runWorkload(args[1:])
	case len(args) > 0 && args[0] == "month":
		err = run(append([]string{"-size", "", "-month"}, args[1:]...))
	default:
		err = run(args)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	o, err := parseFlags(args)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(o.dir, "firn-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	path, err := searchPath(work)
	if err != nil {
		return err
	}
	if err := os.Setenv("PATH", path); err != nil {
		return err
	}
	contenders, absent, err := choose(work, o)
	if err != nil {
		return err
	}
	r, err := measure(o, work, contenders)
	if err != nil {
		return err
	}
	r.machine = append(r.machine, absent...)
	return r.write(o)
}

// measure makes all measurements that the options ask for.
func measure(o options, work string, contenders []contender) (*report, error) {
	for _, size := range o.sizes { // before a measurement takes minutes
		if err := checkRoom(work, size, o.at(size, contenders)); err != nil {
			return nil, err
		}
	}
	r := &report{options: o, machine: machine(contenders)}
	for _, size := range o.sizes {
		c, err := compare(o.of(size), filepath.Join(work, "compare"), o.at(size, contenders))
		if err != nil {
			return nil, err
		}
		r.comparisons = append(r.comparisons, c)
	}
	var err error
	if o.content {
		if r.content, err = measureContent(o, filepath.Join(work, "content"), contenders); err != nil {
			return nil, err
		}
	}
	if o.month {
		r.month, err = simulate(o, filepath.Join(work, "month"), contenders)
	}
	return r, err
}

// logf reports the progress of the run.
func logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}
