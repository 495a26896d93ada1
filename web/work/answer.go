package work

import "time"

// Answer is a job in JSON.
type Answer struct {
	ID          string     `json:"id"`
	What        string     `json:"what"`
	Environment string     `json:"environment,omitempty"`
	Source      string     `json:"source,omitempty"` // the environment of the snapshot, if it is another one
	Snapshot    string     `json:"snapshot,omitempty"`
	Who         string     `json:"who"`
	From        string     `json:"from,omitempty"`
	State       Stage      `json:"state"`
	Began       time.Time  `json:"began"`
	Ended       *time.Time `json:"ended,omitempty"`
	Steps       []Step     `json:"steps"`
	Messages    []Message  `json:"messages"`
	Done        string     `json:"done,omitempty"`
	Error       string     `json:"error,omitempty"`
	Hint        string     `json:"hint,omitempty"`
	Code        int        `json:"code"`
	Result      any        `json:"result,omitempty"`
}

// NewAnswer fills an [Answer].
func NewAnswer(st State) Answer {
	a := Answer{
		ID: st.ID, What: st.What, Environment: st.Environment, Source: st.Source, Snapshot: st.Snapshot, Who: st.Who, From: st.From,
		State: st.Stage, Began: st.Time, Steps: append([]Step{}, st.Steps...), Messages: append([]Message{}, st.Messages...),
		Done: st.Event.Done, Error: st.Error, Hint: st.Hint, Code: st.Code, Result: st.Value,
	}
	if !st.Ended.IsZero() {
		a.Ended = &st.Ended
	}
	return a
}
