package sftp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"strings"
	"sync"

	"firn/store"
	"firn/store/internal/files"
)

// List reads the folder that prefix leads to, and the folders below it that can hold matches, several at once. It skips
// entries whose names cannot be an object's. An entry that has an object's name but is neither file nor folder, such as a
// symbolic link, is an error, because it may hide objects.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop() // ends what is read ahead when the loop ends early
		l := &listing{store: s, prefix: prefix, yield: yield, slots: make(chan struct{}, listers)}
		defer l.reading.Wait()
		defer stop()
		if err := l.run(ctx); err != nil && err != errStopped {
			yield(store.Object{}, fmt.Errorf("list %q in %s: %w", prefix, s.opts.Location, explainAnswer(err)))
		}
	}
}

// listers is how many folders are read at once: a folder takes eight round trips.
const listers = 16

// errStopped ends a listing whose caller has left the loop.
var errStopped = errors.New("sftp: listing stopped")

// listing is one loop over a listing.
type listing struct {
	store   *Store
	prefix  string
	yield   func(store.Object, error) bool
	slots   chan struct{}
	reading sync.WaitGroup
}

func (l *listing) run(ctx context.Context) error {
	if err := store.CheckPrefix(l.prefix); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.walk(ctx, l.begin(ctx, path.Dir(l.prefix+"x"))) // with the x, Dir of "a/" is "a", too
}

// pending are the entries of a folder that is being read.
type pending struct {
	entries []files.Entry
	err     error
	done    chan struct{} // is closed when they are there
}

// begin begins to read a folder.
func (l *listing) begin(ctx context.Context, folder string) *pending {
	p := &pending{done: make(chan struct{})}
	l.reading.Go(func() {
		defer close(p.done)
		select {
		case l.slots <- struct{}{}:
			defer func() { <-l.slots }()
			p.entries, p.err = l.store.entries(ctx, folder, l.prefix)
		case <-ctx.Done():
			p.err = ctx.Err()
		}
	})
	return p
}

// walk yields the objects below a folder. All folders in it are read while the first of them are yielded.
func (l *listing) walk(ctx context.Context, folder *pending) error {
	<-folder.done
	if folder.err != nil {
		return folder.err
	}
	below := make(map[string]*pending)
	for _, e := range folder.entries {
		if e.Folder {
			below[e.Name] = l.begin(ctx, e.Name)
		}
	}
	for _, e := range folder.entries {
		err := ctx.Err()
		switch {
		case err != nil:
		case e.Folder:
			err = l.walk(ctx, below[e.Name])
		case !e.Regular:
			err = fmt.Errorf("%s: %w", e.Name, files.ErrNeither)
		case !l.yield(e.Object, nil):
			err = errStopped
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// entries returns the entries of folder whose paths start with prefix, sorted so that a walk in this order yields whole
// names in order. A missing folder counts as empty.
func (s *Store) entries(ctx context.Context, folder, prefix string) (entries []files.Entry, err error) {
	err = s.call(ctx, func(n *session) error {
		infos, err := s.settled(ctx, n, folder)
		if isAbsent(err) {
			return s.checkRoot(n)
		}
		if err == nil && len(infos) == 0 && folder == "." {
			err = s.checkRoot(n)
		}
		entries = entriesOf(infos, folder, prefix)
		return err
	})
	return entries, err
}

func entriesOf(infos []fs.FileInfo, folder, prefix string) []files.Entry {
	entries := make([]files.Entry, 0, len(infos))
	for _, info := range infos {
		name := path.Join(folder, info.Name())
		if store.CheckName(info.Name()) == nil && strings.HasPrefix(name, prefix) {
			entries = append(entries, files.NewEntry(name, info))
		}
	}
	files.Sort(entries)
	return entries
}

var (
	errTwice   = fmt.Errorf("%w: it names a file twice", store.ErrAnswer)
	errEndless = fmt.Errorf("%w: the names in a folder do not end", store.ErrAnswer)
)

// settled reads a folder until two readings in a row show the same names, since a server reads a large folder piece by piece.
func (s *Store) settled(ctx context.Context, n *session, dir string) ([]fs.FileInfo, error) {
	infos, err := files.Settled(func() ([]fs.FileInfo, error) { return s.readFolder(ctx, n, dir) }, fs.FileInfo.Name)
	if err != nil {
		return nil, err
	}
	return infos, twice(infos)
}

func sameName(a, b fs.FileInfo) bool { return a.Name() == b.Name() }

// twice returns an error if a name of an object comes twice.
func twice(infos []fs.FileInfo) error {
	for i := range infos {
		if i > 0 && sameName(infos[i], infos[i-1]) && store.CheckName(infos[i].Name()) == nil {
			return errTwice
		}
	}
	return nil
}

// mostNames is how many bytes of names and attributes a folder may have: about half a million names.
const mostNames = 128 << 20

// readFolder reads the names of a folder once.
func (s *Store) readFolder(outer context.Context, n *session, folder string) ([]fs.FileInfo, error) {
	ctx, stop := context.WithCancel(outer)
	defer stop()
	r := &reading{limit: n.pipe.names.Load() + s.mostNames, stop: stop}
	n.pipe.readings.Store(r, nil)
	defer n.pipe.readings.Delete(r)
	s.traffic.lists.Add(1)
	infos, err := n.client.ReadDirContext(ctx, s.path(folder))
	if ctx.Err() != nil && outer.Err() == nil {
		return nil, errEndless
	}
	return infos, err
}
