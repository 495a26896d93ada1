// Package sftp keeps objects as files in a folder of another host, which it reaches by the SFTP subsystem of that host's
// ssh server. The connection is made by the user's own ssh program, see package ssh.
//
// The folder has the form that package local gives to a folder of this host: an object's name is its file's path, and a file
// that is being written lies in ".tmp". So the other host can use the same repository as a folder, at the same time.
//
// A connection that is lost is made anew, and what was asked for is asked again. No call waits without an end: see
// [firn/ssh.Options] for how long the other side may be silent.
package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/time/rate"

	"firn/ssh"
	"firn/store"
	"firn/store/internal/files"
)

// Options say how to reach a folder of another host.
type Options struct {
	Location Location
	SSH      ssh.Options

	UploadLimit, DownloadLimit int64 // bytes per second; zero for none

	// Patience is how long a call is repeated whose connection was lost; zero means 2 minutes. It is shorter before the
	// server has answered for the first time, and for what a person has to repair.
	Patience time.Duration

	// Warn is told once what the server lacks. It may be nil.
	Warn func(message string)
}

// Store is a [store.Store] in a folder of another host. Make one with [Open], and close it.
type Store struct {
	opts     Options
	up, down *rate.Limiter
	traffic  traffic
	told     sync.Once
	answered atomic.Bool // the server has answered a request

	connecting chan struct{} // holds one token while current and closed are in use
	current    *session      // may be nil
	closed     bool

	heir        atomic.Pointer[heir]   // owner of new files and folders; nil before the folder was looked at
	disk        atomic.Pointer[uint64] // of the folder, by the server's number; nil before the folder was looked at
	durable     sync.Map               // names of folders that are known to be there, with their entries in their parents on the disk
	claims      sync.Mutex             // held while a claim file exists: see claim
	noLinks     atomic.Bool            // the disk has no hard links
	syncsFolder atomic.Bool            // the server has synced a folder, so a failure to do so is an error

	mostNames int64 // bytes of the names in a folder
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Cleaner = (*Store)(nil)
	_ store.Creator = (*Store)(nil)
	_ store.Prober  = (*Store)(nil)
	_ store.Spacer  = (*Store)(nil)
	_ store.Counter = (*Store)(nil)
	_ io.Closer     = (*Store)(nil)
)

// Open prepares to use a folder. It sends no request: the first call connects.
func Open(opts Options) *Store {
	return &Store{
		opts: opts, up: newLimiter(opts.UploadLimit), down: newLimiter(opts.DownloadLimit), connecting: make(chan struct{}, 1), mostNames: mostNames,
	}
}

// traffic counts what was asked for. It is safe for concurrent use.
type traffic struct {
	lists, puts, gets, heads, deletes, others, sent, received atomic.Int64
}

// Traffic returns the number of requests and bytes so far, repeated requests included. A request for the names of a folder,
// or for the bytes of a file, counts once, though it takes several packets.
func (s *Store) Traffic() store.Traffic {
	t := &s.traffic
	return store.Traffic{
		Lists: t.lists.Load(), Puts: t.puts.Load(), Gets: t.gets.Load(), Heads: t.heads.Load(),
		Deletes: t.deletes.Load(), Others: t.others.Load(), Sent: t.sent.Load(), Received: t.received.Load(),
	}
}

// path returns the path of the file of name.
func (s *Store) path(name string) string { return s.opts.Location.join(name) }

// checkNames is called first by every method.
func checkNames(names ...string) error {
	for _, name := range names {
		if err := store.CheckName(name); err != nil {
			return err
		}
	}
	return nil
}

