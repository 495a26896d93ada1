package cmd

import (
	"context"

	"github.com/spf13/cobra"

	"firn/history"
	"firn/report"
	"firn/snapshot"
	"firn/tags"
)

// period is the flags that say of which snapshots of an environment a history is.
type period struct {
	history.Choice
	tags []string
}

// addFlags adds the flags to a command.
func (p *period) addFlags(c *cli, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.Since, "since", "", "only what happened since: 2d, a `time`, or a snapshot")
	f.StringVar(&p.Until, "until", "", "only snapshots up to: 2d, a `time`, or a snapshot")
	f.StringVar(&p.Database, "name", "", "only snapshots of the database with this `name`")
	f.StringArrayVar(&p.tags, "tag", nil, "with these `tags`: a,b for both, --tag again for either")
	for _, name := range []string{"since", "until"} {
		_ = cmd.RegisterFlagCompletionFunc(name, c.completeMoment) // the flag exists: no error
	}
}

// choose returns the snapshots, the newest first. Records that cannot be read are damage, and no error.
func (p *period) choose(ctx context.Context, s *opened, environment string) (list []*snapshot.Snapshot, damage, err error) {
	byTag, err := tags.ParseFilter(p.tags)
	if err != nil {
		return nil, nil, err
	}
	p.Environment, p.Tags = environment, byTag
	return history.Choose(ctx, s.Session, p.Choice)
}

// span describes snapshots for people: how many there are, and from when to when.
func (s *opened) span(list []*snapshot.Snapshot) string {
	oldest, newest := s.WhenTaken(list[len(list)-1]), s.WhenTaken(list[0])
	if len(list) == 1 {
		return "1 snapshot, of " + newest
	}
	return report.Plural(len(list), "snapshot") + " from " + oldest + " to " + newest
}

// leftOut tells of the snapshots that were forgotten meanwhile, and returns the error for those that are damaged.
func (s *opened) leftOut(left []history.Skipped) error {
	for _, l := range left {
		if l.Forgotten {
			s.note("Snapshot %s, %s, was forgotten meanwhile and is left out.", l.Snapshot.ID.Short(), s.WhenTaken(l.Snapshot))
		}
	}
	return history.Damage(left)
}
