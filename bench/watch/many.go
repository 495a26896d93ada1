package main

import (
	"errors"
	"fmt"
	"time"
)

// load is what a process took while it was observed.
type load struct {
	length      time.Duration
	cpu         time.Duration
	rss         int64 // the most, bytes
	descriptors int   // the most
}

// share is the part of one core, in percent.
func (l load) share() float64 { return 100 * l.cpu.Seconds() / l.length.Seconds() }

// observe observes a process for some time.
func observe(pid int, length time.Duration) (l load, err error) {
	first, err := usageOf(pid)
	if err != nil {
		return l, err
	}
	begin := time.Now()
	for now := first; ; {
		l.rss, l.descriptors = max(l.rss, now.rss), max(l.descriptors, now.descriptors)
		l.length, l.cpu = time.Since(begin), now.cpu-first.cpu
		if l.length >= length {
			return l, nil
		}
		time.Sleep(time.Second)
		if now, err = usageOf(pid); err != nil {
			return l, err
		}
	}
}

// manyFigures are of a watch of many databases.
type manyFigures struct {
	load
	rounds   int      // in that time
	least    int      // rounds that the hot database with the fewest was in, from the start
	most     int      // the same of the one with the most
	problems []string // that the watch told
}

// measureMany measures a watch of many databases, some of which change once a second.
func measureMany(b *bench) error {
	h, err := b.newHost("many", b.databases, fmt.Sprintf("every = %q", b.every))
	if err != nil {
		return err
	}
	w, err := h.startWatch()
	if err != nil {
		return err
	}
	defer w.kill()
	if err := w.await("base", b.databases); err != nil {
		return err
	}
	a, err := startApplication(h.databases(), b.hot, 1)
	if err != nil {
		return err
	}
	defer a.kill()
	if err := w.await("round", w.count("round")+2); err != nil {
		return err
	}
	before := w.count("round")
	var f manyFigures
	if f.load, err = observe(w.cmd.Process.Pid, max(b.length, 3*b.every)); err != nil {
		return err
	}
	f.rounds, f.problems = w.count("round")-before, w.problems()
	if _, err := a.stop(); err != nil {
		return err
	}
	if err := w.await("round", w.count("round")+1); err != nil {
		return err
	}
	time.Sleep(12 * time.Second) // metrics are written every 10 s
	if f.least, f.most, err = h.roundsOf(b.hot); err != nil {
		return err
	}
	b.report.many(b, f)
	return errors.Join(w.stop())
}

// roundsOf returns in how many rounds the first n databases were: the fewest and the most.
func (h *host) roundsOf(n int) (least, most int, err error) {
	rounds, err := h.metrics("firn_watch_rounds_total")
	if err != nil {
		return 0, 0, err
	}
	for i := range n {
		x := int(rounds[fmt.Sprintf("environment=%q,database=%q", environment(i), environment(i))])
		if i == 0 {
			least = x
		}
		least, most = min(least, x), max(most, x)
	}
	return least, most, nil
}
