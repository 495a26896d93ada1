package sftp

import (
	"context"
	"fmt"
	"path"

	"github.com/pkg/sftp"
)

// needFolder makes the folder of that name below the root, unless this store knows that it is there.
func (s *Store) needFolder(n *session, name string) error {
	if _, known := s.durable.Load(name); known || name == "." {
		return nil
	}
	if err := s.checkRoot(n); err != nil {
		return err
	}
	return s.makeFolder(n, name)
}

// makeFolder makes the folder of that name below the root, and the folders above it, and makes them durable. It also syncs
// each existing folder once in the life of the store: the writer that made the folder may have died before its fsync.
func (s *Store) makeFolder(n *session, name string) error {
	if _, known := s.durable.Load(name); known || name == "." {
		return nil
	}
	if err := s.makeFolder(n, path.Dir(name)); err != nil {
		return err
	}
	err := s.mkdir(n, s.path(name))
	if isAbsent(err) {
		s.durable.Clear() // folders were removed
		return s.absent(n)
	}
	if err != nil {
		return err
	}
	if err := s.syncFolder(n, path.Dir(name)); err != nil {
		return err
	}
	s.durable.Store(name, true)
	return nil
}

// syncFolder makes the names in a folder below the root durable.
func (s *Store) syncFolder(n *session, name string) error {
	f := n.openFolder(s, name)
	defer f.close()
	return f.sync()
}

// Create makes the folder of the store, and the missing folders above it, for this user alone and durably.
func (s *Store) Create(ctx context.Context) error {
	err := s.call(ctx, func(n *session) error {
		if err := s.createAll(n, s.opts.Location.Path); err != nil {
			return err
		}
		return s.checkRoot(n)
	})
	if err != nil {
		return fmt.Errorf("make the folder %s: %w", s.opts.Location, explainAnswer(hidden(err)))
	}
	return nil
}

// createAll makes a folder, and then the folders above it if they are missing.
func (s *Store) createAll(n *session, p string) error {
	if info, err := s.stat(n, p); err == nil && info.IsDir() {
		return nil
	}
	parent := path.Dir(p)
	if parent != p && parent != "." {
		if err := s.createAll(n, parent); err != nil {
			return err
		}
	}
	if err := s.mkdir(n, p); err != nil {
		return err
	}
	f := n.open(s, parent)
	defer f.close()
	return f.sync()
}

// folder is a folder that is being opened, to be synced.
type folder struct {
	store   *Store
	session *session
	opened  chan struct{} // is closed when file and err are set; nil for a server that cannot sync
	file    *sftp.File
	err     error
}

// openFolder begins to open a folder below the root. The caller closes it.
func (n *session) openFolder(s *Store, name string) *folder { return n.open(s, s.path(name)) }

func (n *session) open(s *Store, p string) *folder {
	f := &folder{store: s, session: n}
	if !n.fsync {
		return f
	}
	f.opened = make(chan struct{})
	go func() {
		f.file, f.err = n.client.Open(p)
		close(f.opened)
	}()
	return f
}

// sync makes the names in the folder durable. Some servers open no folders, and some disks refuse to sync them, which no
// code tells from an error of the disk. So a refusal is an error only of a server that has synced a folder before.
func (f *folder) sync() error {
	if f.opened == nil {
		return nil
	}
	<-f.opened
	if isAbsent(f.err) {
		return f.err
	}
	err := f.err
	if err == nil {
		f.store.traffic.others.Add(1)
		err = f.file.Sync()
	}
	if err == nil {
		f.store.syncsFolder.Store(true)
	} else if f.session.isAnswer(err) && !f.store.syncsFolder.Load() {
		return nil
	}
	return err
}

// close lets go of the folder. Its answer is of no interest: the folder was only read.
func (f *folder) close() {
	if f.opened == nil {
		return
	}
	go func() {
		if <-f.opened; f.err == nil {
			_ = f.file.Close()
		}
	}()
}
