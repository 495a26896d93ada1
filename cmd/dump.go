package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"firn/snapshot"
	"firn/sqlite"
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
		return usage("", "--format %q: it is db, zst or sql", o.format)
	}
	if o.output == "" && isTerminal(c.stdout) {
		return usage("Give -o FILE, or redirect standard output.", "a database is not written to a terminal")
	}
	if o.output != "" && !missing(o.output) {
		return failed("Choose another name, or move it away first.", "write %s: %w", o.output, fs.ErrExist)
	}
	s, err := c.open(ctx, openOptions{})
	if err != nil {
		return err
	}
	defer s.close()
	known, err := s.catalog(ctx)
	if err != nil {
		return err
	}
	snap, err := known.find(known.all, ref, false)
	if err != nil {
		return err
	}
	if o.output == "" {
		return write(s.session, ctx, snap, c.data())
	}
	var need int64 // of the others nobody knows it beforehand
	if o.format == "db" {
		need = snap.Image().Size
	}
	return s.dumpFile(snap, o.output, need, func(w io.Writer) error { return write(s.session, ctx, snap, w) })
}

// dumpFormat is a way to write a snapshot.
type dumpFormat func(*session, context.Context, *snapshot.Snapshot, io.Writer) error

func dumpFormats() map[string]dumpFormat {
	return map[string]dumpFormat{
		"db":  (*session).copyImage,
		"zst": (*session).copyFrames,
		"sql": (*session).copySQL,
	}
}

// ofBackups leaves out what restores have put aside.
func ofBackups(list []*snapshot.Snapshot) []*snapshot.Snapshot {
	return slices.DeleteFunc(slices.Clone(list), preRestore)
}

// copyImage writes a snapshot's image.
func (s *session) copyImage(ctx context.Context, snap *snapshot.Snapshot, w io.Writer) error {
	image, err := s.repo.OpenImage(ctx, snap)
	if err != nil {
		return err
	}
	b := s.progress("read "+snap.ID.Short(), image.Size())
	defer b.done()
	return image.Copy(ctx, &countingWriter{w: w, progress: b.set})
}

// copyFrames writes it as a zstd stream.
func (s *session) copyFrames(ctx context.Context, snap *snapshot.Snapshot, w io.Writer) error {
	image, err := s.repo.OpenImage(ctx, snap)
	if err != nil {
		return err
	}
	b := s.progress("read "+snap.ID.Short(), image.Size())
	defer b.done()
	return image.CopyFrames(ctx, w, b.set)
}

// copySQL writes it as a script. SQLite reads files, so there is one for a while.
func (s *session) copySQL(ctx context.Context, snap *snapshot.Snapshot, w io.Writer) (err error) {
	if err := needSpace(os.TempDir(), snap.Image().Size); err != nil {
		return failed("Make room there, or set TMPDIR to a folder with more.", "%w", err)
	}
	s.sweep(os.TempDir(), sweepIdle)
	image, err := stageApart("", "dump.db", snap.Image().Size, func(f *os.File) error { return s.copyImage(ctx, snap, f) })
	if err != nil {
		return fmt.Errorf("write database into %s: %w", os.TempDir(), err)
	}
	defer func() { err = errors.Join(err, image.remove()) }()
	b := s.progress("write SQL", snap.Image().Size) // about as long, usually
	defer b.done()
	err = image.at(func(path string) error { return sqlite.DumpSQL(ctx, path, &countingWriter{w: w, progress: b.set}) })
	if errors.Is(err, sqlite.ErrCorrupt) {
		return newProblem(fmt.Errorf("database of snapshot %s is not sound, the script does nothing: %w", snap.ID.Short(), err), exitDamage,
			"The database was so when it was backed up. --format db writes it as it is.")
	}
	if err != nil {
		return fmt.Errorf("write snapshot %s as SQL: %w", snap.ID.Short(), err)
	}
	return nil
}

// countingWriter tells how many bytes went through it.
type countingWriter struct {
	w        io.Writer
	n        int64
	progress func(int64)
}

// Write writes to w.
func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	c.progress(c.n)
	return n, err
}

// dumpFile makes the file under its name only once it is whole. It is the caller's, and nobody else can read it.
func (s *opened) dumpFile(snap *snapshot.Snapshot, path string, need int64, write func(io.Writer) error) (err error) {
	at, err := reachSite(path)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, at.close()) }()
	if err := at.refuseForeign(); err != nil {
		return fmt.Errorf("write %w", err)
	}
	s.sweepSite(at, sweepIdle)
	s.rememberPlace(at.path())
	// It must be on disk before the name is: a name of an unwritten file would survive a crash.
	temporary, err := stage(at, need, func(f *os.File) error { return errors.Join(write(&aheadFile{File: f}), f.Sync()) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, temporary.remove()) }()
	if err := temporary.publish(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	s.done("Wrote %s: snapshot %s of %s, %s, %s", path, snap.ID.Short(), snap.Environment, s.when(snap.Time), size(snap.Image().Size))
	return nil
}

// publish gives the file the name of its site, unless something has it.
func (i *stagedImage) publish() error {
	return i.site.at(func(path string) error { return publishFile(i.path, path) })
}
