package cmd

import (
	"context"
	"errors"
	"fmt"

	"firn/outcome"
	"firn/report"
)

// outcomes collects the outcomes of a run's environments. A failure of one environment does not stop the others.
type outcomes struct {
	cli       *cli
	succeeded int
	errs      []error
}

// add adds the outcome of an environment. If the run has more environments, it prints an error at once.
func (o *outcomes) add(err error, more bool) {
	if err == nil {
		o.succeeded++
		return
	}
	if more && !errors.Is(err, context.Canceled) {
		o.cli.fail(err)
		err = outcome.MarkReported(err)
	}
	o.errs = append(o.errs, err)
}

// outcome returns one error for the whole run, or nil if no environment has failed.
func (o *outcomes) outcome() error {
	switch {
	case len(o.errs) == 0:
		return nil
	case len(o.errs) == 1 && o.succeeded == 0:
		return o.errs[0]
	}
	return outcome.New(fmt.Errorf("%s failed, %d done", report.Plural(len(o.errs), "environment"), o.succeeded), o.code(), "")
}

// code returns one exit code for all failures.
func (o *outcomes) code() int {
	if o.succeeded > 0 {
		return outcome.CodePartly
	}
	code, _ := outcome.Classify(o.errs[0])
	for _, err := range o.errs[1:] {
		if other, _ := outcome.Classify(err); other != code {
			return outcome.CodeFailed
		}
	}
	return code
}
