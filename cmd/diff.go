package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"firn/btree"
	"firn/outcome"
	"firn/repo"
	"firn/session"
	"firn/snapshot"
)

// diffOptions are the flags of diff.
type diffOptions struct {
	table string
}

func newDiff(c *cli) *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:     "diff SNAPSHOT SNAPSHOT",
		Short:   "Show what differs between two snapshots",
		GroupID: groupMain,
		Long: `Shows how the schema changed from one snapshot to another, and how many rows of
each table were added, removed and changed. Only what differs is read. SNAPSHOT is
as for dump, and the two may be of different environments.

Rows are the same row if they have the same rowid, or INTEGER PRIMARY KEY; in tables
WITHOUT ROWID, the same primary key. A row has changed if one of its values has, as
it is stored: a new column with its default, or a new definition, changes no row.
Where VACUUM renumbers rows, in tables that have neither, all of them differ.

With --table, the rows themselves are shown: + is added, - removed, ~ changed, and
of changed ones the columns that did. Values are SQL literals, long ones cut short
on a terminal. The exit code is 0 whether there are differences or not.`,
		Example: `  firn diff 3f2a91c0 latest:production
  firn diff latest:production latest:demo --table users`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.diff(cmd.Context(), [2]string(args), o)
		},
	}
	cmd.Flags().StringVar(&o.table, "table", "", "show the rows of this `table` that differ")
	c.addJSONFlag(cmd)
	return cmd
}

func (c *cli) diff(ctx context.Context, refs [2]string, o diffOptions) error {
	s, err := c.open(ctx, session.OpenOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	d := &diff{opened: s}
	if err := d.findBoth(ctx, refs); err != nil {
		return err
	}
	s.note("From %s to %s", d.describe(d.snapshots[before]), d.describe(d.snapshots[after]))
	if err := d.run(ctx, o); err != nil {
		err = fmt.Errorf("compare snapshots %s and %s: %w", d.snapshots[before].ID.Short(), d.snapshots[after].ID.Short(), err)
		if errors.Is(err, btree.ErrFormat) {
			return outcome.Failed("The database itself was damaged when the snapshot was taken. Look for an earlier one that is sound.", "%w", err)
		}
		return err
	}
	return nil
}

// The sides of a comparison.
const (
	before = 0
	after  = 1
)

// diff is two snapshots that are compared.
type diff struct {
	*opened
	snapshots [2]*snapshot.Snapshot
	images    [2]*repo.ImageReader
	files     [2]*btree.File
	pair      *btree.Pair
	schemas   [2][]btree.Object
}

// findBoth finds the snapshots.
func (d *diff) findBoth(ctx context.Context, refs [2]string) error {
	known, err := d.Catalog(ctx)
	if err != nil {
		return err
	}
	for side, ref := range refs {
		if d.snapshots[side], err = known.Find(known.All, ref, false); err != nil {
			return err
		}
		if d.snapshots[side].IsStream() {
			return session.RefuseStream(d.snapshots[side])
		}
	}
	return nil
}

// describe names a snapshot for people.
func (d *diff) describe(s *snapshot.Snapshot) string {
	return fmt.Sprintf("%s (%s, %s)", s.ID.Short(), s.Environment, d.When(s.Time))
}

// run compares, and prints what was found.
func (d *diff) run(ctx context.Context, o diffOptions) error {
	if err := d.load(ctx); err != nil {
		return err
	}
	tables := pairTables(d.schemas)
	message := diffMessage{
		Type:     "summary",
		Before:   newSnapshotMessage(d.snapshots[before]),
		After:    newSnapshotMessage(d.snapshots[after]),
		Settings: d.settings(),
		Schema:   schemaChanges(d.schemas),
		Tables:   []tableMessage{},
	}
	if o.table != "" {
		return d.showTable(ctx, message, tables, o.table)
	}
	for _, t := range tables {
		counts, err := d.compareTable(ctx, t, nil)
		if err != nil {
			return err
		}
		if counts.differs() {
			message.Tables = append(message.Tables, counts)
		}
	}
	return d.print(message)
}

// load opens both images and finds the pages that differ.
func (d *diff) load(ctx context.Context) (err error) {
	for side, snap := range d.snapshots {
		if d.images[side], err = d.Repo.OpenImage(ctx, snap); err != nil {
			return err
		}
		image := d.images[side]
		if d.files[side], err = btree.Open(image.At(ctx), image.Size()); err != nil {
			return fmt.Errorf("snapshot %s: %w", snap.ID.Short(), err)
		}
	}
	differing := d.images[before].Differing(d.images[after])
	if d.pair, err = btree.NewPair(d.files[before], d.files[after], differing); err != nil {
		return err
	}
	for side, file := range d.files {
		if d.schemas[side], err = file.Schema(); err != nil {
			return fmt.Errorf("snapshot %s: %w", d.snapshots[side].ID.Short(), err)
		}
	}
	return nil
}

// showTable prints the rows of one table that differ.
func (d *diff) showTable(ctx context.Context, message diffMessage, tables []tablePair, name string) error {
	i := slices.IndexFunc(tables, func(t tablePair) bool { return strings.EqualFold(t.name, name) })
	if i < 0 {
		return noTable(tables, name)
	}
	t := tables[i]
	message.Settings = nil
	message.Schema = slices.DeleteFunc(message.Schema, func(s schemaMessage) bool { return !strings.EqualFold(s.Table, t.name) })
	out := bufio.NewWriter(d.stdout)
	if !d.json {
		printSchema(out, message)
	}
	counts, err := d.compareTable(ctx, t, func(r rowChange) error { return d.printRow(out, r) })
	if err != nil {
		return errors.Join(err, out.Flush())
	}
	message.Tables = append(message.Tables, counts)
	if d.json {
		return errors.Join(d.writeJSON(out, message), out.Flush())
	}
	if counts.Note != "" {
		d.warn("table %s: %s", identifier(t.name), counts.Note)
	}
	if !counts.differs() && len(message.Schema) == 0 {
		d.note("No difference in table %s.", identifier(t.name))
	}
	return out.Flush()
}

// noTable says which tables there are.
func noTable(tables []tablePair, name string) error {
	var names, shadows []string
	for _, t := range tables {
		names = append(names, identifier(t.name))
		if strings.EqualFold(t.shadowOf, name) {
			shadows = append(shadows, identifier(t.name))
		}
	}
	if len(shadows) > 0 {
		return outcome.Failed("Its rows are in: "+strings.Join(shadows, ", ")+".", "table %q is virtual", name)
	}
	return outcome.Failed("There are: "+strings.Join(names, ", ")+".", "table %q: neither snapshot has it", name)
}
