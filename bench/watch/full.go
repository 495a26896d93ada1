package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

const fullRate = 300 // transactions a second

// readAsked are the causes of full readings that the follower is not to blame for: the first
// reading by a process, and images of which the engine wanted all.
var readAsked = []string{"first", "asked"}

var causeLabel = regexp.MustCompile(`cause="([^"]*)"`)

// measureFull counts the rounds of a busy database, and how many of them read all of it.
func measureFull(b *bench) error {
	h, err := b.newHost("full", 1, "")
	if err != nil {
		return err
	}
	w, err := h.startWatch()
	if err != nil {
		return err
	}
	defer w.kill()
	if err := w.await("round", 1); err != nil {
		return err
	}
	a, err := startApplication(h.databases(), 1, fullRate)
	if err != nil {
		return err
	}
	defer a.kill()
	time.Sleep(b.full)
	wrote, err := a.stop()
	if err != nil {
		return err
	}
	time.Sleep(22 * time.Second) // the last round, and then the metrics
	counted, err := h.metrics("firn_watch_full_readings_total")
	if err != nil {
		return err
	}
	rounds, _, err := h.roundsOf(1)
	if err != nil {
		return err
	}
	b.report.full(b.full, wrote, rounds, byCause(counted))
	return w.stop()
}

// byCause returns the values of a metric by their cause.
func byCause(values map[string]float64) map[string]int {
	all := make(map[string]int)
	for labels, v := range values {
		if m := causeLabel.FindStringSubmatch(labels); m != nil {
			all[m[1]] += int(v)
		}
	}
	return all
}

// full reports full readings.
func (r *report) full(length time.Duration, wrote written, rounds int, causes map[string]int) {
	lost := 0
	var list []string
	for cause, n := range causes {
		if !slices.Contains(readAsked, cause) {
			lost += n
		}
		list = append(list, fmt.Sprintf("%d of cause %q", n, cause))
	}
	slices.Sort(list)
	r.judge("full readings at 300 tx/s and default settings", "under 1 in 1,000 rounds", lost*1000 < max(rounds, 1000), "%d in %d rounds", lost, rounds)
	if g := &r.goals[len(r.goals)-1]; rounds < 1000 && lost == 0 {
		g.verdict = "open: too few rounds"
	}
	r.section("Full readings", "An application with %.0f tx/s for %s, %d commits, and a watch with default settings: %d rounds with a snapshot, and readings of the\n"+
		"whole database: %s. The first reading of each process, and those that the engine asks for, do not count.",
		float64(wrote.Commits)/length.Seconds(), length, wrote.Commits, rounds, strings.Join(list, ", "))
}
