package cmd

import (
	"context"

	"github.com/spf13/cobra"

	"firn/answer"
	"firn/outcome"
	"firn/session"
	"firn/tags"
	"firn/upkeep"
)

func newTag(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tag",
		Short: "Add and remove tags of snapshots",
		Args:  cobra.ArbitraryArgs,
		RunE:  runRoot,
	}
	add := c.newTagCommand("add", "Add tags to a snapshot", tagChange{"Added to", "is tagged %s already", upkeep.AddTags})
	remove := c.newTagCommand("remove", "Remove tags from a snapshot", tagChange{"Removed from", "is not tagged %s", upkeep.RemoveTags})
	remove.SuggestFor = []string{"rm", "delete"}
	cmd.AddCommand(add, remove)
	return cmd
}

// tagChange is a change of tags and the words for its result.
type tagChange struct {
	done   string // the words for a snapshot that was changed
	before string // the words for a snapshot that had the tags, or did not have them, before
	change func(ctx context.Context, s *session.Session, ref string, tags ...string) (*upkeep.Labelled, error)
}

// newTagCommand returns the command for a change of tags.
func (c *cli) newTagCommand(use, short string, change tagChange) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use + " SNAPSHOT TAG...",
		Short: short,
		Long: short + `. SNAPSHOT is at least 4 digits of an ID, latest, latest-verified, either with
:ENV, or the beginning of a time. The tags env_..., db_... and pre-restore belong to
firn and cannot be changed: they say what a snapshot is.`,
		Example: "  firn tag " + use + " latest:production before-migration",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.tag(cmd.Context(), args[0], args[1:], change)
		},
	}
	c.addJSONFlag(cmd)
	return cmd
}

// tag runs a command that changes tags.
func (c *cli) tag(ctx context.Context, ref string, args []string, change tagChange) error {
	set, err := tags.New(args...)
	if err != nil {
		return outcome.Usage("", "%w", err)
	}
	s, err := c.open(ctx, session.OpenOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	done, err := change.change(ctx, s.Session, ref, args...)
	if err != nil {
		return err
	}
	if snap := done.Snapshot; done.Changed {
		s.Done("%s snapshot %s: it is tagged %s now", change.done, snap.ID.Short(), snap.Tags)
	} else {
		s.Done("Snapshot %s "+change.before, snap.ID.Short(), set)
	}
	return s.printLabelled([]upkeep.Labelled{*done})
}

func newPin(c *cli) *cobra.Command {
	return c.newPinCommand("pin", "Keep snapshots from retention", `Keeps the snapshots from retention: no rule removes them. Only "firn forget ID"
removes them. SNAPSHOT is at least 4 digits of an ID, latest,
latest-verified, either with :ENV, or the beginning of a time.`, true)
}

func newUnpin(c *cli) *cobra.Command {
	return c.newPinCommand("unpin", "Leave pinned snapshots to retention", `Leaves pinned snapshots to the retention rules again. The next "firn forget", or
backup with --prune, may remove them.`, false)
}

// newPinCommand returns the command pin or unpin.
func (c *cli) newPinCommand(use, short, long string, pinned bool) *cobra.Command {
	cmd := &cobra.Command{
		Use:     use + " SNAPSHOT...",
		Short:   short,
		Long:    long,
		Example: "  firn " + use + " 3f2a91c0",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.pin(cmd.Context(), args, pinned)
		},
	}
	c.addJSONFlag(cmd)
	return cmd
}

// pin runs pin or unpin.
func (c *cli) pin(ctx context.Context, refs []string, pinned bool) error {
	word, before := "pinned", "pinned already"
	if !pinned {
		word, before = "not pinned", "not pinned"
	}
	s, err := c.open(ctx, session.OpenOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	done, err := upkeep.Pin(ctx, s.Session, refs, pinned)
	for _, l := range done {
		if snap := l.Snapshot; l.Changed {
			s.Done("Snapshot %s of %s, %s, is %s now", snap.ID.Short(), snap.Environment, s.WhenTaken(snap), word)
		} else {
			s.Done("Snapshot %s is %s", snap.ID.Short(), before)
		}
	}
	if err != nil {
		return err
	}
	return s.printLabelled(done)
}

// printLabelled prints the snapshots in JSON if --json is given.
func (s *opened) printLabelled(done []upkeep.Labelled) error {
	if !s.json {
		return nil
	}
	messages := make([]answer.Snapshot, 0, len(done))
	for _, l := range done {
		messages = append(messages, answer.NewSnapshot(l.Snapshot))
	}
	return s.printJSON(messages)
}
