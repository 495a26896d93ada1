// Command scale measures how firn's costs grow with the numbers of snapshots, environments
// and blobs in a repository. It makes repositories with a past, runs firn on them, and
// prints tables in Markdown.
//
//	go run -C bench ./scale -o ../docs/scale.md
//	go run -C bench ./scale -snapshots 10000 -environments '' -blobs ''
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"firn/bench/internal/checkout"
)

// options are the flags.
type options struct {
	snapshots, environments, blobs []int
	output, dir                    string
}

// The peak memory of a process begins with the memory of its parent. So this program stays
// small: work that needs memory runs in another process, which is this program with one of
// these words as its first argument.
const (
	growArg  = "grow"  // DIR KEYFILE SNAPSHOTS ENVIRONMENTS PACKS
	indexArg = "index" // BLOBS
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 6 && args[0] == growArg {
		n, err := numbers(args[3:])
		return errors.Join(err, grow(ctx, args[1], args[2], shape{n[0], n[1], n[2]}))
	}
	if len(args) == 2 && args[0] == indexArg {
		n, err := numbers(args[1:])
		return errors.Join(err, printIndex(n[0]))
	}
	o, err := parseFlags(args)
	if err != nil {
		return err
	}
	return measureAll(ctx, o)
}

func parseFlags(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("scale", flag.ExitOnError)
	snapshots := f.String("snapshots", "100,1000,10000", "numbers of snapshots to measure with")
	environments := f.String("environments", "1,100,1000", "numbers of environments to measure with, 10 snapshots each")
	blobs := f.String("blobs", "10000,100000,1000000,2000000", "numbers of blobs to measure the index with")
	f.StringVar(&o.output, "o", "", "write the report to this file too")
	f.StringVar(&o.dir, "dir", "", "folder for everything temporary; the system's if empty")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	for _, list := range []struct {
		from string
		to   *[]int
	}{{*snapshots, &o.snapshots}, {*environments, &o.environments}, {*blobs, &o.blobs}} {
		if list.from == "" {
			continue
		}
		var err error
		if *list.to, err = numbers(strings.Split(list.from, ",")); err != nil {
			return o, err
		}
	}
	return o, nil
}

// numbers parses all texts. A text that is no number gives 0 and an error.
func numbers(texts []string) ([]int, error) {
	list := make([]int, len(texts))
	var errs []error
	for i, text := range texts {
		n, err := strconv.Atoi(text)
		list[i], errs = n, append(errs, err)
	}
	return list, errors.Join(errs...)
}

// self runs this program with other arguments, and returns its output.
func self(args ...any) (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	texts := make([]string, len(args))
	for i, a := range args {
		texts[i] = fmt.Sprint(a)
	}
	out, err := exec.Command(path, texts...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(texts, " "), err, out)
	}
	return string(out), nil
}

// measureAll builds firn from this tree, and makes the report.
func measureAll(ctx context.Context, o options) error {
	work, err := os.MkdirTemp(o.dir, "firn-scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	binary := filepath.Join(work, "firn")
	if err := checkout.BuildFirn(ctx, binary); err != nil {
		return err
	}
	r := &report{}
	if err := r.measure(o, binary, work); err != nil {
		return err
	}
	fmt.Print(r)
	if o.output == "" {
		return nil
	}
	return os.WriteFile(o.output, []byte(r.String()), 0o644)
}
