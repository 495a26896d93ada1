package cmd

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"firn/answer"
	"firn/diff"
	"firn/history"
	"firn/outcome"
	"firn/session"
)

// findOptions are the flags of find.
type findOptions struct {
	period
	linear bool
}

func newFind(c *cli) *cobra.Command {
	var o findOptions
	cmd := &cobra.Command{
		Use:   "find ENV SQL",
		Short: "Find the first snapshot where a condition is true",
		Long: `Finds the first snapshot of an environment where a condition in SQL is true, and the
snapshot before it, where it is not. firn asks few snapshots, by bisection: so the
condition must have become true once, and must be true in the newest snapshot. --linear
asks all snapshots, for a condition that comes and goes, and shows each change.

The condition is one statement that only reads. Its first row has one number: any but 0
is true. NULL, and no row, are false. If SQL is -, the statement is read from standard input.

A snapshot on which the statement fails, for instance because a table is missing, cannot be
asked. That is no error, unless it is the newest one. Pre-restore snapshots count.
The exit code is 1 if the condition is not true in the newest snapshot, or with --linear in
none, and 13 if a snapshot on the way is damaged: the answer is that of the others.`,
		Example: `  firn find production "SELECT count(*) < 100 FROM users"
  firn find production "SELECT total < 0 FROM accounts WHERE id = 7" --since 2d
  firn find production "SELECT max(n) > 1000 FROM queue" --linear`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: c.completeEnvironment,
		RunE:              func(cmd *cobra.Command, args []string) error { return c.find(cmd.Context(), args[0], args[1], o) },
	}
	cmd.Flags().BoolVar(&o.linear, "linear", false, "ask all snapshots, and show each change")
	o.addFlags(c, cmd)
	c.addJSONFlag(cmd)
	return cmd
}

// find runs the command.
func (c *cli) find(ctx context.Context, environment, sql string, o findOptions) error {
	sql, err := c.statement(ctx, sql)
	if err != nil {
		return err
	}
	s, err := c.open(ctx, session.OpenOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	list, damage, err := o.choose(ctx, s, environment)
	if err != nil {
		return err
	}
	look := history.First
	if o.linear {
		look = history.Changes
	}
	found, err := look(ctx, s.Repo, list, sql)
	if err != nil {
		return fmt.Errorf("find in %s: %w", s.span(list), err)
	}
	show := s.printFirst
	switch {
	case s.json:
		show = s.printFound
	case o.linear:
		show = s.printChanges
	}
	if err := show(found); err != nil {
		return err
	}
	return cmp.Or(s.leftOut(found.Skipped), damage, s.nowhere(found))
}

// nowhere returns the error for a condition that is true in no snapshot, nil if it is in one.
func (s *opened) nowhere(f *history.Found) error {
	if f.First != nil {
		return nil
	}
	return outcome.Failed("", "the condition is true in none of %s", s.span(f.Snapshots))
}

// printFirst prints the first snapshot where the condition is true, and the one before.
func (s *opened) printFirst(f *history.Found) error {
	if f.First == nil {
		return nil
	}
	text := "true since " + s.when(f.First.Snapshot)
	if f.Before == nil {
		text += ", the oldest snapshot"
	}
	text += "\n"
	if b := f.Before; b != nil {
		text += fmt.Sprintf("%s until %s", b.Truth, s.when(b.Snapshot))
		if b.Reason != "" {
			text += ": " + diff.Printable(b.Reason)
		}
		text += "\n"
	}
	_, err := io.WriteString(s.stdout, text)
	s.note("Asked %d of %s.", f.Asked, s.span(f.Snapshots))
	return err
}

// printChanges prints each change of the answer.
func (s *opened) printChanges(f *history.Found) error {
	for _, a := range f.Changes {
		if _, err := fmt.Fprintf(s.stdout, "%s %s\n", s.when(a.Snapshot), a); err != nil {
			return err
		}
	}
	s.note("Asked %d of %s.", f.Asked, s.span(f.Snapshots))
	return nil
}

// printFound prints what was found in JSON.
func (s *opened) printFound(f *history.Found) error { return s.printJSON(answer.NewFound(f)) }
