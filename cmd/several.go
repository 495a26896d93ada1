package cmd

import (
	"context"
	"errors"
	"fmt"

	"firn/outcome"
	"firn/report"
)

// several gathers the outcomes of environments: one that fails does not stop the
// others.
type several struct {
	cli       *cli
	succeeded int
	errs      []error
}

// add takes note of an environment's outcome, and reports an error at once if
// there is more to come.
func (s *several) add(err error, more bool) {
	if err == nil {
		s.succeeded++
		return
	}
	if more && !errors.Is(err, context.Canceled) {
		s.cli.fail(err)
		err = outcome.MarkReported(err)
	}
	s.errs = append(s.errs, err)
}

// outcome returns the error that stands for all, nil if there is none.
func (s *several) outcome() error {
	switch {
	case len(s.errs) == 0:
		return nil
	case len(s.errs) == 1 && s.succeeded == 0:
		return s.errs[0]
	}
	return outcome.New(fmt.Errorf("%s failed, %d done", report.Plural(len(s.errs), "environment"), s.succeeded), s.code(), "")
}

// code is the one code of several failures.
func (s *several) code() int {
	if s.succeeded > 0 {
		return outcome.CodePartly
	}
	code, _ := outcome.Classify(s.errs[0])
	for _, err := range s.errs[1:] {
		if other, _ := outcome.Classify(err); other != code {
			return outcome.CodeFailed
		}
	}
	return code
}
