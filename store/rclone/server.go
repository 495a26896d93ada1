package rclone

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"firn/scratch"
	"firn/store"
	"firn/store/s3"
)

const (
	// readyWait is how long rclone may take until it listens. It connects to the remote before.
	readyWait = time.Minute
	// endWait is how long rclone may take to end.
	endWait = 5 * time.Second
	// look is the time between two looks for the socket.
	look = 5 * time.Millisecond
)

// server is an "rclone serve s3" that listens on a socket in a private folder: no other user reaches it, and no other program
// can take its place when it has ended. It is started again when it is needed and has ended.
type server struct {
	opts        Options
	key, secret string // random
	folder      *scratch.Folder

	mu      sync.Mutex
	process *process
	closed  bool
}

// startServer starts the server and waits until it listens. The caller closes it.
func startServer(ctx context.Context, o Options) (*server, error) {
	private, err := scratch.Make(socketDir(os.TempDir(), runtime.GOOS))
	if err != nil {
		return nil, fmt.Errorf("make a folder for rclone's socket: %w", err)
	}
	s := &server{opts: o, key: rand.Text(), secret: rand.Text(), folder: private}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, private.Remove())
	}
	return s, nil
}

// socketDir returns the folder for the private folder: that for temporary files, unless its path is too long for a socket.
func socketDir(temporary, system string) string {
	const most = 60 // of 104 bytes on some systems; the names of the private folder and the socket follow
	if len(temporary) > most && system != "windows" {
		return "/tmp"
	}
	return temporary
}

func (s *server) socket() string { return s.folder.Path("s3") }

// start starts a process and waits until it listens. The caller holds the lock.
func (s *server) start(ctx context.Context) error {
	_ = os.Remove(s.socket()) // one that was killed leaves it behind, and it takes no second one
	cmd := s.opts.command(context.WithoutCancel(ctx), s.arguments()...)
	cmd.Env = append(cmd.Env, fmt.Sprintf(`RCLONE_AUTH_KEY="%s,%s"`, s.key, s.secret)) // a line of CSV
	p, err := start(cmd, s.opts.newTail())
	if err != nil {
		return err
	}
	ready, cancel := context.WithTimeoutCause(ctx, s.opts.readyWait(), errSlow)
	defer cancel()
	if err := s.await(ready, p); err != nil {
		p.stop(0)
		return err
	}
	s.process = p
	return nil
}

// noCache is the age at which rclone reads a folder again: below zero, so that each request sees what other hosts have written
// before. With zero, rclone's timer that forgets folders, which is set to the double, would fire all the time. The double of
// this number overflows to some hundred years.
const noCache = "-1600000h"

// arguments are those of the server. The cache of files is off, because with it rclone says that an object is stored before it
// is. ETags are of no use to firn, and some remotes would have to read each object for its own.
func (s *server) arguments() []string {
	return []string{
		"serve", "s3", remote, "--addr", "unix://" + s.socket(), "--vfs-cache-mode", "off", "--dir-cache-time", noCache,
		"--poll-interval", "0", "--etag-hash", "", "--log-level", "NOTICE",
	}
}

var errSlow = errors.New("it does not listen")

// await waits until a process listens.
func (s *server) await(ctx context.Context, p *process) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if c, err := net.Dial("unix", s.socket()); err == nil {
			return c.Close()
		}
		select {
		case <-tick.C:
		case <-p.done:
			return p.explain()
		case <-ctx.Done():
			if context.Cause(ctx) != errSlow {
				return ctx.Err()
			}
			return fmt.Errorf("%w: it was not ready after %s: %s", store.ErrRclone, s.opts.readyWait(), p.said.essence())
		}
	}
}

// dial connects to the server. If the server has ended, dial starts it once more; if that fails, the request fails, too.
func (s *server) dial(ctx context.Context) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, &s3.LastingError{Err: fmt.Errorf("connect to rclone: %w", net.ErrClosed)}
	}
	if s.process.ended() {
		if err := s.start(ctx); err != nil {
			return nil, &s3.LastingError{Err: err}
		}
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", s.socket())
}

// words returns the last words of the server that tell of an error, "" for none.
func (s *server) words() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process.said.essence()
}

// close ends the server. It may be called again.
func (s *server) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.process.stop(endWait)
	return s.folder.Remove()
}
