package watch

import (
	"fmt"
	"strings"
	"time"

	"firn/outcome"
)

// Level says how much an event matters.
type Level int

// The levels of events.
const (
	Detail  Level = iota // helps to find the cause of a problem
	Fact                 // something began, ended or changed
	Problem              // something needs attention
)

// The kinds of events, for programs.
const (
	kindStart   = "start"
	kindStop    = "stop"
	kindFault   = "fault"     // a database cannot be watched, or the reason has changed
	kindWell    = "recovered" // a database is watched again
	kindAway    = "store-away"
	kindBack    = "store-back"
	kindHole    = "hole" // states that were not stored
	kindRound   = "round"
	kindConfirm = "confirm"
	kindBase    = "base" // the first snapshot of a database by this watch
	kindReload  = "reload"
	kindClock   = "clock"
	kindChore   = "upkeep"
	kindHour    = "summary"
	kindSuspect = "suspect"
	kindUnsound = "unsound"
	kindMonitor = "monitor"
)

// Event is something that a watch tells: a line of its log.
type Event struct {
	Time        time.Time
	Level       Level
	Kind        string // for programs
	Environment string // "" for an event of the whole watch
	Text        string // one sentence, without the environment
}

// String returns the event as a line for people, without its time.
func (e Event) String() string {
	if e.Environment == "" {
		return e.Text
	}
	return e.Environment + ": " + e.Text
}

// tell tells an event of the whole watch.
func (w *Watch) tell(level Level, kind, format string, args ...any) {
	w.told(Event{w.clock.wall(), level, kind, "", strings.TrimRight(fmt.Sprintf(format, args...), " ")})
}

// tellOf tells an event of a database.
func (w *Watch) tellOf(d *database, level Level, kind, format string, args ...any) {
	w.told(Event{w.clock.wall(), level, kind, d.env.Name, strings.TrimRight(fmt.Sprintf(format, args...), " ")})
}

// told passes an event on.
func (w *Watch) told(e Event) {
	if w.options.Told != nil {
		w.options.Told(e)
	}
}

// hintOf returns what a person can do about an error, but for running the command again: a watch tries again by itself.
func hintOf(err error) string {
	_, hint := outcome.Classify(err)
	for _, again := range []string{" Then run firn again.", " Then run it again.", " Nothing is lost: run it again.", "Run it again."} {
		hint = strings.TrimSuffix(hint, again)
	}
	return strings.Replace(hint, ", then run it again.", ".", 1)
}
