package cmd

import (
	"context"
	"errors"
	"fmt"

	"firn/config"
	"firn/host"
	"firn/outcome"
	"firn/sqlite"
)

// scrubbing is what takes private data out of a clone before it goes live.
type scrubbing struct {
	path   string // of the script
	script string
}

// planScrub finds out whether the snapshot is to be scrubbed, and reads the script: that it cannot be read must come
// out before anything is done.
func (r *restoration) planScrub() error {
	path := r.scrubPath()
	if path == "" {
		return r.refuseUnscrubbed()
	}
	b, err := host.ReadFile(path)
	if err != nil {
		return outcome.Usage(outcome.TrustHint(err, "Check the path of scrub, or of --scrub."), "restore: read scrub file: %w", err)
	}
	r.scrub = &scrubbing{path, string(b)}
	return nil
}

// scrubPath returns the script that a restore is to run, "" for none: the one that was asked for, or, for a clone, the
// target's.
func (r *restoration) scrubPath() string {
	if r.options.scrub != "" || r.env == nil || !r.clones() {
		return r.options.scrub
	}
	return r.env.Scrub
}

// clones reports whether data of one environment goes somewhere else.
func (r *restoration) clones() bool { return r.env == nil || r.source.Environment != r.env.Name }

// refuseUnscrubbed keeps private data where it is, if the environment that it comes from, or the one that it goes to,
// demands that.
func (r *restoration) refuseUnscrubbed() error {
	if !r.clones() {
		return nil
	}
	from := r.Conf.Env[r.source.Environment]
	for _, env := range []*config.Environment{from, r.env} {
		if env != nil && env.RequireScrub {
			return outcome.Usage("Give --scrub FILE, or configure scrub for the target's environment.",
				"restore: %s has require_scrub, and nothing would scrub this clone of %s", env.Name, r.source.Environment)
		}
	}
	return nil
}

// run scrubs a private image.
func (s *scrubbing) run(ctx context.Context, image string) error {
	err := sqlite.Scrub(ctx, image, s.script)
	if se, ok := errors.AsType[*sqlite.StatementError](err); ok {
		return outcome.New(fmt.Errorf("restore: the target is left as it is: %s, line %d: %w", s.path, se.Line, se.Err), outcome.CodeUsage,
			"Correct the scrub file. It runs on a copy of the snapshot, so it must fit its schema.")
	}
	if err != nil {
		return fmt.Errorf("restore: the target is left as it is: %s: %w", s.path, err)
	}
	return nil
}
