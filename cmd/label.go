package cmd

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"firn/repo"
	"firn/snapshot"
	"firn/tags"
)

func newTag(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "tag",
		Short:   "Add and remove tags of snapshots",
		GroupID: groupMain,
		Args:    cobra.ArbitraryArgs,
		RunE:    runRoot,
	}
	cmd.AddCommand(
		c.newTagCommand("add", "Add tags to a snapshot", "Added to", tags.Set.Add),
		c.newTagCommand("remove", "Remove tags from a snapshot", "Removed from",
			func(s tags.Set, removed ...string) (tags.Set, error) { return s.Remove(removed...), nil }))
	return cmd
}

func (c *cli) newTagCommand(use, short, done string, change func(tags.Set, ...string) (tags.Set, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use + " SNAPSHOT TAG...",
		Short: short,
		Long: short + `. SNAPSHOT is at least 4 digits of an ID, latest, latest-verified, either with
:ENV, or the beginning of a time. Tags that firn itself sets stay as they are: those of
the environment and the database, and pre-restore.`,
		Example: "  firn tag " + use + " latest:production before-migration",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.tag(cmd.Context(), args[0], args[1:], done, change)
		},
	}
	c.addJSONFlag(cmd)
	return cmd
}

func (c *cli) tag(ctx context.Context, ref string, args []string, done string, change func(tags.Set, ...string) (tags.Set, error)) error {
	if _, err := tags.New(args...); err != nil {
		return usage("", "%w", err)
	}
	return c.label(ctx, []string{ref}, func(s *session, snap *snapshot.Snapshot) (labelling, error) {
		for _, tag := range args {
			if slices.Contains([]string{tags.Environment(snap.Environment), tags.Database(snap.Database), repo.PreRestoreTag}, tag) {
				return labelling{}, usage("", "tag %q is firn's own", tag)
			}
		}
		changed, err := change(snap.Tags, args...)
		if err != nil || slices.Equal(changed, snap.Tags) {
			return labelling{told: fmt.Sprintf("Snapshot %s is tagged %s already", snap.ID.Short(), snap.Tags)}, err
		}
		snap.Tags = changed
		return labelling{
			&snapshot.Note{Labels: &snapshot.Labels{Time: s.now(), Tags: changed}},
			fmt.Sprintf("%s snapshot %s: it is tagged %s now", done, snap.ID.Short(), changed),
		}, nil
	})
}

func newPin(c *cli) *cobra.Command {
	return c.newPinCommand("pin", "Keep snapshots from retention", `Keeps retention from removing the snapshots, whatever the rules are. "firn forget ID"
removes them nevertheless. SNAPSHOT is at least 4 digits of an ID, latest,
latest-verified, either with :ENV, or the beginning of a time.`, true)
}

func newUnpin(c *cli) *cobra.Command {
	return c.newPinCommand("unpin", "Leave pinned snapshots to retention", `Leaves pinned snapshots to the retention rules again. The next "firn forget", or
backup with --prune, may remove them.`, false)
}

func (c *cli) newPinCommand(use, short, long string, pinned bool) *cobra.Command {
	cmd := &cobra.Command{
		Use:     use + " SNAPSHOT...",
		Short:   short,
		Long:    long,
		Example: "  firn " + use + " 3f2a91c0",
		GroupID: groupMain,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.pin(cmd.Context(), args, pinned)
		},
	}
	c.addJSONFlag(cmd)
	return cmd
}

func (c *cli) pin(ctx context.Context, refs []string, pinned bool) error {
	word := map[bool]string{true: "pinned", false: "not pinned"}[pinned]
	return c.label(ctx, refs, func(s *session, snap *snapshot.Snapshot) (labelling, error) {
		if snap.Pinned == pinned {
			return labelling{told: fmt.Sprintf("Snapshot %s is %s already", snap.ID.Short(), word)}, nil
		}
		snap.Pinned = pinned
		return labelling{
			&snapshot.Note{Pin: &snapshot.Pin{Time: s.now(), Pinned: pinned}},
			fmt.Sprintf("Snapshot %s of %s, %s, is %s now", snap.ID.Short(), snap.Environment, s.when(snap.Time), word),
		}, nil
	})
}

// labelling is what is to be noted on a snapshot, nil if it is so already, and what to
// say when it is.
type labelling struct {
	note *snapshot.Note
	told string
}

// label stores notes on snapshots. All of them are found before anything is changed. The
// function changes the snapshot as its note will.
func (c *cli) label(ctx context.Context, refs []string, change func(*session, *snapshot.Snapshot) (labelling, error)) error {
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	list, damage := s.repo.Snapshots(ctx)
	if list == nil && damage != nil {
		return damage
	}
	var chosen []*snapshot.Snapshot
	for _, ref := range refs {
		snap, err := s.find(list, ref, false)
		if err != nil {
			return err
		}
		chosen = append(chosen, snap)
	}
	messages := make([]snapshotMessage, 0, len(chosen))
	for _, snap := range chosen {
		l, err := change(s, snap)
		if err == nil && l.note != nil {
			l.note.Snapshot = snap.ID
			err = s.repo.Note(ctx, *l.note)
		}
		if err != nil {
			return err
		}
		s.done("%s", l.told)
		messages = append(messages, newSnapshotMessage(snap))
	}
	if s.json {
		return s.printJSON(messages)
	}
	return nil
}
