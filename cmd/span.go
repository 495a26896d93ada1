package cmd

import (
	"time"

	"github.com/spf13/pflag"

	"firn/retention"
	"firn/schedule"
)

// span is a duration as the value of a flag. It may be written in days and weeks, as in the configuration.
type span time.Duration

// Set reads the duration. It implements [pflag.Value].
func (s *span) Set(text string) error {
	d, err := retention.ParseDuration(text)
	*s = span(d)
	return err
}

// String formats the duration. It implements [pflag.Value].
func (s *span) String() string { return retention.FormatDuration(time.Duration(*s)) }

// Type returns the word for the value in help texts. It implements [pflag.Value].
func (s *span) Type() string { return "time" }

// addEvery adds the flag for the time between two backups of an environment.
func addEvery(f *pflag.FlagSet, every *time.Duration, usage string) {
	*every = schedule.DefaultEvery
	f.Var((*span)(every), "every", usage)
}
