// Package report passes on the messages of a run beside its result, and formats quantities for people.
package report

import (
	"fmt"
)

// Reporter passes on the messages of a run beside its result. Each function may be nil: then that kind of message is
// dropped. A nil Reporter drops all of them. Several goroutines may call the functions at once.
type Reporter struct {
	Warned   func(text string) // a warning: something needs attention and stops nothing
	Noted    func(text string) // a note that a person may want to read
	Detailed func(text string) // a detail that helps to find the cause of a problem
	Failed   func(err error)   // an error that must be shown before the run goes on; the run returns its own error later

	// Started is called when a long task begins and returns the meter of its progress, nil for none. The total is in bytes, 0
	// if it is not known.
	Started func(task string, total int64) Meter
}

// Meter receives the progress of a task. Several goroutines may call its methods at once.
type Meter interface {
	Set(done int64)             // so many bytes are done
	SetTotal(done, total int64) // so many of total are done, for a task whose size was not known at its start
	Done()                      // the task has ended
}

// Warn reports something that needs attention but stops nothing.
func (r *Reporter) Warn(format string, args ...any) {
	if r != nil && r.Warned != nil {
		r.Warned(fmt.Sprintf(format, args...))
	}
}

// Note reports something that a person may want to know.
func (r *Reporter) Note(format string, args ...any) {
	if r != nil && r.Noted != nil {
		r.Noted(fmt.Sprintf(format, args...))
	}
}

// Detail reports something that helps to find the cause of a problem.
func (r *Reporter) Detail(format string, args ...any) {
	if r != nil && r.Detailed != nil {
		r.Detailed(fmt.Sprintf(format, args...))
	}
}

// FailNow reports an error at once, because the steps that follow take time or could hide it. It returns whether the Reporter
// has a function for errors; otherwise the error is still unreported.
func (r *Reporter) FailNow(err error) (reported bool) {
	if r == nil || r.Failed == nil {
		return false
	}
	r.Failed(err)
	return true
}

// Progress starts to report the progress of a task. The total is in bytes, 0 if it is not known. The caller calls Done of the
// meter, which is never nil.
func (r *Reporter) Progress(task string, total int64) Meter {
	if r != nil && r.Started != nil {
		if m := r.Started(task, total); m != nil {
			return m
		}
	}
	return noMeter{}
}

// noMeter drops all numbers.
type noMeter struct{}

// Set drops the number.
func (noMeter) Set(int64) {}

// SetTotal drops the numbers.
func (noMeter) SetTotal(int64, int64) {}

// Done does nothing.
func (noMeter) Done() {}
