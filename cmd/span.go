package cmd

import (
	"time"

	"github.com/spf13/pflag"

	"firn/retention"
	"firn/schedule"
)

// span is a time as a flag: with days and weeks, as everywhere else.
type span time.Duration

// Set implements pflag.Value.
func (s *span) Set(text string) error {
	d, err := retention.ParseDuration(text)
	*s = span(d)
	return err
}

// String implements pflag.Value.
func (s *span) String() string { return retention.FormatDuration(time.Duration(*s)) }

// Type implements pflag.Value.
func (s *span) Type() string { return "time" }

// addEvery adds the flag for the time between two backups of an environment.
func addEvery(f *pflag.FlagSet, every *time.Duration, usage string) {
	*every = schedule.DefaultEvery
	f.Var((*span)(every), "every", usage)
}
