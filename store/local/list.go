package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"

	"firn/store"
	"firn/store/internal/files"
)

// List reads the folder that prefix leads to, and the folders below it that can
// hold matches. It skips entries whose names cannot be an object's. An entry
// that has an object's name but is neither file nor folder, such as a symbolic
// link, is an error, because it may hide objects.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		err := s.list(ctx, prefix, func(o store.Object) bool { return yield(o, nil) })
		if err != nil && err != errStopped {
			yield(store.Object{}, fmt.Errorf("list %q in %s: %w", prefix, s.dir, err))
		}
	}
}

// errStopped ends a listing whose caller has left the loop.
var errStopped = errors.New("local: listing stopped")

func (s *Store) list(ctx context.Context, prefix string, yield func(store.Object) bool) error {
	if err := store.CheckPrefix(prefix); err != nil {
		return err
	}
	if err := s.check(ctx); err != nil {
		return err
	}
	return s.walk(ctx, path.Dir(prefix+"x"), prefix, yield) // with the x, Dir of "a/" is "a", too
}

// walk yields the objects below folder whose names start with prefix.
func (s *Store) walk(ctx context.Context, folder, prefix string, yield func(store.Object) bool) error {
	entries, err := s.entries(folder, prefix)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch {
		case ctx.Err() != nil:
			err = ctx.Err()
		case e.Folder:
			err = s.walk(ctx, e.Name, prefix, yield)
		case !e.Regular:
			err = fmt.Errorf("%s: %w", e.Name, files.ErrNeither)
		case !yield(e.Object):
			err = errStopped
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// entries returns the entries of folder whose paths start with prefix, sorted
// so that a walk in this order yields whole names in order. A missing folder
// counts as empty.
func (s *Store) entries(folder, prefix string) ([]files.Entry, error) {
	sub, err := s.root.OpenRoot(folder + "/.") // with the dot, a pipe of that name is an error, not a wait
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer sub.Close() // it was only read
	bases, err := files.Settled(func() ([]string, error) { return readNames(sub) }, func(name string) string { return name })
	if err != nil {
		return nil, err
	}
	entries := make([]files.Entry, 0, len(bases))
	for _, base := range bases {
		name := path.Join(folder, base)
		if store.CheckName(base) != nil || !strings.HasPrefix(name, prefix) {
			continue // before the costlier look at the file itself
		}
		info, err := sub.Lstat(base)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted since the folder was read
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, files.NewEntry(name, info))
	}
	files.Sort(entries)
	return entries, nil
}

func readNames(folder *os.Root) ([]string, error) {
	f, err := folder.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close() // it was only read
	return f.Readdirnames(-1)
}
