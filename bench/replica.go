package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"firn/bench/internal/usage"
)

// replica has the figures of a contender that replicates all the time, for one size.
type replica struct {
	result
	daemon cost // of the daemon, from its start to its end
}

// daemon is a contender's process that runs all the time.
type daemon struct {
	cmd    *exec.Cmd
	output bytes.Buffer
	start  time.Time
}

// startDaemon starts the contender's daemon in the contender's environment.
func startDaemon(b *bench) (*daemon, error) {
	d := &daemon{cmd: exec.Command("sh", "-eu", "-c", "exec "+b.daemon), start: time.Now()}
	d.cmd.Env, d.cmd.Stdout, d.cmd.Stderr = b.env, &d.output, &d.output
	return d, d.cmd.Start()
}

// stop asks the daemon to end, and returns what the daemon took from its start.
func (d *daemon) stop() (cost, error) {
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		return cost{}, err
	}
	if err := d.cmd.Wait(); err != nil {
		return cost{}, fmt.Errorf("stop %s: %w\n%s", d.cmd, err, d.output.String())
	}
	p := d.cmd.ProcessState
	return cost{wall: time.Since(d.start), cpu: p.UserTime() + p.SystemTime(), rss: usage.PeakRSS(p)}, nil
}

// replicate takes a contender that has a daemon through the changes that the others saw.
// The database is one of its own: the daemon writes tables into it, and decides when a
// checkpoint runs.
func replicate(o options, work string, c contender) (x *replica, err error) {
	defer os.RemoveAll(work)
	r, err := newRounds(o, work, []contender{c})
	if err != nil {
		return nil, err
	}
	d, err := startDaemon(r.benches[0])
	if err != nil {
		return nil, err
	}
	err = r.run([]step{{1, r.first}, {r.ticks, r.inPlace}, {r.writes, r.written}, {r.unchanged, r.idle}, {1, r.sizes}})
	life, stopped := d.stop()
	if err := errors.Join(err, stopped); err != nil {
		return nil, fmt.Errorf("replicate by %s: %w", c.name, err)
	}
	return &replica{r.results[0], life}, nil
}

// replicateAll calls [replicate] for each contender that has a daemon.
func replicateAll(o options, work string, contenders []contender) (all []*replica, err error) {
	for _, c := range contenders {
		if c.daemon == "" {
			continue
		}
		x, err := replicate(o, filepath.Join(work, c.name), c)
		if err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, nil
}

// replicaTable compares a contender that has a daemon with firn, by the figures that both
// have.
func (c *comparison) replicaTable(x *replica) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n`%s` copies each transaction within a second, so it has no run to time. The table compares what\n"+
		"the same changes added to its replica and to firn's repository, and a restore. Each change was waited for. The program\n"+
		"had a database of its own, because it adds tables and decides when a checkpoint runs. Its replica is not encrypted, and\n"+
		"keeps one day by default. During these rounds, %s, the daemon took %s of CPU and at most %s of memory.\n\n",
		x.title, seconds(x.daemon.wall), seconds(x.daemon.cpu), bytesText(x.daemon.rss))
	firn := c.result(firnName)
	fmt.Fprintf(&b, "| | %s | %s |\n|---|---|---|\n", x.name, firnName)
	row := func(title string, figure func(*result) string) {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", title, figure(&x.result), figure(firn))
	}
	for _, op := range []operation{firstBackup, inPlace, writes} {
		row(string(op)+": added", func(r *result) string {
			return r.figure(op, func(c cost) string { return bytesText(c.added) })
		})
	}
	row(string(restoreNew)+": wall", func(r *result) string {
		return r.figure(restoreNew, func(c cost) string { return seconds(c.wall) })
	})
	row(string(restoreNew)+": CPU", func(r *result) string {
		return r.figure(restoreNew, func(c cost) string { return seconds(c.cpu) })
	})
	row(string(restoreNew)+": memory", func(r *result) string {
		return r.figure(restoreNew, func(c cost) string { return bytesText(c.rss) })
	})
	return b.String()
}

// figure returns a part of the median of an operation's costs, or "" if the operation was
// not measured.
func (r *result) figure(op operation, part func(cost) string) string {
	if !r.did(op) {
		return ""
	}
	return part(r.median(op))
}
