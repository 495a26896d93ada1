package work

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"firn/access"
	"firn/outcome"
	"firn/report"
	"firn/session"
)

// Task is what a job is to do.
type Task struct {
	// Event says what it is, of which environment and snapshot, and who asks for it from where. Its other fields are the board's.
	Event access.Event

	// Run does it, with a session whose messages and meters the job shows. With an error there may be a result, too: of a change
	// that was done before something else went wrong.
	Run func(context.Context, *session.Session) (*Result, error)

	Session *session.Session // is what the job's own session is made of
	Changed func()           // is called when the job has run, before it counts as ended
}

// Result is what a job has done.
type Result struct {
	Text  string // in a sentence
	Next  []Link // what to do next
	Value any    // for programs
}

// Link leads to a page, of those that have a scope; "" for all.
type Link struct {
	Text, Path string
	Scope      access.Scope
}

// Job is work that runs, or has run. Its methods may be called by several goroutines at once.
type Job struct {
	id    string
	task  Task
	now   func() time.Time
	began time.Time
	done  chan struct{} // closed when the job has ended

	mu       sync.Mutex
	at       time.Time // of the end
	steps    []*step
	messages []Message
	dropped  int // messages
	result   *Result
	err      error
}

// ID returns the name of the job.
func (j *Job) ID() string { return j.id }

// Event returns what the job is, of which environment and snapshot, and who has asked for it.
func (j *Job) Event() access.Event { return j.task.Event }

// Done returns a channel that is closed when the job has ended.
func (j *Job) Done() <-chan struct{} { return j.done }

// Outcome returns the result and the error of a job that has ended.
func (j *Job) Outcome() (*Result, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.result, j.err
}

// event returns a line of the log.
func (j *Job) event() access.Event {
	e := j.task.Event
	e.ID, e.Time = j.id, j.now().UTC()
	return e
}

// ended reports whether the job has ended.
func (j *Job) ended() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// finish ends the job.
func (j *Job) finish(result *Result, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.result, j.err, j.at = result, err, j.now()
	for _, s := range j.steps {
		s.Ended = true
	}
	close(j.done)
}

// reporter returns the reporter of the job's session. The server's own reporter gets the messages, too, and no progress.
func (j *Job) reporter(server *report.Reporter) *report.Reporter {
	return &report.Reporter{
		Warned:   func(text string) { j.tell("warning", text); server.Warn("%s", text) },
		Noted:    func(text string) { j.tell("note", text); server.Note("%s", text) },
		Detailed: func(text string) { server.Detail("%s", text) },
		Started:  j.start,
	}
}

// takeHooks shows the output of a command around a backup that has failed.
func (j *Job) takeHooks(s *session.Session) {
	before := s.HookFailed
	s.HookOutput = nil // it is kept until one fails
	s.HookFailed = func(environment, hook string, output []byte) {
		j.tell("note", fmt.Sprintf("The %s command of %s says: %s", hook, environment, output))
		if before != nil {
			before(environment, hook, output)
		}
	}
}

// The bounds of what a job keeps.
const (
	mostMessages = 50
	mostText     = 1000 // characters of a message
	mostSteps    = 20
)

// tell keeps a message.
func (j *Job) tell(kind, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.messages) == mostMessages {
		j.dropped++
		return
	}
	if runes := []rune(text); len(runes) > mostText {
		text = string(runes[:mostText]) + "\u2026"
	}
	j.messages = append(j.messages, Message{j.now(), kind, text})
}

// start begins a step.
func (j *Job) start(name string, total int64) report.Meter {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := &step{job: j, Step: Step{Name: name, Total: total, Began: j.now()}}
	if len(j.steps) == mostSteps {
		j.steps = j.steps[1:]
	}
	j.steps = append(j.steps, s)
	return s
}

// step is the meter of a task within a job.
type step struct {
	job *Job
	Step
}

// Set takes the progress.
func (s *step) Set(done int64) { s.update(func() { s.Step.Done = done }) }

// SetTotal takes the progress of a task whose size was not known.
func (s *step) SetTotal(done, total int64) {
	s.update(func() { s.Step.Done, s.Step.Total = done, total })
}

// Done ends the step.
func (s *step) Done() { s.update(func() { s.Ended = true }) }

func (s *step) update(change func()) {
	s.job.mu.Lock()
	defer s.job.mu.Unlock()
	change()
}

// State returns the job as it is now.
func (j *Job) State() State {
	j.mu.Lock()
	defer j.mu.Unlock()
	st := State{Event: j.task.Event, Now: j.now(), Stage: Running, Messages: append([]Message{}, j.messages...), Dropped: j.dropped, Steps: []Step{}}
	st.ID, st.Time = j.id, j.began
	for _, s := range j.steps {
		st.Steps = append(st.Steps, s.Step)
	}
	if !j.ended() {
		return st
	}
	st.Ended = j.at
	if j.result != nil {
		st.Event.Done, st.Next, st.Value = j.result.Text, slices.Clone(j.result.Next), j.result.Value
	}
	if j.err != nil {
		st.Event.Error = j.err.Error()
		st.Code, st.Hint = outcome.Classify(j.err)
	}
	st.Stage = stageOf(j.err != nil, st.Code)
	return st
}