// Get reads a part of the file of name, by many requests at once.
func (s *Store) Get(ctx context.Context, name string, off, length int64) (data []byte, err error) {
	err = checkNames(name)
	if err == nil {
		err = s.call(ctx, func(n *session) error {
			data, err = s.read(n, name, off, length)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("get %s from %s: %w", name, s.opts.Location, explainAnswer(err))
	}
	return data, nil
}

// read takes two round trips: it opens the file while it asks for its size.
func (s *Store) read(n *session, name string, off, length int64) ([]byte, error) {
	s.traffic.gets.Add(1)
	var f *sftp.File
	var openErr error
	var opening sync.WaitGroup
	opening.Go(func() { f, openErr = n.client.Open(s.path(name)) })
	info, err := n.client.Lstat(s.path(name))
	opening.Wait()
	if openErr == nil {
		defer n.background(f.Close)
	}
	switch {
	case isAbsent(err):
		return nil, s.absent(n)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("not a file but %s: %w", info.Mode().Type(), fs.ErrNotExist)
	case isAbsent(openErr):
		return nil, s.absent(n) // it was deleted between the two requests
	case openErr != nil:
		return nil, openErr
	}
	from, to, err := store.Range(info.Size(), off, length)
	if err != nil {
		return nil, err
	}
	return n.readAt(f, from, to)
}

// readAt reads the bytes of a file. The size that it allocates is that of a file, which a hostile server can make up: the
// caller's length bounds it.
func (n *session) readAt(f *sftp.File, from, to int64) ([]byte, error) {
	if to-from > maxRead {
		return nil, store.ErrTooLarge
	}
	r := &reading{limit: n.pipe.names.Add(from-to) + (to - from) + moreThanFile, stop: n.pipe.Kill} // these bytes are no names
	n.pipe.readings.Store(r, nil)
	defer n.pipe.readings.Delete(r)
	data := make([]byte, to-from)
	got, err := f.ReadAt(data, from)
	switch {
	case err == io.EOF && got < len(data):
		return nil, io.ErrUnexpectedEOF // it shrank since
	case err != nil && err != io.EOF:
		return nil, err
	}
	return data, nil
}

const (
	// maxRead is the most that one call reads. The servers of other hosts are not trusted with sizes.
	maxRead = 1 << 30
	// moreThanFile is how many bytes may come beside those of a file while it is read: the names of folders, which others
	// read meanwhile. A server could answer without an end with pieces that have no bytes.
	moreThanFile = 256 << 20
)

// isAbsent reports whether the server says that there is no such file. Some servers say "failure" where a part of the path
// is a file; firn has no such paths.
func isAbsent(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// absent returns fs.ErrNotExist if an object is missing, and another error if the whole store is.
func (s *Store) absent(n *session) error {
	if err := s.checkRoot(n); err != nil {
		return err
	}
	return fs.ErrNotExist
}

// deleters is how many files are deleted at once.
const deleters = 16

// Delete removes the files of names.
func (s *Store) Delete(ctx context.Context, names ...string) error {
	err := checkNames(names...)
	if err == nil {
		err = s.call(ctx, func(n *session) error { return s.removeAll(ctx, n, names) })
	}
	if err != nil {
		return fmt.Errorf("delete from %s: %w", s.opts.Location, explainAnswer(err))
	}
	return nil
}

// removeAll removes files, and then makes that durable: without the fsync a deleted object could come back after a power
// cut, which would break the promise that no later listing shows it. One fsync for each folder is enough for all files in
// it. Empty folders stay, because another writer may be about to use them.
func (s *Store) removeAll(ctx context.Context, n *session, names []string) error {
	err := each(ctx, deleters, names, func(name string) error {
		if err := s.remove(n, name); err != nil {
			return fmt.Errorf("%s: %w", name, hidden(err))
		}
		return nil
	})
	if err != nil {
		return err
	}
	folders := make(map[string]bool)
	for _, name := range names {
		folders[path.Dir(name)] = true
	}
	var found atomic.Bool
	err = each(ctx, deleters, slices.Collect(maps.Keys(folders)), func(name string) error {
		f := n.openFolder(s, name)
		defer f.close()
		err := f.sync()
		if isAbsent(err) {
			return nil // so there was no file in it
		}
		found.Store(true)
		return err
	})
	if err == nil && len(names) > 0 && !found.Load() {
		return s.checkRoot(n)
	}
	return err
}

// remove removes the file of name. It looks at the kind first: the client would also remove empty folders and symbolic
// links, which are not objects.
func (s *Store) remove(n *session, name string) error {
	info, err := s.lstat(n, s.path(name))
	switch {
	case isAbsent(err):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return nil
	case !info.Mode().IsRegular():
		return files.ErrNeither
	}
	s.traffic.deletes.Add(1)
	err = n.client.Remove(s.path(name))
	if isAbsent(err) {
		return nil
	}
	if n.isAnswer(err) { // another host may have removed it: some servers answer "failure" then
		if _, gone := s.lstat(n, s.path(name)); isAbsent(gone) {
			return nil
		}
	}
	return err
}

// each calls a function for each of some names, for several at once. It ends early after an error, which it returns.
func each(ctx context.Context, most int, names []string, f func(name string) error) error {
	var working sync.WaitGroup
	var failed atomic.Pointer[error]
	slots := make(chan struct{}, most)
	for _, name := range names {
		slots <- struct{}{}
		if failed.Load() != nil || ctx.Err() != nil {
			break
		}
		working.Go(func() {
			defer func() { <-slots }()
			if err := f(name); err != nil {
				failed.CompareAndSwap(nil, &err)
			}
		})
	}
	working.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return ctx.Err()
}

// Space asks the server how much room is left.
func (s *Store) Space(ctx context.Context) (space store.Space, err error) {
	err = s.call(ctx, func(n *session) error {
		space, err = s.room(n)
		return err
	})
	if err != nil {
		return store.Space{}, fmt.Errorf("room of %s: %w", s.opts.Location, explainAnswer(hidden(err)))
	}
	return space, nil
}

func (s *Store) room(n *session) (store.Space, error) {
	if !n.statvfs {
		return store.Space{}, fmt.Errorf("the server has no %s: %w", statvfsExtension, errors.ErrUnsupported)
	}
	s.traffic.others.Add(1)
	v, err := n.client.StatVFS(s.opts.Location.Path)
	if err != nil {
		return store.Space{}, err
	}
	return store.Space{Free: int64(v.Bavail * v.Frsize), Total: int64(v.Blocks * v.Frsize)}, nil
}
