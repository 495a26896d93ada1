package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"firn/answer"
	"firn/diff"
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
		Use:   "diff SNAPSHOT SNAPSHOT | [ENV] --at TIME --at TIME",
		Short: "Show what differs between two snapshots",
		Long: `Shows how the schema changed from one snapshot to another, and how many rows of
each table were added, removed and changed. Only the pages that differ are read.
The two snapshots may be of different environments.

Two rows are versions of the same row if they have the same rowid, or INTEGER PRIMARY
KEY; in tables WITHOUT ROWID, if SQLite takes their primary keys for equal. In tables
without an INTEGER PRIMARY KEY, VACUUM gives rows new rowids: then all of them differ.

Columns are compared by their names. A row has changed if a column shows another value.
A new column counts as its default in the older snapshot, and a dropped column is not
compared. A column is taken for renamed, which changes no row, if it stands in the
place of another and at least half of the rows (of the first 1,000) kept their values.

With --table, firn shows the rows: + marks an added row, - a removed row, and ~ a
changed row with the columns that changed. Values are SQL literals; a terminal shows
long values cut short. The exit code is 0 with and without differences.`,
		Example: `  firn diff 3f2a91c0 latest:production
  firn diff latest:production latest:demo --table users
  firn diff production --at 2026-11-21T14:00 --at 2026-11-21T14:05`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.diff(cmd.Context(), [2]string(args), o)
		},
	}
	cmd.Flags().StringVar(&o.table, "table", "", "show the rows of this `table` that differ")
	c.addJSONFlag(cmd)
	return cmd
}

// diff runs the command.
func (c *cli) diff(ctx context.Context, refs [2]string, o diffOptions) error {
	s, err := c.open(ctx, session.OpenOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	d := &diffRun{opened: s}
	if err := d.findBoth(ctx, refs); err != nil {
		return err
	}
	s.note("From %s to %s", d.describe(d.snapshots[diff.Before]), d.describe(d.snapshots[diff.After]))
	return d.run(ctx, o)
}

// diffRun is one run of diff.
type diffRun struct {
	*opened
	snapshots  [2]*snapshot.Snapshot
	comparison *diff.Comparison
}

// findBoth finds both snapshots. A snapshot of a stream is an error, since it has no rows.
func (d *diffRun) findBoth(ctx context.Context, refs [2]string) error {
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
func (d *diffRun) describe(s *snapshot.Snapshot) string {
	return fmt.Sprintf("%s (%s, %s)", s.ID.Short(), s.Environment, d.WhenTaken(s))
}

// run compares the snapshots and prints the differences.
func (d *diffRun) run(ctx context.Context, o diffOptions) (err error) {
	if d.comparison, err = diff.Open(ctx, d.Repo, d.snapshots[diff.Before], d.snapshots[diff.After]); err != nil {
		return err
	}
	message := answer.Diff{
		Type:     "summary",
		Before:   answer.NewSnapshot(d.snapshots[diff.Before]),
		After:    answer.NewSnapshot(d.snapshots[diff.After]),
		Settings: answer.NewSettings(d.comparison.Settings()),
		Schema:   answer.NewSchema(d.comparison.Schema()),
		Tables:   []answer.TableChange{},
	}
	if o.table != "" {
		return d.showTable(ctx, message, o.table)
	}
	tables, err := d.comparison.Count(ctx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		message.Tables = append(message.Tables, answer.NewTableChange(t))
	}
	return d.print(message)
}

// showTable prints the rows of one table that differ.
func (d *diffRun) showTable(ctx context.Context, message answer.Diff, name string) error {
	name, err := d.comparison.Name(name)
	if err != nil {
		return err
	}
	message.Settings = nil
	message.Schema = slices.DeleteFunc(message.Schema, func(s answer.SchemaChange) bool { return !strings.EqualFold(s.Table, name) })
	out := bufio.NewWriter(pager{d.stdout})
	if !d.json {
		printSchema(out, message)
	}
	counts, err := d.comparison.Rows(ctx, name, func(r diff.Row) error { return d.printRow(out, r) })
	if err != nil {
		return errors.Join(err, out.Flush())
	}
	message.Tables = append(message.Tables, answer.NewTableChange(counts))
	if d.json {
		return errors.Join(d.writeJSON(out, message), out.Flush())
	}
	if counts.Note != "" {
		d.warn("table %s: %s", diff.Identifier(name), counts.Note)
	}
	if !counts.Differs() && len(message.Schema) == 0 {
		d.note("No difference in table %s.", diff.Identifier(name))
	}
	return out.Flush()
}
