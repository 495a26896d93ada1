package sftp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/pkg/sftp"

	"firn/store"
)

// Put writes name's file in the steps that [put.try] explains.
func (s *Store) Put(ctx context.Context, name string, data []byte) error {
	err := checkNames(name)
	if err == nil {
		p := &put{store: s, name: name, data: data}
		err = s.call(ctx, p.try)
	}
	if err != nil {
		return fmt.Errorf("put %s into %s: %w", name, s.opts.Location, explainAnswer(err))
	}
	return nil
}

// put is one Put, which may take several connections.
type put struct {
	store     *Store
	name      string
	data      []byte
	temporary string // the name of the file with all bytes, which are on the disk; "" before
	left      string // the name of a file that was begun on a lost connection
	asked     bool   // a request for the final name was sent: its answer may be lost
	renaming  bool   // that request was for a rename, which takes the temporary name away
	claimed   bool   // a request for the claim was sent
	published bool   // the name is there, but perhaps not on the disk
}

// try makes the bytes appear under the name in one step, and durably. Every step relies on the steps before it. The client
// waits for the answer of each request, so a step takes a round trip: 1. open, 2. write and set the mode, 3. sync, 4. link,
// 5. sync the folder and remove the temporary name. The requests of one step are under way at once, and so is what can be
// done early: a folder that this store does not know yet is made during the first three steps.
func (p *put) try(n *session) error {
	p.store.traffic.puts.Add(1)
	if !p.published {
		if err := p.prepare(n); err != nil {
			return p.giveUp(n, err)
		}
	}
	folder := n.openFolder(p.store, path.Dir(p.name))
	defer folder.close()
	if !p.published {
		if err := p.publish(n); err != nil {
			return p.giveUp(n, err)
		}
		p.published = true
	}
	var removing sync.WaitGroup
	removing.Go(func() { p.removeTemporary(n) })
	defer removing.Wait()
	return hidden(folder.sync()) // the removal of the temporary name needs no sync
}

// giveUp removes the temporary file after an error, unless the file is needed for another try.
func (p *put) giveUp(n *session, err error) error {
	if n.isAnswer(err) {
		p.removeTemporary(n)
	}
	return err
}

// removeTemporary removes the temporary names. If that fails, or the process dies before it, Clean removes the files later.
func (p *put) removeTemporary(n *session) {
	for _, name := range []string{p.temporary, p.left} {
		if name != "" {
			_ = n.client.Remove(p.store.path(name))
		}
	}
}

// prepare writes the temporary file and makes the folder of the name. When the name appears, both are durable.
func (p *put) prepare(n *session) error {
	if err := p.store.knowRoot(n); err != nil {
		return err
	}
	var making sync.WaitGroup
	var makeErr, writeErr error
	making.Go(func() { makeErr = p.store.needFolder(n, path.Dir(p.name)) })
	if p.temporary == "" {
		writeErr = p.write(n)
	}
	making.Wait()
	return errors.Join(writeErr, hidden(makeErr))
}

// write writes and syncs a new temporary file: if the final name became durable before its bytes, a power cut would leave an
// empty or half object.
func (p *put) write(n *session) error {
	name := path.Join(temporaryFolder, temporaryPrefix+rand.Text())
	f, err := p.store.create(n, name)
	if n.isAnswer(err) {
		return p.store.explainWrite(n, hidden(err), len(p.data))
	}
	if err != nil {
		return err
	}
	err = p.fill(n, f)
	if err == nil && n.fsync {
		err = f.Sync()
		n.background(f.Close) // what a full disk has to say, the sync has said
	} else {
		err = errors.Join(err, f.Close()) // a server without sync may report a full disk only here
	}
	if err == nil {
		p.temporary = name
		return nil
	}
	p.left = name
	if !n.isAnswer(err) {
		return err
	}
	return p.store.explainWrite(n, hidden(err), len(p.data)) // before the removal makes room
}

// fill writes the bytes, by many requests at once, and gives the file its mode and owner meanwhile.
func (p *put) fill(n *session, f *sftp.File) error {
	var giving sync.WaitGroup
	var giveErr error
	giving.Go(func() { giveErr = p.store.give(n, f) })
	var err error
	if len(p.data) > 0 {
		_, err = f.WriteAt(p.data, 0)
	}
	giving.Wait()
	return errors.Join(err, giveErr)
}

