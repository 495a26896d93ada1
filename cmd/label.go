package cmd

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"firn/config"
	"firn/outcome"
	"firn/repo"
	"firn/session"
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
		c.newTagCommand("add", "Add tags to a snapshot", tagChange{"Added to", "is tagged %s already", tags.Set.Add}),
		c.newTagCommand("remove", "Remove tags from a snapshot", tagChange{"Removed from", "is not tagged %s",
			func(s tags.Set, removed ...string) (tags.Set, error) { return s.Remove(removed...), nil }}))
	return cmd
}

// tagChange is what a command does with tags, and how it tells that it is done, or was before.
type tagChange struct {
	done, before string
	change       func(tags.Set, ...string) (tags.Set, error)
}

func (c *cli) newTagCommand(use, short string, change tagChange) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use + " SNAPSHOT TAG...",
		Short: short,
		Long: short + `. SNAPSHOT is at least 4 digits of an ID, latest, latest-verified, either with
:ENV, or the beginning of a time. Tags that say what a snapshot is are firn's own, and
stay as they are: env_..., db_... and pre-restore.`,
		Example: "  firn tag " + use + " latest:production before-migration",
		Args:    cobra.MinimumNArgs(2),

		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.tag(cmd.Context(), args[0], args[1:], change)
		},
	}
	c.addJSONFlag(cmd)
	return cmd
}

func (c *cli) tag(ctx context.Context, ref string, args []string, change tagChange) error {
	set, err := tags.New(args...)
	if err != nil {
		return outcome.Usage("", "%w", err)
	}
	return c.label(ctx, []string{ref}, func(s *opened, snap *snapshot.Snapshot) (labelling, error) {
		changed, err := change.change(snap.Tags, args...)
		if err == nil {
			err = checkLabels(snap, changed)
		}
		if err != nil || slices.Equal(changed, snap.Tags) {
			return labelling{told: fmt.Sprintf("Snapshot %s "+change.before, snap.ID.Short(), set)}, err
		}
		snap.Tags = changed
		return labelling{
			&snapshot.Note{Labels: &snapshot.Labels{Time: s.Now(), Tags: changed}},
			fmt.Sprintf("%s snapshot %s: it is tagged %s now", change.done, snap.ID.Short(), changed),
		}, nil
	})
}

// checkLabels refuses a change of tags that say what a snapshot is, unless it takes away a wrong one.
func checkLabels(s *snapshot.Snapshot, changed tags.Set) error {
	own := tags.Set{tags.Environment(s.Environment), tags.Database(s.Database), repo.PreRestoreTag}
	for _, tag := range own {
		if s.Tags.Has(tag) && !changed.Has(tag) {
			return config.OwnTag(tag)
		}
	}
	return config.CheckTags(changed.Remove(s.Tags...), s.Environment, s.Database)
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

		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.pin(cmd.Context(), args, pinned)
		},
	}
	c.addJSONFlag(cmd)
	return cmd
}

func (c *cli) pin(ctx context.Context, refs []string, pinned bool) error {
	word, before := "pinned", "pinned already"
	if !pinned {
		word, before = "not pinned", "not pinned"
	}
	return c.label(ctx, refs, func(s *opened, snap *snapshot.Snapshot) (labelling, error) {
		if snap.Pinned == pinned {
			return labelling{told: fmt.Sprintf("Snapshot %s is %s", snap.ID.Short(), before)}, nil
		}
		snap.Pinned = pinned
		return labelling{
			&snapshot.Note{Pin: &snapshot.Pin{Time: s.Now(), Pinned: pinned}},
			fmt.Sprintf("Snapshot %s of %s, %s, is %s now", snap.ID.Short(), snap.Environment, s.When(snap.Time), word),
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
func (c *cli) label(ctx context.Context, refs []string, change func(*opened, *snapshot.Snapshot) (labelling, error)) error {
	s, err := c.open(ctx, session.OpenOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	known, err := s.Catalog(ctx) // damage elsewhere keeps nobody from labelling what is there
	if err != nil {
		return err
	}
	var chosen []*snapshot.Snapshot
	for _, ref := range refs {
		snap, err := known.Find(known.All, ref, false)
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
			err = s.Repo.Note(ctx, *l.note)
		}
		if err != nil {
			return err
		}
		s.Done("%s", l.told)
		messages = append(messages, newSnapshotMessage(snap))
	}
	if s.json {
		return s.printJSON(messages)
	}
	return nil
}
