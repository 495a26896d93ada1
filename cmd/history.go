package cmd

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"firn/diff"
	"firn/history"
	"firn/outcome"
	"firn/rows"
	"firn/session"
	"firn/snapshot"
)

// historyOptions are the flags of history.
type historyOptions struct {
	period
	table, by string
	csv       bool
}

func newHistory(c *cli) *cobra.Command {
	var o historyOptions
	cmd := &cobra.Command{
		Use:   "history ENV TABLE KEY... | ENV --table TABLE",
		Short: "Show what happened to a row or a table, snapshot by snapshot",
		Long: `Shows every version of a row that the snapshots hold: = as the oldest snapshot has it,
+ when it appeared, ~ the columns that changed, - when it went, and ? where it cannot be
told. Deleted rows are found, too. Of a snapshot, only the pages are read that lead to the
row, and only if they may differ from those of the next one.

KEY is the primary key, with a value for each of its columns in their order, or as
COLUMN=VALUE. A table without one goes by its rowid, which SQLite may give to another row,
and VACUUM may change. --by names a unique column, or rowid. A value is converted as SQLite
converts a text that is stored in the column. In a column without a type, write it as in
SQL: 4711, x'00ff', or 'text' for a text that looks like one of these. -- stands before a
key that begins with -.

With --table, firn shows how many rows of a table were added, changed and removed from
snapshot to snapshot, and how its definition changed: "firn diff" explains how rows are
compared, and shows them.

Columns are compared by their names: + and - before a column mark one that the table has
got or lost, as by a renaming. Pre-restore snapshots count. The exit code is 1 if no snapshot
has the row, and 13 if a snapshot is damaged: the history is that of the others.`,
		Example: `  firn history production users 4711
  firn history production users ann@example.org --by email --since 2d
  firn history production --table users --until 2026-11-21`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: c.completeEnvironment,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(c, cmd, args); err != nil {
				return err
			}
			return c.history(cmd.Context(), args, o)
		},
	}
	cmd.Flags().StringVar(&o.table, "table", "", "show what happened to this whole `table`")
	cmd.Flags().StringVar(&o.by, "by", "", "the unique `column`, or rowid, that KEY is a value of")
	o.addFlags(c, cmd)
	cmd.Flags().BoolVar(&o.csv, "csv", false, "print CSV")
	c.addJSONFlag(cmd)
	return cmd
}

// check checks that the arguments name either a row or a table.
func (o historyOptions) check(c *cli, cmd *cobra.Command, args []string) error {
	switch {
	case o.csv && c.json:
		return outcome.Usage("", "--csv and --json cannot be used together")
	case o.table != "" && (len(args) > 1 || o.by != ""):
		return outcome.Usage("Usage: "+cmd.UseLine(), "--table shows a whole table: it takes no key")
	case o.table == "" && len(args) < 3:
		return outcome.Usage("Usage: "+cmd.UseLine(), "the key of a row is missing, or --table")
	}
	return nil
}

// history runs the command.
func (c *cli) history(ctx context.Context, args []string, o historyOptions) error {
	s, err := c.open(ctx, session.OpenOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	list, damage, err := o.choose(ctx, s, args[0])
	if err != nil {
		return err
	}
	out := bufio.NewWriter(pager{s.stdout})
	if o.csv {
		out = bufio.NewWriter(s.data())
	}
	if o.table != "" {
		return cmp.Or(s.tableHistory(ctx, out, list, o), damage)
	}
	return cmp.Or(s.rowHistory(ctx, out, list, args[1], rows.Key{By: o.by, Words: args[2:]}, o), damage)
}

// rowHistory prints the history of a row.
func (s *opened) rowHistory(ctx context.Context, out *bufio.Writer, list []*snapshot.Snapshot, table string, key rows.Key, o historyOptions) error {
	h, err := history.OfRow(ctx, s.Repo, list, table, key)
	if err != nil {
		return err
	}
	p := &versionPrinter{s, out}
	show := p.lines
	switch {
	case s.json:
		show = p.json
	case o.csv:
		show = p.csv
	}
	if err := errors.Join(show(h), out.Flush()); err != nil {
		return err
	}
	return cmp.Or(s.leftOut(h.Skipped), s.absent(h))
}

// absent returns the error for a row that no snapshot has, nil if one has it.
func (s *opened) absent(h *history.Row) error {
	if slices.ContainsFunc(h.Events, func(e history.Event) bool { return e.Row != nil }) {
		return nil
	}
	hint := ""
	for _, e := range h.Events {
		hint = "It cannot be told of some snapshots: " + diff.Printable(e.Reason) + "."
	}
	return outcome.Failed(hint, "no row of table %s has the key %s in %s", diff.Identifier(h.Table), h.Key, s.span(h.Snapshots))
}

// tableHistory prints the history of a table.
func (s *opened) tableHistory(ctx context.Context, out *bufio.Writer, list []*snapshot.Snapshot, o historyOptions) error {
	p := s.newTablePrinter(out, o.csv)
	if err := p.head(); err != nil {
		return err
	}
	h, err := history.OfTable(ctx, s.Repo, list, o.table, p.event)
	if err != nil {
		return errors.Join(err, out.Flush()) // the events before the error are right
	}
	if err := errors.Join(p.end(h), out.Flush()); err != nil {
		return err
	}
	if !s.json && p.events == 0 {
		s.note("Nothing happened to table %s in %s.", diff.Identifier(h.Table), s.span(list))
	}
	return s.leftOut(h.Skipped)
}

// noteRow tells how the history of a row was found.
func (s *opened) noteRow(h *history.Row) {
	if h.ByRowID {
		s.note("A rowid is no key: SQLite may have given it to another row, and VACUUM may have changed it.")
	}
	s.note("%s; read %d of them.", s.span(h.Snapshots), h.Asked)
}

// when returns the time and the ID of a snapshot for a line.
func (s *opened) when(snap *snapshot.Snapshot) string {
	return fmt.Sprintf("%s %s", s.WhenTaken(snap), snap.ID.Short())
}
