package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"firn/outcome"
	"firn/report"
	"firn/session"
	"firn/site"
	"firn/snapshot"
)

// dumpOptions are the flags of dump.
type dumpOptions struct {
	format, output string
}

func newDump(c *cli) *cobra.Command {
	var o dumpOptions
	cmd := &cobra.Command{
		Use:     "dump SNAPSHOT",
		Short:   "Write a snapshot's database to a file or standard output",
		GroupID: groupMain,
		Long: `Writes the database of a snapshot, as it was. SNAPSHOT is at least 4 digits of an
ID, latest, latest-verified, either with :ENV, or the beginning of a time:
2026-11-21, 2026-11-21T03. Every byte is verified, and no file is overwritten. The
formats:

  db    the database file. Unlike restore, dump does not look into it.
  zst   the same, compressed: "zstd -d" gives it back. Dumps of neighbouring
        snapshots differ only where the databases do, so that rsync sends little.
  sql   a script for sqlite3 that makes the database anew. It is readable, and
        free of what deleted rows left behind. For this the database is put into
        a file of TMPDIR for a while.`,
		Example: `  firn dump latest:production -o copy.db
  firn dump latest:production --format zst | ssh host 'cat > copy.db.zst'
  firn dump 3f2a91c0 --format sql | grep 'INSERT INTO "users"'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.dump(cmd.Context(), args[0], o) },
	}
	cmd.Flags().StringVar(&o.format, "format", "db", "`format`: db, zst or sql")
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "write to this new `file` (default: standard output)")
	return cmd
}

func (c *cli) dump(ctx context.Context, ref string, o dumpOptions) error {
	write := dumpFormats()[o.format]
	if write == nil {
		return outcome.Usage("", "--format %q: it is db, zst or sql", o.format)
	}
	if o.output == "" && isTerminal(c.stdout) {
		return outcome.Usage("Give -o FILE, or redirect standard output.", "a database is not written to a terminal")
	}
	if o.output != "" && !site.Missing(o.output) {
		return outcome.Failed("Choose another name, or move it away first.", "write %s: %w", o.output, fs.ErrExist)
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
	if o.output == "" {
		return write(s.Session, ctx, snap, c.data())
	}
	var need int64 // not known beforehand of the other formats
	if o.format == "db" {
		need = snap.Image().Size
	}
	return s.dumpFile(snap, o.output, need, func(w io.Writer) error { return write(s.Session, ctx, snap, w) })
}

// dumpFormat is a way to write a snapshot.
type dumpFormat func(*session.Session, context.Context, *snapshot.Snapshot, io.Writer) error

func dumpFormats() map[string]dumpFormat {
	return map[string]dumpFormat{
		"db":  (*session.Session).CopyImage,
		"zst": (*session.Session).CopyFrames,
		"sql": (*session.Session).CopySQL,
	}
}

// dumpFile makes the file under its name only once it is whole. It is the caller's, and nobody else can read it.
func (s *opened) dumpFile(snap *snapshot.Snapshot, path string, need int64, write func(io.Writer) error) (err error) {
	at, err := site.Reach(path)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, at.Close()) }()
	if err := at.RefuseForeign(); err != nil {
		return fmt.Errorf("write %w", err)
	}
	s.SweepSite(at, session.SweepIdle)
	s.RememberPlace(at.Path())
	// It must be on disk before the name is: a name of an unwritten file would survive a crash.
	temporary, err := site.Stage(at, need, func(f *os.File) error { return errors.Join(write(&site.WriteBehindFile{File: f}), f.Sync()) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, temporary.Remove()) }()
	if err := temporary.Publish(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	s.Done("Wrote %s: snapshot %s of %s, %s, %s", path, snap.ID.Short(), snap.Environment, s.When(snap.Time), report.Size(snap.Image().Size))
	return nil
}
