package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	latencyRate  = 50 // transactions a second
	latencyTurns = 8  // with a watch, and as many without
)

// measureLatency measures an application with a watch and without, in turns.
func measureLatency(b *bench) error {
	h, err := b.newHost("latency", 1, "")
	if err != nil {
		return err
	}
	var with, without turns
	for turn := range 2 * latencyTurns {
		into := &without
		watched := turn%4 == 1 || turn%4 == 2 // so that a drift of the machine's load hits both
		if watched {
			into = &with
		}
		w, err := h.writeFor(b.length/4, watched)
		if err != nil {
			return err
		}
		into.add(w)
	}
	b.report.latency(with, without)
	return nil
}

// turns are what applications have written in several turns.
type turns struct {
	written
	p99s []time.Duration // of each turn, sorted
}

// add adds a turn.
func (w *turns) add(x written) {
	w.p99s = append(w.p99s, x.quantile(0.99))
	slices.Sort(w.p99s)
	w.Commits, w.Busy, w.WAL = w.Commits+x.Commits, w.Busy+x.Busy, max(w.WAL, x.WAL)
	w.Latencies = append(w.Latencies, x.Latencies...)
	slices.Sort(w.Latencies)
}

// writeFor lets an application write for a while, with a watch beside it or without.
func (h *host) writeFor(length time.Duration, watched bool) (w written, err error) {
	if watched {
		beside, err := h.startWatch("--every", "1s")
		if err != nil {
			return w, err
		}
		defer beside.kill()
		if err := beside.await("round", 1); err != nil {
			return w, err
		}
	}
	a, err := startApplication(h.databases(), 1, latencyRate)
	if err != nil {
		return w, err
	}
	defer a.kill()
	time.Sleep(length)
	return a.stop()
}

// latency reports what a watch costs an application. The turns without a watch differ among themselves: that is the noise.
func (r *report) latency(with, without turns) {
	n := len(with.p99s)
	median, most := with.p99s[n/2], without.p99s[n-1]
	peak := float64(with.WAL) / float64(without.WAL)
	r.judge("the writer's commits with a watch, `every` 1 s", "p99 equal within noise, no SQLITE_BUSY, the WAL's peak within 1.1x",
		median <= most && with.Busy == 0 && peak <= 1.1, "p99 of a turn %s, and %s to %s without a watch; busy %d times; peak of the WAL %.2fx",
		milliseconds(median), milliseconds(without.p99s[0]), milliseconds(most), with.Busy, peak)
	var b strings.Builder
	fmt.Fprintf(&b, "An application of %d tx/s, in %d turns with a watch every second and as many without.\n\n"+
		"| | commits | p50 | p99 | p99 of the turns | most | SQLITE_BUSY | largest WAL |\n|---|---|---|---|---|---|---|---|\n", latencyRate, latencyTurns)
	for _, row := range []struct {
		title string
		turns
	}{{"without", without}, {"with", with}} {
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s to %s | %s | %d | %s |\n", row.title, row.Commits, milliseconds(row.quantile(0.5)),
			milliseconds(row.quantile(0.99)), milliseconds(row.p99s[0]), milliseconds(row.p99s[n-1]), milliseconds(row.quantile(1)), row.Busy, bytesText(row.WAL))
	}
	r.section("The application", "%s", strings.TrimSpace(b.String()))
}
