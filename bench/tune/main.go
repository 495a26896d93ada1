// Command tune prints the measurements behind docs/design.md: of chunk sizes, the level of
// compression, the search for deltas, and the choice of bases.
//
//	go run -C bench ./tune -size 50MB -runs 40
//
// It needs the go command to build the benchmark, which makes the databases.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"

	"firn/bench/internal/checkout"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "tune:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	size := flag.String("size", "50MB", "size of the databases")
	runs := flag.Int("runs", 40, "backups of each history")
	flag.Parse()
	n, err := humanize.ParseBytes(*size)
	if err != nil {
		return fmt.Errorf("parse -size: %w", err)
	}
	dir, err := os.MkdirTemp("", "firn-tune-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	m := maker{program: filepath.Join(dir, "bench"), database: filepath.Join(dir, "app.db")}
	if err := checkout.BuildBench(ctx, m.program); err != nil {
		return err
	}
	printBases()
	if err := m.do("create", n, 1); err != nil {
		return err
	}
	if err := printLevels(m.database); err != nil {
		return err
	}
	if err := printDeltas(m); err != nil {
		return err
	}
	return printSizes(ctx, m, int64(n), *runs)
}

// maker makes databases and changes them.
type maker struct {
	program  string // the benchmark, which has the workload
	database string
}

// do runs an action of the workload on the database. bench/workload.go has the actions.
func (m maker) do(action string, args ...any) error {
	argv := []string{"workload", action, m.database}
	for _, a := range args {
		argv = append(argv, fmt.Sprint(a))
	}
	if out, err := exec.Command(m.program, argv...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, out)
	}
	return nil
}
