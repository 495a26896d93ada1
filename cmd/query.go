package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"firn/answer"
	"firn/outcome"
	"firn/session"
	"firn/snapshot"
	"firn/sqlite"
)

// queryOptions are the flags of query without --json.
type queryOptions struct {
	csv, noHeader bool
}

func newQuery(c *cli) *cobra.Command {
	var o queryOptions
	cmd := &cobra.Command{
		Use:   "query SNAPSHOT SQL | [ENV] SQL --at TIME",
		Short: "Ask a snapshot's database with SQL",
		Long: `Runs one SQL statement on the database of a snapshot, without restoring it. Only the
parts of the database that the statement needs are fetched, so a row of a large
database in a bucket comes at once. The statement cannot change anything. If
SQL is -, the statement is read from standard input.

The table is for people. It shortens blobs to x'0102..., 300 bytes, and shows NULL
without quotes. It quotes texts that look like NULL or a blob, or have control
characters. --csv (RFC 4180) and --json (one object for each row) print whole values,
with blobs in hexadecimal. In CSV, NULL is an empty field, and an empty text is "". If
the result has one column, both are "", since readers drop empty lines. In JSON, the
second of two columns with the same name has :1 behind its name, and bytes that are not
UTF-8 are replaced.`,
		Example: `  firn query latest:production "SELECT count(*) FROM users"
  firn query 2026-03-15T03 "SELECT * FROM posts WHERE id = 4711" --json
  firn query production "SELECT max(id) FROM posts" --at -10m
  firn query 3f2a91c0 - --csv < report.sql > report.csv`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return c.query(cmd.Context(), args[0], args[1], o) },
	}
	cmd.Flags().BoolVar(&o.csv, "csv", false, "print CSV")
	cmd.Flags().BoolVar(&o.noHeader, "no-header", false, "leave out the names of the columns")
	c.addJSONFlag(cmd)
	return cmd
}

// query runs the command.
func (c *cli) query(ctx context.Context, ref, sql string, o queryOptions) error {
	if o.csv && c.json {
		return outcome.Usage("", "--csv and --json cannot be used together")
	}
	sql, err := c.statement(ctx, sql)
	if err != nil {
		return err
	}
	s, err := c.open(ctx, session.OpenOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	known, err := s.Catalog(ctx)
	if err != nil {
		return err
	}
	snap, err := known.Find(known.All, ref, false)
	if err != nil {
		return err
	}
	if snap.IsStream() {
		return session.RefuseStream(snap)
	}
	err = s.querySnapshot(ctx, snap, sql, o)
	if errors.Is(err, sqlite.ErrReadOnly) {
		return outcome.Usage("Restore it into another file to change that: firn restore --target FILE.",
			"query %s: a snapshot cannot be changed: only statements that read can be run", snap.ID.Short())
	}
	if err != nil {
		err = fmt.Errorf("query %s: %w", snap.ID.Short(), err)
	}
	if outcome.IsDamagedDatabase(err) {
		return outcome.DamagedDatabase(snap.ID.Short(), err)
	}
	return err
}

// querySnapshot runs SQL on a snapshot and prints the rows.
func (s *opened) querySnapshot(ctx context.Context, snap *snapshot.Snapshot, sql string, o queryOptions) (err error) {
	v, err := s.OpenView(ctx, snap)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	w := bufio.NewWriter(pager{s.stdout})
	if o.csv {
		w = bufio.NewWriter(s.data())
	}
	r := s.newResult(w, o)
	if err := v.Query(sql, r.Head, r.Row); err != nil {
		return errors.Join(err, w.Flush()) // the rows before the error are right
	}
	return errors.Join(r.End(), w.Flush())
}

// newResult returns the printer of rows for the format of the flags.
func (s *opened) newResult(w *bufio.Writer, o queryOptions) answer.Rows {
	switch {
	case s.json:
		return &answer.JSONRows{W: w}
	case o.csv:
		return s.newCSV(w, o.noHeader)
	}
	return &tableResult{cli: s.cli, w: w, noHeader: o.noHeader}
}

// newCSV returns the printer of rows as CSV.
func (c *cli) newCSV(w *bufio.Writer, noHeader bool) answer.Rows {
	end := "\r\n"
	if isTerminal(c.stdout) {
		end = "\n" // a terminal moves the cursor itself
	}
	return &answer.CSVRows{W: w, NoHeader: noHeader, LineEnd: end}
}

// statement returns SQL from the command line, or for - from standard input.
func (c *cli) statement(ctx context.Context, sql string) (string, error) {
	if sql != "-" {
		return sql, nil
	}
	text, err := session.Await(ctx, func() ([]byte, error) { return io.ReadAll(c.stdin) })
	if err != nil {
		return "", fmt.Errorf("read SQL from standard input: %w", err)
	}
	return string(text), nil
}
