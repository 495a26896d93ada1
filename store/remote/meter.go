package remote

import (
	"context"
	"io"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// meter counts the bytes of all connections of a store, and limits their speed.
type meter struct {
	sent, received atomic.Int64
	up, down       *rate.Limiter // nil for no limit
}

// burst is how many bytes may pass at once.
const burst = 64 << 10

func newMeter(up, down int64) *meter { return &meter{up: limiter(up), down: limiter(down)} }

func limiter(bytesPerSecond int64) *rate.Limiter {
	if bytesPerSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(bytesPerSecond), burst)
}

// wait waits until n bytes are allowed. The pause is short, so nothing cancels it.
func wait(l *rate.Limiter, n int) error {
	if l == nil || n == 0 {
		return nil
	}
	return l.WaitN(context.Background(), n)
}

// metered is a connection whose bytes are counted.
type metered struct {
	io.ReadWriteCloser
	meter *meter
}

// Read reads at most as much as the limit allows at once.
func (m *metered) Read(p []byte) (int, error) {
	if m.meter.down != nil {
		p = p[:min(len(p), burst)]
	}
	n, err := m.ReadWriteCloser.Read(p)
	m.meter.received.Add(int64(n))
	if waitErr := wait(m.meter.down, n); err == nil {
		err = waitErr
	}
	return n, err
}

// Write writes in portions that the limit allows.
func (m *metered) Write(p []byte) (written int, err error) {
	for len(p) > 0 && err == nil {
		portion := p
		if m.meter.up != nil {
			portion = p[:min(len(p), burst)]
			if err := wait(m.meter.up, len(portion)); err != nil {
				return written, err
			}
		}
		var n int
		n, err = m.ReadWriteCloser.Write(portion)
		m.meter.sent.Add(int64(n))
		written, p = written+n, p[n:]
	}
	return written, err
}
