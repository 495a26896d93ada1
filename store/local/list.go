package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"

	"firn/store"
)

// List reads the folder that prefix leads to and those below it that can hold
// matches. It skips what cannot be an object by its name; what can be one by
// its name and is neither file nor folder, say a symbolic link, is an error,
// because there is no telling what it hides.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		err := s.list(ctx, prefix, func(o store.Object) bool { return yield(o, nil) })
		if err != nil && err != errStopped {
			yield(store.Object{}, fmt.Errorf("list %q in %s: %w", prefix, s.dir, err))
		}
	}
}

// errStopped ends a listing whose reader wants no more.
var errStopped = errors.New("local: listing stopped")

func (s *Store) list(ctx context.Context, prefix string, yield func(store.Object) bool) error {
	if err := store.CheckPrefix(prefix); err != nil {
		return err
	}
	if err := s.check(ctx); err != nil {
		return err
	}
	return s.walk(ctx, path.Dir(prefix+"x"), prefix, yield) // x: a last slash makes a folder, too
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
		case e.folder:
			err = s.walk(ctx, e.Name, prefix, yield)
		case !e.regular:
			err = fmt.Errorf("%s: %w", e.Name, errNeither)
		case !yield(e.Object):
			err = errStopped
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// entry is a file or folder with a possible name. Name is its whole path.
type entry struct {
	store.Object
	folder, regular bool
}

// entries returns what stands in folder and starts with prefix, sorted so that
// a walk in this order is sorted by whole names. A missing folder is empty.
func (s *Store) entries(folder, prefix string) ([]entry, error) {
	sub, err := s.root.OpenRoot(folder + "/.") // the dot keeps a pipe of that name from being waited for
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer sub.Close() // it was only read
	bases, err := readNames(sub)
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, len(bases))
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
		entries = append(entries, newEntry(name, info))
	}
	slices.SortFunc(entries, entry.compare)
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

func newEntry(name string, info fs.FileInfo) entry {
	return entry{
		Object:  store.Object{Name: name, Size: info.Size(), Time: info.ModTime()},
		folder:  info.IsDir(),
		regular: info.Mode().IsRegular(),
	}
}

// compare orders a folder as the names in it, which all go on with a slash:
// "a-b" comes before "a/b", though "a" comes before "a-b".
func (e entry) compare(o entry) int {
	return strings.Compare(e.sortKey(), o.sortKey())
}

func (e entry) sortKey() string {
	if e.folder {
		return e.Name + "/"
	}
	return e.Name
}
