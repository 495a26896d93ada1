package report

import (
	"io"
)

// CountingWriter tells how many bytes went through it.
type CountingWriter struct {
	W        io.Writer
	n        int64
	Progress func(int64)
}

// Write writes to w.
func (c *CountingWriter) Write(p []byte) (int, error) {
	n, err := c.W.Write(p)
	c.n += int64(n)
	c.Progress(c.n)
	return n, err
}

// CountingWriterAt tells how many bytes went through it.
type CountingWriterAt struct {
	W        io.WriterAt
	n        int64
	Progress func(int64)
}

// WriteAt writes to w.
func (c *CountingWriterAt) WriteAt(p []byte, off int64) (int, error) {
	n, err := c.W.WriteAt(p, off)
	c.n += int64(n)
	c.Progress(c.n)
	return n, err
}
