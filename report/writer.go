package report

import (
	"io"
)

// CountingWriter calls Progress with the number of bytes that it has written to W. It is for one goroutine at a time.
type CountingWriter struct {
	W        io.Writer
	n        int64
	Progress func(int64)
}

// Write writes to W.
func (c *CountingWriter) Write(p []byte) (int, error) {
	n, err := c.W.Write(p)
	c.n += int64(n)
	c.Progress(c.n)
	return n, err
}

// CountingWriterAt is a [CountingWriter] for an [io.WriterAt]. It is for one goroutine at a time.
type CountingWriterAt struct {
	W        io.WriterAt
	n        int64
	Progress func(int64)
}

// WriteAt writes to W.
func (c *CountingWriterAt) WriteAt(p []byte, off int64) (int, error) {
	n, err := c.W.WriteAt(p, off)
	c.n += int64(n)
	c.Progress(c.n)
	return n, err
}
