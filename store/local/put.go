package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"firn/store"
)

// Put writes name's file in the steps that [Store.write] explains.
func (s *Store) Put(ctx context.Context, name string, data []byte) error {
	err := s.check(ctx, name)
	if err == nil {
		err = s.write(name, data)
	}
	if IsFull(err) {
		err = fmt.Errorf("%w: %w", store.ErrNoSpace, err)
	}
	if err != nil {
		return fmt.Errorf("put %s into %s: %w", name, s.dir, err)
	}
	return nil
}

// write makes data appear under name in one step, and durably. Every step relies
// on the steps before it.
func (s *Store) write(name string, data []byte) error {
	// 1. Make the folders first: when the name appears, its path is already
	// durable.
	if err := s.makeFolder(path.Dir(name)); err != nil {
		return err
	}
	// 2. Write all bytes to the disk under a temporary name: if the final name
	// became durable before its bytes, a power cut would leave an empty or half
	// object.
	temporary, err := s.writeTemporary(data)
	if temporary != "" {
		// 5. Remove the temporary name, at the end and after any error. If the
		// removal fails, or the process dies before it, Clean removes the file
		// later.
		defer s.root.Remove(temporary)
	}
	if err != nil {
		return err
	}
	// 3. Give the final name: atomically, and never over an existing name.
	if err := s.publish(temporary, name); err != nil {
		return err
	}
	// 4. Sync the final name to the disk. The removal of the temporary one needs
	// no sync.
	return s.syncFolder(path.Dir(name))
}

// writeTemporary writes and syncs a new temporary file. If the file was made, its
// name is returned even with an error.
func (s *Store) writeTemporary(data []byte) (name string, err error) {
	// The temporary folder need not be durable, and another writer may make it.
	err = s.root.Mkdir(temporaryFolder, s.heir.folderMode())
	if err == nil {
		err = s.inheritOwner(temporaryFolder)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	name = path.Join(temporaryFolder, temporaryPrefix+rand.Text())
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return "", err
	}
	err = s.heir.file(f) // before there is anything in it
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr // network file systems report a full disk only here
	}
	return name, err
}

// publish gives the temporary file its final name, unless that name exists. A hard
// link does so in one step that never replaces a file. Some file systems (exFAT,
// some network mounts) have no hard links, and report that with many different
// errors. So after any error publish calls claim, which is as safe, and returns
// its result.
func (s *Store) publish(temporary, name string) error {
	err := s.link(temporary, name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return s.claim(temporary, name)
}

// claim publishes without hard links. A rename would replace an existing object,
// and another writer could create the object between a check and the rename. So
// the check and the rename happen under a claim, which is a file that only one
// writer can create. If that writer dies, the claim stays until [Store.Clean]
// removes it, and until then no other writer can put this name. That does no harm:
// names are random, and no other writer uses the same.
func (s *Store) claim(temporary, name string) error {
	s.claims.Lock() // makes the writers of this process wait for each other
	defer s.claims.Unlock()
	claim := path.Join(temporaryFolder, claimPrefix+strings.ReplaceAll(name, "/", "."))
	f, err := s.root.OpenFile(claim, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if errors.Is(err, fs.ErrExist) {
		// Hide fs.ErrExist, because the object itself may not exist.
		return fmt.Errorf("another process is writing it, or died in doing so: %v", err)
	}
	if err != nil {
		return err
	}
	defer s.root.Remove(claim) // after the rename, so that the next writer sees the object
	if err := errors.Join(s.heir.file(f), f.Close()); err != nil {
		return err
	}
	if _, err := s.root.Lstat(name); err == nil {
		return fs.ErrExist
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.root.Rename(temporary, name)
}
