package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

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
2026-11-21, 2026-11-21T03.

Unlike restore, dump does not look into the database; it writes what was stored,
and every byte of it is verified. It never overwrites a file.`,
		Example: `  firn dump latest:production -o copy.db
  firn dump 3f2a91c0 | zstd > copy.db.zst`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.dump(cmd.Context(), args[0], o) },
	}
	cmd.Flags().StringVar(&o.format, "format", "db", "`format`: db, the database file")
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "write to this new `file` (default: standard output)")
	return cmd
}

func (c *cli) dump(ctx context.Context, ref string, o dumpOptions) error {
	if o.format != "db" {
		return usage("", "--format %q: this version of firn knows db only", o.format)
	}
	if o.output == "" && isTerminal(c.stdout) {
		return usage("Give -o FILE, or redirect standard output.", "a database is not written to a terminal")
	}
	if o.output != "" && !missing(o.output) {
		return failed("Remove it first, or choose another name.", "write %s: %w", o.output, fs.ErrExist)
	}
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	list, err := s.repo.Snapshots(ctx)
	if list == nil && err != nil {
		return err
	}
	snap, err := s.find(list, ref, false)
	if err != nil {
		return err
	}
	if o.output == "" {
		return s.copyImage(ctx, snap, c.stdout)
	}
	return s.dumpFile(ctx, snap, o.output)
}

// find finds the snapshot that the user means. Whoever says latest, or a time,
// does not mean what a restore has put aside, unless that is asked for.
func (c *cli) find(list []*snapshot.Snapshot, ref string, withPreRestore bool) (*snapshot.Snapshot, error) {
	verified := strings.HasPrefix(ref, snapshot.LatestVerified)
	if _, err := findByID(list, ref); err == nil || withPreRestore && !verified {
		return snapshot.Find(list, ref, c.zone)
	}
	return snapshot.Find(ofBackups(list), ref, c.zone)
}

// ofBackups leaves out what restores have put aside.
func ofBackups(list []*snapshot.Snapshot) []*snapshot.Snapshot {
	return slices.DeleteFunc(slices.Clone(list), preRestore)
}

// copyImage writes a snapshot's image.
func (s *session) copyImage(ctx context.Context, snap *snapshot.Snapshot, w io.Writer) error {
	image, err := s.repo.Image(ctx, snap)
	if err != nil {
		return err
	}
	b := s.progress("read "+snap.ID.Short(), image.Size())
	defer b.done()
	return image.Copy(ctx, &countingWriter{w: w, progress: b.set})
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

// dumpFile makes the file under its name only once it is whole.
func (s *session) dumpFile(ctx context.Context, snap *snapshot.Snapshot, path string) (err error) {
	temporary, err := s.stage(ctx, snap, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeFile(temporary)) }()
	if err := os.Link(temporary, path); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write %s: %w", path, fs.ErrExist)
	} else if err != nil { // no hard links here: look, then rename
		if !missing(path) {
			return fmt.Errorf("write %s: %w", path, fs.ErrExist)
		}
		if err := os.Rename(temporary, path); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	s.done("Wrote %s: snapshot %s of %s, %s, %s", path, snap.ID.Short(), snap.Environment, s.when(snap.Time), size(snap.Image().Size))
	return nil
}

// stagePrefix begins the names of private files beside a target.
const stagePrefix = ".firn-"

// stageName begins the names of private files beside one target.
func stageName(target string) string {
	return stagePrefix + strings.TrimPrefix(filepath.Base(target), ".")
}

// stage writes a snapshot's image to a private file beside the target, on the
// same disk, and returns its path. The caller removes it. With an error there is
// no file.
func (s *session) stage(ctx context.Context, snap *snapshot.Snapshot, target string) (path string, err error) {
	dir := filepath.Dir(target)
	if err := needSpace(dir, snap.Image().Size); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, stageName(target)+"-*") // with mode 0600
	if err != nil {
		return "", fmt.Errorf("write beside %s: %w", target, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeFile(f.Name()))
		}
	}()
	copied := s.copyImage(ctx, snap, f)
	if err := errors.Join(copied, f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("write beside %s: %w", target, err)
	}
	return f.Name(), nil
}

// removeFile removes a file that may be gone already.
func removeFile(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
