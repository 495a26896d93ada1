package sftp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/pkg/sftp"

	"firn/ssh"
	"firn/store"
)

// session is one connection to the server.
type session struct {
	pipe   *pipe
	client *sftp.Client

	fsync, hardlink, statvfs bool // extensions that the server has
}

// The extensions of OpenSSH's server that firn uses, if they are there.
const (
	fsyncExtension    = "fsync@openssh.com"
	hardlinkExtension = "hardlink@openssh.com"
	statvfsExtension  = "statvfs@openssh.com"
)

// session returns the connection, and makes one if there is none. Calls that come meanwhile wait for it.
func (s *Store) session(ctx context.Context) (*session, error) {
	select {
	case s.connecting <- struct{}{}:
		defer func() { <-s.connecting }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.closed {
		return nil, errClosed
	}
	if n := s.current; n != nil && !n.isBroken() {
		return n, nil
	}
	s.hangUp()
	n, err := s.connect(ctx)
	if err != nil {
		return nil, lost{err}
	}
	s.current = n
	s.tellMissing(n)
	return n, nil
}

var errClosed = errors.New("the store is closed")

// connect runs ssh and greets the server.
func (s *Store) connect(ctx context.Context) (*session, error) {
	conn, err := ssh.Subsystem(s.opts.Location.Host, "sftp", s.opts.SSH)
	if err != nil {
		return nil, err
	}
	n := &session{pipe: &pipe{Conn: conn, traffic: &s.traffic, up: s.up, down: s.down}}
	err = n.await(ctx, func() (err error) {
		n.client, err = sftp.NewClientPipe(bufio.NewReaderSize(n.pipe, 64<<10), n.pipe, sftp.UseConcurrentWrites(true))
		return err
	})
	if err != nil {
		err = n.explain(err)
		n.kill()
		return nil, err
	}
	s.answered.Store(true)
	n.fsync, n.hardlink, n.statvfs = n.has(fsyncExtension), n.has(hardlinkExtension), n.has(statvfsExtension)
	return n, nil
}

func (n *session) has(extension string) bool {
	_, ok := n.client.HasExtension(extension)
	return ok
}

// tellMissing warns of promises that the server cannot keep.
func (s *Store) tellMissing(n *session) {
	if n.fsync || s.opts.Warn == nil {
		return
	}
	s.told.Do(func() {
		s.opts.Warn(fmt.Sprintf("the SFTP server of %s has no %s: after a power cut there, the newest objects may be gone or damaged. \"firn check\" tells", s.opts.Location.Host, fsyncExtension))
	})
}

// hangUp gives up the current connection. The caller holds connecting.
func (s *Store) hangUp() {
	if s.current != nil {
		s.current.kill()
		s.current = nil
	}
}

// Close ends the connection. The store must not be used afterwards, but Close may be called again.
func (s *Store) Close() error {
	s.connecting <- struct{}{}
	defer func() { <-s.connecting }()
	s.closed = true
	n := s.current
	s.current = nil
	if n == nil {
		return nil
	}
	if n.isBroken() {
		n.kill()
		return nil
	}
	err := n.pipe.Close()
	_ = n.client.Close() // it waits for the goroutine that reads
	return err
}

// kill ends ssh at once, and waits for all that uses the connection.
func (n *session) kill() {
	n.pipe.broken.Store(true)
	n.pipe.Kill()
	_ = n.pipe.Close()
	if n.client != nil {
		_ = n.client.Close()
	}
}

func (n *session) isBroken() bool { return n.pipe.broken.Load() }

// grace is how long a call may go on after its context was cancelled. Most calls end sooner, and then the connection can
// still be used.
const grace = time.Second

// await calls a function that uses the connection. The connection is killed if the other side is silent for too long, or
// the context is cancelled and the function does not end. So no call hangs, and the function has ended when await returns.
func (n *session) await(ctx context.Context, f func() error) error {
	ended, late := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			close(late)
		case <-ended:
		}
	})
	defer stop()
	defer close(ended)
	return n.pipe.Await(late, f)
}

// background asks for something whose answer no call waits for. It ends with the connection at the latest.
func (n *session) background(f func() error) {
	go func() { _ = f() }()
}

// isAnswer reports whether an error is the answer of the server to a request.
func (n *session) isAnswer(err error) bool { return err != nil && !n.isBroken() }

// explain returns the error of a connection that is of no use any more. It keeps only the text of the cause, which may
// match fs.ErrNotExist or io.ErrUnexpectedEOF: these have another meaning in a [store.Store].
func (n *session) explain(err error) error {
	if errors.Is(err, ssh.ErrChatter) {
		return err
	}
	return n.pipe.Explain(errors.New(err.Error()))
}

// isPersons reports whether a person has to repair what an error tells of, because another try meets the same.
func isPersons(err error) bool {
	for _, e := range []error{ssh.ErrNoProgram, ssh.ErrHostKey, ssh.ErrUnknownHost, ssh.ErrLogin, ssh.ErrNoCommand, ssh.ErrChatter} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// checkRoot returns an error unless the folder of the store is there, and on the disk on which it was before. A folder that is
// missing, or under which no disk is mounted any more, must not look like a store without objects, so the error does not match
// fs.ErrNotExist.
func (s *Store) checkRoot(n *session) error {
	info, err := s.stat(n, s.opts.Location.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s", store.ErrFolder, s.opts.Location.Path)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%w: %s is not a folder", store.ErrFolder, s.opts.Location.Path)
	}
	if err := s.checkDisk(n); err != nil {
		return err
	}
	s.heir.Store(heirOf(info))
	return nil
}

// checkDisk returns an error if the folder is on another disk than before. The protocol shows no numbers of folders, but
// OpenSSH's shows those of disks.
func (s *Store) checkDisk(n *session) error {
	if !n.statvfs {
		return nil
	}
	v, err := n.client.StatVFS(s.opts.Location.Path)
	if err != nil {
		return n.unlessAnswer(err)
	}
	if before := s.disk.Swap(&v.Fsid); before != nil && *before != v.Fsid {
		s.disk.Store(before)
		return fmt.Errorf("%w: another disk has taken the place of the one of %s, is it mounted?", store.ErrFolder, s.opts.Location.Path)
	}
	return nil
}

// knowRoot looks at the folder of the store before anything is made in it, once.
func (s *Store) knowRoot(n *session) error {
	if s.heir.Load() != nil {
		return nil
	}
	return s.checkRoot(n)
}

// stat follows symbolic links, which the path of the store may have.
func (s *Store) stat(n *session, p string) (fs.FileInfo, error) {
	s.traffic.heads.Add(1)
	return n.client.Stat(path.Clean(p))
}

// lstat looks at what a name stands for itself.
func (s *Store) lstat(n *session, p string) (fs.FileInfo, error) {
	s.traffic.heads.Add(1)
	return n.client.Lstat(p)
}