// create makes a new file. The folder for temporary files need not be durable.
func (s *Store) create(n *session, name string) (*sftp.File, error) {
	open := func() (*sftp.File, error) {
		return n.client.OpenFile(s.path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	}
	f, err := open()
	if !n.isAnswer(err) || errors.Is(err, fs.ErrPermission) {
		return f, err
	}
	if err := s.checkRoot(n); err != nil {
		return nil, err
	}
	err = s.mkdir(n, s.path(temporaryFolder)) // perhaps it is missing: servers do not agree on the code for that
	if err != nil {
		return nil, err
	}
	return open()
}

// explainWrite says that there is no room if that is the reason of an error: most servers have no code for it.
func (s *Store) explainWrite(n *session, err error, size int) error {
	if code(err) != codeFailure {
		return err
	}
	if n.statvfs {
		v, statErr := n.client.StatVFS(s.opts.Location.Path)
		if statErr == nil && (v.Bavail*v.Frsize < uint64(size) || v.Files > 0 && v.Favail == 0) {
			return fmt.Errorf("%w: %w", store.ErrNoSpace, err)
		}
	}
	return fmt.Errorf("the server does not say why, is a quota used up? %w", err)
}

// publish gives the temporary file its final name, unless that name exists. A hard link does so in one step that never
// replaces a file. Servers and disks without hard links say so with many codes. So after any other answer publish calls
// claim, which is as safe, and returns its result.
func (p *put) publish(n *session) error {
	s, again := p.store, p.asked
	p.asked = true
	var err error
	if links := n.hardlink && !s.noLinks.Load(); links {
		if err = n.client.Link(s.path(p.temporary), s.path(p.name)); !n.isAnswer(err) {
			return err
		}
	}
	ours, lookErr := p.look(n, again)
	switch {
	case ours || lookErr != nil:
		return lookErr
	case errors.Is(err, fs.ErrPermission):
		return err
	case isAbsent(err):
		s.durable.Clear() // the folder was removed, or the temporary file was
		return hidden(err)
	}
	return p.claim(n, again)
}

// look returns fs.ErrExist if another writer has put the object. If this put has, by a request whose answer was lost, it
// says so.
func (p *put) look(n *session, again bool) (ours bool, err error) {
	_, err = p.store.lstat(n, p.store.path(p.name))
	switch {
	case isAbsent(err):
		return false, nil
	case err != nil:
		return false, err
	case again && p.isOurs(n):
		return true, nil
	}
	return false, fs.ErrExist
}

// isOurs reports whether the object is the temporary file by another name. The protocol shows no numbers of files, so it
// changes the mode of the temporary file and looks whether the object's has changed with it. The owner's right to execute,
// which it adds, would do no harm if it stayed.
func (p *put) isOurs(n *session) bool {
	s := p.store
	mode := s.heir.Load().fileMode()
	err := n.client.Chmod(s.path(p.temporary), mode|0o100)
	if isAbsent(err) {
		return p.renaming
	}
	if err != nil {
		return false
	}
	info, err := s.lstat(n, s.path(p.name))
	_ = n.client.Chmod(s.path(p.temporary), mode)
	return err == nil && info.Mode().Perm() == mode|0o100
}

// claim publishes without hard links. OpenSSH's server then looks whether the name is free before it renames, and another
// writer could create the object in between. So the look and the rename happen under a claim, which is a file that only one
// writer can create. Package local keeps to the same claims. If that writer dies, the claim stays until [Store.Clean]
// removes it, and until then no other writer can put this name. That does no harm: names are random, and no other writer
// uses the same.
func (p *put) claim(n *session, again bool) error {
	s := p.store
	s.claims.Lock() // makes the writers of this process wait for each other
	defer s.claims.Unlock()
	claim := s.path(path.Join(temporaryFolder, claimPrefix+strings.ReplaceAll(p.name, "/", ".")))
	if err := p.take(n, claim); err != nil {
		return err
	}
	// After the rename, so that the next writer sees the object.
	defer func() { _ = n.client.Remove(claim) }()
	if ours, err := p.look(n, again); ours || err != nil {
		return err
	}
	p.renaming = true
	err := n.client.Rename(s.path(p.temporary), s.path(p.name))
	if n.isAnswer(err) {
		if _, lookErr := p.look(n, false); lookErr != nil {
			return lookErr
		}
	}
	if err == nil {
		s.noLinks.Store(true) // saves the question the next time
	}
	return err
}

// take creates the claim. After a lost answer, a claim that is there is this put's own.
func (p *put) take(n *session, claim string) error {
	f, err := n.client.OpenFile(claim, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err == nil {
		p.claimed = true
		return errors.Join(p.store.give(n, f), f.Close())
	}
	if !n.isAnswer(err) {
		p.claimed = true // perhaps
		return err
	}
	if _, missing := p.store.lstat(n, claim); missing != nil {
		return hidden(err)
	}
	if p.claimed {
		return nil
	}
	return fmt.Errorf("another process is writing it, or died in doing so: %v", err)
}
