package restore

import (
	"context"
	"errors"
	"fmt"

	"firn/config"
	"firn/host"
	"firn/outcome"
	"firn/sqlite"
)

// scrubbing is the SQL that takes private data out of a clone before the clone goes live.
type scrubbing struct {
	path   string // of the script
	script string
}

// planScrub finds out whether the snapshot is to be scrubbed, and reads the script. A script that cannot be read must show
// before anything is done.
func (op *Operation) planScrub() error {
	op.scrub = nil
	path := op.scrubPath()
	if path == "" {
		return op.refuseUnscrubbed()
	}
	b, err := host.ReadFile(path)
	if err != nil {
		return outcome.Usage(outcome.TrustHint(err, "Check the path of scrub, or of --scrub."), "restore: read scrub file: %w", err)
	}
	op.scrub = &scrubbing{path: path, script: string(b)}
	return nil
}

// scrubPath returns the path of the script that a restore is to run, "" for none: the script of the options, or, for a clone,
// the one of the target's environment.
func (op *Operation) scrubPath() string {
	if op.options.Scrub != "" || op.env == nil || !op.clones() {
		return op.options.Scrub
	}
	return op.env.Scrub
}

// clones reports whether data of one environment goes somewhere else.
func (op *Operation) clones() bool { return op.env == nil || op.source.Environment != op.env.Name }

// refuseUnscrubbed refuses a clone that nothing would scrub, if the environment that it comes from, or the one that it goes
// to, demands a scrubbing.
func (op *Operation) refuseUnscrubbed() error {
	if !op.clones() {
		return nil
	}
	from := op.s.Conf.Lookup(op.source.Environment)
	for _, env := range []*config.Environment{from, op.env} {
		if env != nil && env.RequireScrub {
			return outcome.Usage("Give --scrub FILE, or configure scrub for the target's environment.",
				"restore: %s has require_scrub, and nothing would scrub this clone of %s", env.Name, op.source.Environment)
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
