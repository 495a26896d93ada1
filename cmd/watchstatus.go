package cmd

import (
	"fmt"

	"firn/report"
	"firn/upkeep"
)

// explainWatch prints how the watch of a database gets on.
func (s *opened) explainWatch(st upkeep.State) {
	w := st.Watch
	if w == nil || st.NothingYet {
		return
	}
	behind := "no snapshot yet"
	if !w.Stored.IsZero() {
		behind = report.Age(w.Behind(s.Now())) + " behind"
	}
	text := "watched, " + behind + ", since " + w.Since.In(s.Zone).Format("2006-01-02 15:04")
	if w.PID == 0 {
		text = "unchanged until " + s.When(w.Stored) + ", as a watch on " + w.Host + " has said"
	}
	if w.Gone {
		text = fmt.Sprintf("its watch is gone: process %d has ended without a last round, %s", w.PID, behind)
	}
	if w.Problem != "" {
		text += "; " + w.Problem
	}
	s.printMessage(s.stdout, "", "%s: %s", st.Environment, text)
}

// explainAway prints once what keeps the watches from storing, and how much waits on this host.
func (s *opened) explainAway(states []upkeep.State) {
	said := map[int]bool{}
	for _, st := range states {
		w := st.Watch
		if w == nil || said[w.PID] || w.Store == "" && w.Spool == 0 {
			continue
		}
		said[w.PID] = true
		text := fmt.Sprintf("The watch (process %d) stores nothing", w.PID)
		if w.Spool > 0 {
			text += ": " + report.Size(w.Spool) + " wait on this host"
		}
		if w.Store != "" {
			text += ": " + w.Store
		}
		s.printMessage(s.stdout, "", "%s", text)
	}
}
