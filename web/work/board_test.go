package work_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"firn/access"
	"firn/internal/sessiontest"
	"firn/session"
	"firn/web/work"
)

// stand is a board with its log, for a test.
type stand struct {
	*work.Board
	f   *sessiontest.Fixture
	log *access.Log
}

func newStand(t *testing.T) *stand {
	t.Helper()
	f := sessiontest.New(t, "")
	log, err := access.OpenLog(f.Path("serve"))
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{work.NewBoard(work.Options{Log: log, Now: f.Now}), f, log}
	t.Cleanup(func() {
		s.end()
		_ = log.Close()
	})
	return s
}

// end ends the board without a grace.
func (s *stand) end() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.End(ctx)
}

// lines returns the lines of the log.
func (s *stand) lines(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(s.f.Path("serve/audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// task is a task that runs a function.
func (s *stand) task(run func(context.Context, *session.Session) (*work.Result, error)) work.Task {
	return work.Task{Session: s.f.Session, Changed: func() {}, Event: access.Event{What: "backup", Environment: "app", Who: "a", From: "local"}, Run: run}
}

// quick does nothing.
func quick(context.Context, *session.Session) (*work.Result, error) {
	return &work.Result{Text: "It was done."}, nil
}

// waiting waits until a channel is closed, or the server ends.
func waiting(release <-chan struct{}) func(context.Context, *session.Session) (*work.Result, error) {
	return func(ctx context.Context, _ *session.Session) (*work.Result, error) {
		select {
		case <-release:
			return &work.Result{Text: "It was done."}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func TestJobIsLoggedBeforeItBeginsAndWhenItHasEnded(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	var logged []string
	j, err := s.BeginAlone(s.task(func(context.Context, *session.Session) (*work.Result, error) {
		logged = s.lines(t)
		return &work.Result{Text: "It was done."}, errors.New("and something else went wrong")
	}))
	if err != nil {
		t.Fatal(err)
	}
	<-j.Done()
	if len(logged) != 1 || !strings.Contains(logged[0], `"stage":"begun"`) {
		t.Errorf("while it ran: got %q", logged)
	}
	c, err := s.log.Find(j.ID())
	if err != nil || c == nil || !c.Over || c.Done != "It was done." || c.Error != "and something else went wrong" || c.Code != 1 || c.Who != "a" {
		t.Errorf("when it has ended: got %+v, %v", c, err)
	}
	if st := j.State(); st.Stage != work.Failed || st.Code != 1 || st.Event.Done != "It was done." {
		t.Errorf("state: got %+v", st)
	}
}

func TestJobThatCannotBeLoggedDoesNotBegin(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	if err := s.log.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.BeginAlone(s.task(func(context.Context, *session.Session) (*work.Result, error) {
		t.Error("it has begun")
		return nil, nil
	})); err == nil {
		t.Error("got no error")
	}
	if running, _ := s.Jobs(); len(running) != 0 {
		t.Errorf("got %d jobs that run", len(running))
	}
}

func TestFormBeginsOneJob(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	form := s.NewForm()
	var all sync.WaitGroup
	jobs := make([]*work.Job, 20)
	var mu sync.Mutex
	runs := 0
	for i := range jobs {
		all.Go(func() {
			var err error
			jobs[i], err = s.Begin(form, s.task(func(context.Context, *session.Session) (*work.Result, error) {
				mu.Lock()
				defer mu.Unlock()
				runs++
				return nil, nil
			}))
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, j := range jobs {
		if j != jobs[0] || j.ID() != form || !work.IsID(j.ID()) {
			t.Fatalf("got job %q, want %q", j.ID(), form)
		}
	}
	<-jobs[0].Done()
	if runs != 1 {
		t.Errorf("it ran %d times", runs)
	}
	for _, wrong := range []string{"", "x", strings.Repeat("A", 26)} {
		if _, err := s.Begin(wrong, s.task(quick)); !errors.Is(err, work.ErrForm) {
			t.Errorf("form %q: got %v, want ErrForm", wrong, err)
		}
	}
}

func TestOldFormsAreRefused(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	oldest, next := s.NewForm(), s.NewForm()
	for range 9_999 {
		s.NewForm()
	}
	if _, err := s.Begin(oldest, s.task(quick)); !errors.Is(err, work.ErrForm) {
		t.Errorf("the oldest: got %v, want ErrForm", err)
	}
	if _, err := s.Begin(next, s.task(quick)); err != nil {
		t.Errorf("the next one: got %v", err)
	}
}

// begin begins a job, and waits for its end.
func begin(t *testing.T, s *stand, run func(context.Context, *session.Session) (*work.Result, error)) *work.Job {
	t.Helper()
	j, err := s.BeginAlone(s.task(run))
	if err != nil {
		t.Fatal(err)
	}
	<-j.Done()
	return j
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	release := make(chan struct{})
	var many []*work.Job
	for range 32 {
		j, err := s.BeginAlone(s.task(waiting(release)))
		if err != nil {
			t.Fatal(err)
		}
		many = append(many, j)
	}
	if _, err := s.BeginAlone(s.task(quick)); !errors.Is(err, work.ErrBusy) {
		t.Errorf("too many at once: got %v, want ErrBusy", err)
	}
	close(release)
	for _, j := range many {
		<-j.Done()
	}
	for range 999 {
		begin(t, s, quick)
	}
	last := begin(t, s, func(_ context.Context, s *session.Session) (*work.Result, error) {
		for i := range 200 {
			s.Warn("%s", strings.Repeat("\u00e4", 5000))
			s.Progress(fmt.Sprint(i), 0).Done()
		}
		return nil, nil
	})
	s.end()
	running, ended := s.Jobs()
	if len(running) != 0 || len(ended) != 300 {
		t.Errorf("got %d and %d jobs, want 0 and 300", len(running), len(ended))
	}
	st := last.State()
	if len(st.Messages) != 50 || st.Dropped != 150 || len(st.Steps) != 20 || len([]rune(st.Messages[0].Text)) > 1001 {
		t.Errorf("got %d messages, %d left out, %d steps", len(st.Messages), st.Dropped, len(st.Steps))
	}
	if got := len(s.lines(t)); got != 2*1032 {
		t.Errorf("log: got %d lines, want %d", got, 2*1032)
	}
}

func TestJobShowsItsOwnMessagesAndProgress(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	release, reached := make(chan struct{}), make(chan struct{})
	one, err := s.BeginAlone(s.task(func(_ context.Context, s *session.Session) (*work.Result, error) {
		m := s.Progress("read", 200)
		m.Set(50)
		s.Warn("it is slow")
		s.Note("a note")
		close(reached)
		<-release
		m.SetTotal(30, 60)
		m.Done()
		return nil, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	<-reached
	other, err := s.BeginAlone(s.task(quick))
	if err != nil {
		t.Fatal(err)
	}
	<-other.Done()
	st := one.State()
	if st.Stage != work.Running || len(st.Steps) != 1 || st.Steps[0].Percent() != 25 || st.Steps[0].Ended || len(st.Messages) != 2 || st.Messages[0].Text != "it is slow" {
		t.Errorf("while it runs: got %+v", st)
	}
	if got := other.State(); len(got.Messages) != 0 || got.Stage != work.Done {
		t.Errorf("the other one: got %+v", got)
	}
	close(release)
	<-one.Done()
	if st = one.State(); st.Stage != work.Done || !st.Steps[0].Ended || st.Steps[0].Percent() != 50 {
		t.Errorf("at the end: got %+v", st)
	}
	if got := s.f.Warned(); len(got) != 1 || got[0] != "it is slow" {
		t.Errorf("the server's own messages: got %q", got)
	}
}

func TestPanicEndsTheJobAlone(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	j, err := s.BeginAlone(s.task(func(context.Context, *session.Session) (*work.Result, error) { panic("oops") }))
	if err != nil {
		t.Fatal(err)
	}
	<-j.Done()
	if _, err := j.Outcome(); err == nil || !strings.Contains(err.Error(), "internal error: oops") {
		t.Errorf("got %v", err)
	}
}

func TestEndWaitsForJobs(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	release := make(chan struct{})
	j, err := s.BeginAlone(s.task(waiting(release)))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		s.End(context.Background()) // its grace never ends
		close(ended)
	}()
	for { // until the board takes nothing more
		if _, err := s.BeginAlone(s.task(quick)); errors.Is(err, work.ErrEnding) {
			break
		}
	}
	select {
	case <-ended:
		t.Error("the end does not wait")
	default:
	}
	close(release)
	<-ended
	if st := j.State(); st.Stage != work.Done {
		t.Errorf("got %s, want done", st.Stage)
	}
}

func TestEndInterruptsJobsAfterTheGrace(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	j, err := s.BeginAlone(s.task(waiting(nil)))
	if err != nil {
		t.Fatal(err)
	}
	s.end()
	if st := j.State(); st.Stage != work.Interrupted {
		t.Errorf("got %s, want interrupted", st.Stage)
	}
	c, err := s.log.Find(j.ID())
	if err != nil || c == nil || work.Logged(*c).Stage != work.Interrupted {
		t.Errorf("log: got %+v, %v", c, err)
	}
}

func TestClockMayJump(t *testing.T) {
	t.Parallel()
	st := work.State{}
	st.Time, st.Now = st.Time.AddDate(1, 0, 0), st.Time
	if got := st.Took(); got != 0 {
		t.Errorf("got %v, want 0", got)
	}
}
