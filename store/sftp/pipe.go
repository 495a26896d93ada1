package sftp

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"golang.org/x/time/rate"

	"firn/ssh"
)

// burst is the most that a limited connection sends or receives at once, in bytes.
const burst = 16 << 10

// pipe is the connection below the client. It counts bytes, keeps to the limits, and looks at the first bytes that come.
type pipe struct {
	*ssh.Conn
	traffic  *traffic
	up, down *rate.Limiter
	head     []byte       // the first bytes that have come, see check
	broken   atomic.Bool  // a read or write has failed: no call can succeed any more
	names    atomic.Int64 // bytes that have come, but for those of files
	readings sync.Map     // of *reading, to nothing
}

// reading is a reading of a folder or a file that is under way.
type reading struct {
	limit int64 // of names of the pipe
	stop  func()
}

// Read reads at most as much as the limit allows at once.
func (p *pipe) Read(b []byte) (int, error) {
	if p.down != nil && len(b) > burst {
		b = b[:burst]
	}
	n, err := p.Conn.Read(b)
	p.traffic.received.Add(int64(n))
	p.bound(p.names.Add(int64(n)))
	if chatter := p.check(b[:n]); chatter != nil {
		n, err = 0, chatter // the client must not see these bytes
	}
	if err == nil {
		err = wait(p.down, n)
	}
	if err != nil {
		p.broken.Store(true)
	}
	return n, err
}

// bound stops the readings that have got more than there can be.
func (p *pipe) bound(names int64) {
	p.readings.Range(func(key, _ any) bool {
		if r := key.(*reading); names > r.limit {
			r.stop()
		}
		return true
	})
}

// The first packet of a server begins with four bytes of its length, which is small, and a byte of its kind.
const (
	headLen     = 5
	kindVersion = 2
)

// check returns an error if the first bytes are not those of an SFTP server. Else the client would take the letters of a
// banner for the length of a packet.
func (p *pipe) check(b []byte) error {
	if len(p.head) >= headLen || len(b) == 0 {
		return nil
	}
	p.head = append(p.head, b[:min(len(b), 200)]...)
	if p.head[0] != 0 || len(p.head) >= headLen && p.head[headLen-1] != kindVersion {
		return p.Chatter(p.head)
	}
	return nil
}

// Write writes in portions that the limit allows.
func (p *pipe) Write(b []byte) (written int, err error) {
	for len(b) > 0 && err == nil {
		portion := b
		if p.up != nil {
			portion = b[:min(burst, len(b))]
			if err = wait(p.up, len(portion)); err != nil {
				break
			}
		}
		var n int
		n, err = p.Conn.Write(portion)
		p.traffic.sent.Add(int64(n))
		written, b = written+n, b[n:]
	}
	if err != nil {
		p.broken.Store(true)
	}
	return written, err
}

// Close ends the connection. The client closes it, too, when it reads what it does not understand.
func (p *pipe) Close() error {
	p.broken.Store(true)
	return p.Conn.Close()
}

var _ io.ReadWriteCloser = (*pipe)(nil)

func newLimiter(bytesPerSecond int64) *rate.Limiter {
	if bytesPerSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(bytesPerSecond), burst)
}

// wait waits until n bytes are allowed. It ignores cancellation, because the pause is short and a cancelled call ends the
// connection.
func wait(l *rate.Limiter, n int) error {
	if l == nil {
		return nil
	}
	return l.WaitN(context.Background(), n)
}
