package cmd

import (
	"fmt"
	"time"

	"firn/report"
	"firn/upkeep"
)

// watchPart is how a watch gets on with a database, in JSON.
type watchPart struct {
	Host    string     `json:"host"`
	PID     int        `json:"pid,omitempty"`
	Since   time.Time  `json:"since"`
	Stored  *time.Time `json:"stored"` // up to when its changes are stored; null: never
	State   string     `json:"state,omitempty"`
	Problem string     `json:"problem,omitempty"`
	Held    bool       `json:"held"`
	Gone    bool       `json:"gone,omitempty"`  // the process is gone
	Stale   bool       `json:"stale,omitempty"` // too far behind
	Store   string     `json:"store,omitempty"` // why the repository takes nothing
	Spool   int64      `json:"spool,omitempty"` // bytes that wait on this host
}

// newWatchPart fills a [watchPart], nil for no watch.
func newWatchPart(w *upkeep.Watch) *watchPart {
	if w == nil {
		return nil
	}
	return &watchPart{w.Host, w.PID, w.Since, timeOrNil(w.Stored), w.State, w.Problem, w.Held, w.Gone, w.Stale, w.Store, w.Spool}
}

// explainWatch prints how the watch of a database gets on.
func (s *opened) explainWatch(st upkeep.State) {
	w := st.Watch
	if w == nil {
		return
	}
	behind := "no snapshot yet"
	if !w.Stored.IsZero() {
		behind = report.Age(w.Behind(s.Now())) + " behind"
	}
	text := "watched, " + behind + ", since " + w.Since.In(s.Zone).Format("2006-01-02 15:04")
	if w.PID == 0 {
		text = "watched on " + w.Host + ", unchanged until " + s.When(w.Stored)
	}
	if w.Gone {
		text = fmt.Sprintf("its watch is gone: process %d has ended without a last round, %s", w.PID, behind)
	}
	for _, more := range []string{w.Problem, w.Store} {
		if more != "" {
			text += "; " + more
		}
	}
	s.printMessage(s.stdout, "", "%s: %s", st.Environment, text)
}
