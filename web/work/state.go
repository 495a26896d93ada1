package work

import (
	"time"

	"firn/access"
	"firn/outcome"
)

// State is a job as it was at a moment.
type State struct {
	access.Event           // its Time is that of the beginning
	Now          time.Time // of the moment
	Ended        time.Time // zero while it runs, or if the log does not say it
	Stage        Stage
	Steps        []Step
	Messages     []Message
	Dropped      int // messages that were too many

	Next  []Link // what to do next
	Value any    // for programs; nil for none
	Hint  string // what to do about an error
}

// Stage says how far a job is.
type Stage string

// The stages.
const (
	Running     Stage = "running"
	Done        Stage = "done"
	Failed      Stage = "failed"
	Interrupted Stage = "interrupted" // the server has ended meanwhile
)

// stageOf returns the stage of a job that has ended with an exit code.
func stageOf(failed bool, code int) Stage {
	switch {
	case !failed:
		return Done
	case code == outcome.CodeInterrupted:
		return Interrupted
	}
	return Failed
}

// Message is a warning or a note of a job.
type Message struct {
	Time time.Time `json:"time"`
	Kind string    `json:"kind"` // "warning" or "note"
	Text string    `json:"text"`
}

// Step is a task within a job, with its progress.
type Step struct {
	Name  string    `json:"name"`
	Done  int64     `json:"done"`  // bytes
	Total int64     `json:"total"` // bytes; 0 if that is not known
	Ended bool      `json:"ended"`
	Began time.Time `json:"began"`
}

// Percent returns how much is done, at most 100.
func (s Step) Percent() int64 {
	if s.Total <= 0 {
		return 0
	}
	return min(100, int64(100*float64(s.Done)/float64(s.Total)))
}

// Took returns how long the job has taken so far, never less than nothing: a clock may jump.
func (s State) Took() time.Duration {
	if s.Ended.IsZero() {
		return max(0, s.Now.Sub(s.Time))
	}
	return max(0, s.Ended.Sub(s.Time))
}

// Logged returns what the log knows of a job that is not here. A job that has begun and not ended was interrupted by the end of the
// process, unless another server writes the same log.
func Logged(c access.Change) State {
	st := State{Event: c.Event, Now: c.Ended, Ended: c.Ended, Stage: Interrupted}
	if c.Over {
		st.Stage = stageOf(c.Error != "", c.Code)
	}
	return st
}
