package sftp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"
	"sync"

	"firn/store"
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
	entries []entry
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
		if e.folder {
			below[e.Name] = l.begin(ctx, e.Name)
		}
	}
	for _, e := range folder.entries {
		err := ctx.Err()
		switch {
		case err != nil:
		case e.folder:
			err = l.walk(ctx, below[e.Name])
		case !e.regular:
			err = fmt.Errorf("%s: %w", e.Name, errNeither)
		case !l.yield(e.Object, nil):
			err = errStopped
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// entry is a file or folder whose name can be an object's. Name is its whole path.
type entry struct {
	store.Object
	folder, regular bool
}

// entries returns the entries of folder whose paths start with prefix, sorted so that a walk in this order yields whole
// names in order. A missing folder counts as empty.
func (s *Store) entries(ctx context.Context, folder, prefix string) (entries []entry, err error) {
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

func entriesOf(infos []fs.FileInfo, folder, prefix string) []entry {
	entries := make([]entry, 0, len(infos))
	for _, info := range infos {
		name := path.Join(folder, info.Name())
		if store.CheckName(info.Name()) == nil && strings.HasPrefix(name, prefix) {
			entries = append(entries, newEntry(name, info))
		}
	}
	slices.SortFunc(entries, entry.compare)
	return entries
}

// mostReadings is how often the names of a folder are read until two readings agree.
const mostReadings = 100

var (
	errUnsettled = errors.New("the folder changes all the time")
	errTwice     = fmt.Errorf("%w: it names a file twice", store.ErrAnswer)
	errEndless   = fmt.Errorf("%w: the names in a folder do not end", store.ErrAnswer)
)

// settled reads a folder until two readings in a row show the same names, as package local does, and for the same reason:
// a server reads a large folder piece by piece. Names that two readings show were all there between the two.
func (s *Store) settled(ctx context.Context, n *session, folder string) ([]fs.FileInfo, error) {
	var before []fs.FileInfo
	for i := range mostReadings {
		infos, err := s.readFolder(ctx, n, folder)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(infos, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
		if i > 0 && slices.EqualFunc(infos, before, sameName) {
			return infos, twice(infos)
		}
		before = infos
	}
	return nil, errUnsettled
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

func newEntry(name string, info fs.FileInfo) entry {
	return entry{
		Object:  store.Object{Name: name, Size: info.Size(), Time: info.ModTime()},
		folder:  info.IsDir(),
		regular: info.Mode().IsRegular(),
	}
}

// compare sorts a folder like the names in it, all of which continue with a slash: "a-b" comes before "a/b", though "a"
// comes before "a-b".
func (e entry) compare(o entry) int {
	return strings.Compare(e.sortKey(), o.sortKey())
}

func (e entry) sortKey() string {
	if e.folder {
		return e.Name + "/"
	}
	return e.Name
}
