package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseFlags(t *testing.T) {
	t.Parallel()
	o, err := parseFlags([]string{"-size", "3MB,500MB", "-large", "-only", "script,firn", "-every", "12m"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []int64{smallSize, usualSize, largeSize}; !slices.Equal(o.sizes, want) {
		t.Errorf("sizes: got %v, want %v", o.sizes, want)
	}
	if want := []string{scriptName, firnName}; !slices.Equal(o.only, want) {
		t.Errorf("contenders: got %v, want %v", o.only, want)
	}
	if got := o.at(usualSize, contenders()); len(got) != len(contenders()) {
		t.Errorf("contenders at 500 MB: got %d, want all", len(got))
	}
	if got := o.at(largeSize, contenders()); len(got) != 1 || got[0].name != firnName {
		t.Errorf("contenders at 10 GB: got %v, want firn alone", got)
	}
	if got, want := o.monthly.backups(), 3600; got != want {
		t.Errorf("backups in a month: got %d, want %d", got, want)
	}
	for size, want := range map[int64]int{smallSize: 3, usualSize: 600, largeSize: 600} {
		if got := o.of(size).pages; got != want {
			t.Errorf("pages at %d: got %d, want %d", size, got, want)
		}
	}
}

func TestParseFlagsRefuses(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-size", "3MB,big"}, {"-month-size", ""}, {"500MB"}} {
		if _, err := parseFlags(args); err == nil {
			t.Errorf("%q: got no error", args)
		}
	}
	if _, _, err := choose(t.TempDir(), options{only: []string{"tar"}}); err == nil {
		t.Error("contender tar: got no error")
	}
}

func TestCheckRoom(t *testing.T) {
	t.Parallel()
	if err := checkRoom(t.TempDir(), 1, contenders()); err != nil {
		t.Error(err)
	}
	if _, ok := freeSpace(t.TempDir()); !ok {
		t.Skip("the system does not tell how much is free")
	}
	if err := checkRoom(t.TempDir(), 1<<50, contenders()); err == nil || !strings.Contains(err.Error(), "-dir") {
		t.Errorf("a database of 1 PiB: got %v, want what to do", err)
	}
}

func TestPruneIsDueOncePerPeriod(t *testing.T) {
	t.Parallel()
	for every, want := range map[time.Duration]string{
		2 * time.Hour:  "...x..x..x..",
		90 * time.Hour: ".xxxxxxxxxxx",
	} {
		s := simulation{rounds: &rounds{options: options{monthly: monthOptions{every: every}}}}
		var got strings.Builder
		for n := range 12 {
			if s.pruneDue(n) {
				got.WriteByte('x')
			} else {
				got.WriteByte('.')
			}
		}
		if got.String() != want {
			t.Errorf("every %s: got %s, want %s", every, got.String(), want)
		}
	}
}

func TestBeforeRunsAnotherBuild(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "old firn")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho firn of yesterday\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	c, err := linkBefore(work, program)
	if err != nil {
		t.Fatal(err)
	}
	if c.name != beforeName || strings.Contains(c.backup, firnName+" backup") {
		t.Errorf("got %s: %s, want another program than firn", c.name, c.backup)
	}
	out, err := exec.Command(filepath.Join(binaries(work), c.tools[0])).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(out), "firn of yesterday\n"; got != want {
		t.Errorf("program: got %q, want %q", got, want)
	}
}
