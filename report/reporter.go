package report

import (
	"fmt"
)

// Reporter passes on what a run has to say beside its result. Each function may be nil: then that kind of message is
// dropped. A nil reporter drops all of them. The functions may be called by several goroutines at once.
type Reporter struct {
	Warned   func(text string) // something needs attention, and stops nothing
	Noted    func(text string) // something that a person may want to know
	Detailed func(text string) // something for a person who looks for the cause of a problem
	Failed   func(err error)   // an error that must be told before the run goes on; the run's own error comes later
	Started  func(task string, total int64) Meter
}

// Meter is told how far a task is. Its methods may be called by several goroutines at once.
type Meter interface {
	Set(done int64)             // bytes that are done
	SetTotal(done, total int64) // the same, for a task whose size shows only on the way
	Done()                      // the task has ended
}

// Warn tells of something that needs attention but stops nothing.
func (r *Reporter) Warn(format string, args ...any) {
	if r != nil && r.Warned != nil {
		r.Warned(fmt.Sprintf(format, args...))
	}
}

// Note tells something that a person may want to know.
func (r *Reporter) Note(format string, args ...any) {
	if r != nil && r.Noted != nil {
		r.Noted(fmt.Sprintf(format, args...))
	}
}

// Detail tells something that helps to find the cause of a problem.
func (r *Reporter) Detail(format string, args ...any) {
	if r != nil && r.Detailed != nil {
		r.Detailed(fmt.Sprintf(format, args...))
	}
}

// FailNow tells of an error at once, because the steps that follow take time or could hide it. It reports whether a function
// was there to be told.
func (r *Reporter) FailNow(err error) (told bool) {
	if r == nil || r.Failed == nil {
		return false
	}
	r.Failed(err)
	return true
}

// Progress begins to tell how far a task is. The total is in bytes, 0 if it is not known.
func (r *Reporter) Progress(task string, total int64) Meter {
	if r != nil && r.Started != nil {
		if m := r.Started(task, total); m != nil {
			return m
		}
	}
	return noMeter{}
}

// noMeter drops what it is told.
type noMeter struct{}

// Set drops the number.
func (noMeter) Set(int64) {}

// SetTotal drops the numbers.
func (noMeter) SetTotal(int64, int64) {}

// Done does nothing.
func (noMeter) Done() {}
