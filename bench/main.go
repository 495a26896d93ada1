// Command bench compares firn with the scripts that people run today: a copy by
// sqlite3, zstd, and restic. All see the same states of the same database, in
// one run on one machine, so that the ratios mean something elsewhere too.
//
//	go run ./bench -size 500MB -ticks 5 -o docs/benchmarks.md
//	go run ./bench -size 500MB -pages 600 -only firn
//
// The second form changes exactly 600 pages in place per tick.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
)

// options are the flags.
type options struct {
	size                    int64 // of the database, bytes
	ticks, unchanged, pages int
	seed                    uint64
	only                    []string
	output, dir             string
}

func main() {
	var err error
	if len(os.Args) > 1 && os.Args[1] == workloadArg {
		err = runWorkload(os.Args[2:])
	} else {
		err = run(os.Args[1:])
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
	if err := os.Setenv("PATH", binaries(work)+string(filepath.ListSeparator)+os.Getenv("PATH")); err != nil {
		return err
	}
	contenders, err := choose(work, o.only)
	if err != nil {
		return err
	}
	r, err := compare(o, work, contenders)
	if err != nil {
		return err
	}
	fmt.Print(r)
	if o.output == "" {
		return nil
	}
	return os.WriteFile(o.output, []byte(r.String()), 0o644)
}

func parseFlags(args []string) (options, error) {
	var o options
	var only string
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	size := f.String("size", "50MB", "size of the database")
	f.IntVar(&o.ticks, "ticks", 5, "number of runs after a change")
	f.IntVar(&o.unchanged, "unchanged", 3, "number of runs without a change")
	f.IntVar(&o.pages, "pages", 0, "change exactly this many pages in place per tick, in place of the application's writes")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the database and its changes")
	f.StringVar(&only, "only", "", "names of the contenders, with commas; all if empty")
	f.StringVar(&o.output, "o", "", "write the report to this file too")
	f.StringVar(&o.dir, "dir", "", "folder for everything temporary; the system's if empty")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	n, err := humanize.ParseBytes(*size)
	if err != nil {
		return o, fmt.Errorf("parse -size: %w", err)
	}
	o.size = int64(n)
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	return o, nil
}

// choose returns the contenders named, all for none, ready to be run in work.
func choose(work string, only []string) ([]contender, error) {
	chosen := slices.DeleteFunc(contenders(), func(c contender) bool {
		return len(only) > 0 && !slices.Contains(only, c.name)
	})
	if len(chosen) == 0 {
		return nil, fmt.Errorf("-only %s: no such contender", strings.Join(only, ","))
	}
	if slices.ContainsFunc(chosen, func(c contender) bool { return slices.Contains(c.tools, "firn") }) {
		if err := buildFirn(filepath.Join(binaries(work), "firn")); err != nil {
			return nil, err
		}
	}
	return chosen, checkTools(chosen)
}

// checkTools names every tool that a contender calls and this machine lacks.
func checkTools(chosen []contender) error {
	var missing []string
	for _, c := range chosen {
		for _, tool := range c.tools {
			if _, err := exec.LookPath(tool); err != nil && !slices.Contains(missing, tool) {
				missing = append(missing, tool)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	names := strings.Join(missing, " ")
	return fmt.Errorf("missing %s: run apt-get install %s, or choose others by -only", names, names)
}

// binaries is where firn is built: contenders have folders of their own names.
func binaries(work string) string { return filepath.Join(work, "bin") }

func buildFirn(path string) error {
	build := exec.Command("go", "build", "-trimpath", "-o", path, "firn/cmd/firn")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build firn: %w\n%s", err, out)
	}
	return nil
}
