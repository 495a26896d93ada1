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
	format, output, from string
}

func newDump(c *cli) *cobra.Command {
	var o dumpOptions
	cmd := &cobra.Command{
		Use:   "dump SNAPSHOT | [ENV] --at TIME | --from DATABASE",
		Short: "Write a snapshot's database to a file or standard output",
		Long: `Writes the database of a snapshot, as it was. SNAPSHOT is at least 4 digits of an
ID, latest, latest-verified, either with :ENV, or the beginning of a time:
2026-11-21, 2026-11-21T03. Every byte is verified, and no file is overwritten. The
formats:

  db    the database file. Unlike restore, dump does not check it.
  zst   the same, compressed: "zstd -d" gives it back. Dumps of neighbouring
        snapshots differ only where the databases do, so rsync sends little.
  sql   a script for sqlite3 that makes the database anew. People can read it,
        and it has no remains of deleted rows. While dump writes it, a file in
        TMPDIR holds the database.

With --from, dump writes a consistent copy of a database as it is now, while applications
use it: a file of this host, or a database on another one that is reached by ssh. No
repository is needed.`,
		Example: `  firn dump production --at 2026-11-21T14:03:07 -o before.db
  firn dump latest:production --format zst | ssh host 'cat > copy.db.zst'
  firn dump 3f2a91c0 --format sql | grep 'INSERT INTO "users"'
  firn dump --from ssh://app@db1/srv/app/production.db -o copy.db`,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.from != "" {
				return cobra.NoArgs(cmd, args)
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.from != "" {
				return c.dumpLive(cmd.Context(), o)
			}
			return c.dump(cmd.Context(), args[0], o)
		},
	}
	cmd.Flags().StringVar(&o.format, "format", "db", "`format`: db, zst or sql")
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "write to this new `file` (default: standard output)")
	cmd.Flags().StringVar(&o.from, "from", "", "`database` to copy as it is now: a file, or ssh://user@host/path")
	return cmd
}

// dump runs the command for a snapshot.
func (c *cli) dump(ctx context.Context, ref string, o dumpOptions) error {
	write := dumpFormats()[o.format]
	if write == nil {
		return outcome.Usage("", "--format %q: it is db, zst or sql", o.format)
	}
	if err := c.checkOutput(o); err != nil {
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
	if o.output == "" {
		return write(s.Session, ctx, snap, c.data())
	}
	var need int64 // the other formats have sizes that are not known beforehand
	if o.format == "db" {
		need = snap.Image().Size
	}
	return s.dumpFile(snap, o.output, need, func(w io.Writer) error { return write(s.Session, ctx, snap, w) })
}

// checkOutput refuses to write a database to a terminal or over a file.
func (c *cli) checkOutput(o dumpOptions) error {
	if o.output == "" && isTerminal(c.stdout) {
		return outcome.Usage("Give -o FILE, or redirect standard output.", "a database is not written to a terminal")
	}
	if o.output != "" && !site.Missing(o.output) {
		return outcome.Failed("Choose another name, or move it away first.", "write %s: %w", o.output, fs.ErrExist)
	}
	return nil
}

// dumpLive runs the command for a database as it is now.
func (c *cli) dumpLive(ctx context.Context, o dumpOptions) error {
	if o.format != "db" {
		return outcome.Usage("", "--from writes a database file: --format %s is for snapshots", o.format)
	}
	if err := c.checkOutput(o); err != nil {
		return err
	}
	conf, err := c.program.LoadConfig()
	if err != nil {
		return err
	}
	s := &opened{c, c.program.Without(conf)}
	defer s.CloseHosts()
	if o.output == "" {
		_, err := s.CopyLive(ctx, o.from, c.data())
		return err
	}
	var size int64
	return s.writeDump(o.output, 0, func(w io.Writer) (err error) {
		size, err = s.CopyLive(ctx, o.from, w)
		return err
	}, func() { s.Done("Wrote %s: %s as it is now, %s", o.output, o.from, report.Size(size)) })
}

// dumpFormat writes a snapshot in one format.
type dumpFormat func(*session.Session, context.Context, *snapshot.Snapshot, io.Writer) error

// dumpFormats returns the formats by their names.
func dumpFormats() map[string]dumpFormat {
	return map[string]dumpFormat{
		"db":  (*session.Session).CopyImage,
		"zst": (*session.Session).CopyFrames,
		"sql": (*session.Session).CopySQL,
	}
}

// dumpFile writes a snapshot to a file.
func (s *opened) dumpFile(snap *snapshot.Snapshot, path string, need int64, write func(io.Writer) error) error {
	return s.writeDump(path, need, write, func() {
		s.Done("Wrote %s: snapshot %s of %s, %s, %s", path, snap.ID.Short(), snap.Environment, s.WhenTaken(snap), report.Size(snap.Image().Size))
	})
}

// writeDump writes a file and gives it its name when it is complete. The file belongs to the user of this process, and no other
// user can read it.
func (s *opened) writeDump(path string, need int64, write func(io.Writer) error, done func()) (err error) {
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
	// The data must be on the disk before the name: in a crash, the name of an incomplete file would survive.
	temporary, err := site.Stage(at, need, func(f *os.File) error { return errors.Join(write(&site.WriteBehindFile{File: f}), f.Sync()) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, temporary.Remove()) }()
	if err := temporary.Publish(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	done()
	return nil
}
