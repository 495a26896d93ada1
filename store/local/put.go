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
	if isFull(err) {
		err = fmt.Errorf("%w: %w", store.ErrNoSpace, err)
	}
	if err != nil {
		return fmt.Errorf("put %s into %s: %w", name, s.dir, err)
	}
	return nil
}

// write makes data appear under name at once, and durably. Every step relies on
// those before it.
func (s *Store) write(name string, data []byte) error {
	// 1. The folders first: when the name appears, the way to it is durable.
	if err := s.makeFolder(path.Dir(name)); err != nil {
		return err
	}
	// 2. All bytes reach the disk under a temporary name: a name that became
	// durable before its bytes would be an empty or half object after a power cut.
	temporary, err := s.writeTemporary(data)
	if temporary != "" {
		// 5. In the end, and after any error, the temporary name is not needed.
		// If this fails, or never comes to pass, Clean makes up for it.
		defer s.root.Remove(temporary)
	}
	if err != nil {
		return err
	}
	// 3. The final name: atomic, and refused if the name exists.
	if err := s.publish(temporary, name); err != nil {
		return err
	}
	// 4. The final name reaches the disk. The temporary one need not leave it.
	return s.syncFolder(path.Dir(name))
}

// writeTemporary writes and syncs a new temporary file. It returns its name
// even with an error, if there is such a file.
func (s *Store) writeTemporary(data []byte) (name string, err error) {
	// The folder's own durability does not matter, nor who makes it.
	err = s.root.Mkdir(temporaryFolder, s.heir.folderMode())
	if err == nil {
		err = s.bequeath(temporaryFolder)
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
		err = closeErr // network file systems tell of a full disk only here
	}
	return name, err
}

// publish gives the temporary file its final name, unless that exists. A hard
// link does it in one step that never replaces a file. Not every file system
// has them (exFAT, some network mounts), and these say so with many different
// errors: whatever went wrong, the other way is as safe, and has the last word.
func (s *Store) publish(temporary, name string) error {
	err := s.link(temporary, name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return s.claim(temporary, name)
}

// claim publishes without hard links. A rename would replace an existing
// object, and another writer could create one between a check and the rename.
// So check and rename happen under a claim, a file that only one writer can
// create. If the writer dies, the claim stays until [Store.Clean] removes it,
// and until then nobody else can put this name: names are random and not used
// again, so nobody wants to.
func (s *Store) claim(temporary, name string) error {
	s.claims.Lock() // so that this process's own writers wait for each other
	defer s.claims.Unlock()
	claim := path.Join(temporaryFolder, claimPrefix+strings.ReplaceAll(name, "/", "."))
	f, err := s.root.OpenFile(claim, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if errors.Is(err, fs.ErrExist) {
		// Hide fs.ErrExist: the object itself need not exist.
		return fmt.Errorf("another process is writing it, or died in doing so: %v", err)
	}
	if err != nil {
		return err
	}
	defer s.root.Remove(claim) // after the rename, so that the next sees the object
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
