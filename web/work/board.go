// Package work keeps what a server does for its clients: the jobs that run, and those that have ended lately. A job is in the log of
// changes before it begins, and again when it has ended. It goes on when its client goes away, and ends in order when the server does.
package work

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"firn/access"
	"firn/outcome"
	"firn/session"
)

// Board has the jobs of a server. Make one with [NewBoard]. Its methods may be called by several goroutines at once.
type Board struct {
	o    Options
	life context.Context // of jobs, which outlive the request that began them
	end  context.CancelFunc
	jobs sync.WaitGroup // under way

	mu      sync.Mutex
	ending  bool
	running []*Job // the one that has begun last is the last
	ended   []*Job // the one that has ended last is the last
	forms   *forms
}

// Options say what a board works with. All are needed.
type Options struct {
	Log *access.Log
	Now func() time.Time
}

// The bounds of what a board keeps.
const (
	mostRunning = 32  // jobs at once
	mostEnded   = 300 // jobs that have ended; the log has the others
	mostForms   = 10_000
)

// Errors of jobs that do not begin.
var (
	ErrEnding = errors.New("the server is ending")
	ErrBusy   = fmt.Errorf("%d changes are under way", mostRunning)
	ErrForm   = errors.New("the page is too old, or was of another run of the server")
)

// NewBoard returns a board without jobs.
func NewBoard(o Options) *Board {
	b := &Board{o: o, forms: newForms(mostForms)}
	b.life, b.end = context.WithCancel(context.Background())
	return b
}

// NewForm returns the ID of a job that the form of a page may begin. The ID is good once: a form that is sent twice begins one job.
func (b *Board) NewForm() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.forms.add()
}

// Begin logs that a job begins, and begins it. The form is an ID of [Board.NewForm]. If the form has begun a job before, the result
// is that job, and nothing begins; if it is not known, the error is [ErrForm].
func (b *Board) Begin(form string, t Task) (*Job, error) {
	j, fresh, err := b.enter(form, t)
	if err != nil || !fresh {
		return j, err
	}
	return b.start(j)
}

// BeginAlone is [Board.Begin] for a program, which has no form.
func (b *Board) BeginAlone(t Task) (*Job, error) {
	b.mu.Lock()
	j, err := b.add(NewID(), t)
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return b.start(j)
}

// start logs that a job begins, and runs it.
func (b *Board) start(j *Job) (*Job, error) {
	if err := b.o.Log.Begin(j.event()); err != nil { // a change whose begin cannot be logged must not begin
		b.leave(j, nil, err)
		return nil, err
	}
	go b.run(j)
	return j, nil
}

// enter adds a job, or finds the one that the form has begun.
func (b *Board) enter(form string, t Task) (j *Job, fresh bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if j := b.find(form); j != nil {
		return j, false, nil
	}
	if !b.forms.knows(form) {
		return nil, false, ErrForm
	}
	if j, err = b.add(form, t); err != nil {
		return nil, false, err
	}
	b.forms.remove(form)
	return j, true, nil
}

// add adds a job. The caller holds the lock.
func (b *Board) add(id string, t Task) (*Job, error) {
	switch {
	case b.ending:
		return nil, ErrEnding
	case len(b.running) >= mostRunning:
		return nil, ErrBusy
	}
	j := &Job{id: id, task: t, now: b.o.Now, began: b.o.Now(), done: make(chan struct{})}
	b.running = append(b.running, j)
	b.jobs.Add(1)
	return j, nil
}

// NewID returns a name for a job: 130 random bits.
func NewID() string { return rand.Text() }

// IsID reports whether a text may be the ID of a job.
func IsID(text string) bool {
	return len(text) == 26 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// find returns a job, nil for none. The caller holds the lock.
func (b *Board) find(id string) *Job {
	for _, list := range [][]*Job{b.running, b.ended} {
		if i := slices.IndexFunc(list, func(j *Job) bool { return j.id == id }); i >= 0 {
			return list[i]
		}
	}
	return nil
}

// run runs a job with a session whose messages go to the job, and logs how it has ended.
func (b *Board) run(j *Job) {
	s := j.task.Session.WithReporter(j.reporter(j.task.Session.Reporter))
	j.takeHooks(s)
	result, err := attempt(b.life, j, s)
	j.task.Changed()
	e := j.event()
	if result != nil {
		e.Done = result.Text
	}
	if err != nil {
		e.Error = err.Error()
		e.Code, _ = outcome.Classify(err)
	}
	b.leave(j, result, errors.Join(err, b.o.Log.End(e)))
}

// attempt runs the task of a job. A panic is a mistake of ours: it ends the job, and not the server, which may watch databases.
func attempt(ctx context.Context, j *Job, s *session.Session) (result *Result, err error) {
	defer func() {
		if r := recover(); r != nil {
			s.Detail("%s", debug.Stack())
			err = errors.Join(err, fmt.Errorf("work: internal error: %v", r))
		}
	}()
	if result, err = j.task.Run(ctx, s); err != nil && result == nil && ctx.Err() != nil {
		err = outcome.Interrupted(err)
	}
	return result, err
}

// leave ends a job, and forgets the one that has ended first if there are too many.
func (b *Board) leave(j *Job, result *Result, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	j.finish(result, err)
	i := slices.Index(b.running, j)
	b.running, b.ended = slices.Delete(b.running, i, i+1), append(b.ended, j)
	if len(b.ended) > mostEnded {
		b.ended = slices.Delete(b.ended, 0, 1)
	}
	b.jobs.Done()
}

// Find returns a job, nil for one that is not here, or not any more.
func (b *Board) Find(id string) *Job {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.find(id)
}

// Jobs returns the jobs that run, and those that have ended lately, the newest first.
func (b *Board) Jobs() (running, ended []*Job) {
	b.mu.Lock()
	defer b.mu.Unlock()
	running, ended = slices.Clone(b.running), slices.Clone(b.ended)
	slices.Reverse(running)
	slices.Reverse(ended)
	return running, ended
}

// End lets no job begin any more. It lets those under way end until the grace is over, then interrupts them, and waits until they
// have left everything in order.
func (b *Board) End(grace context.Context) {
	b.mu.Lock()
	b.ending = true
	b.mu.Unlock()
	idle := make(chan struct{})
	go func() {
		b.jobs.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-grace.Done():
	}
	b.end()
	<-idle
}
