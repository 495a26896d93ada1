// Package livecopy keeps a copy of a live database on the disk, sealed under a key that is stored nowhere, until it has been sent.
package livecopy

import (
	"context"
	"errors"
	"fmt"
	"io"

	"firn/chunk"
	"firn/spool"
)

// Copy is a copy of a live database in sealed blocks on the disk. It is there as a whole before its first byte is sent: a slow
// client must not hold a read transaction of the database, which would keep its WAL from being reset.
type Copy struct {
	file   *spool.File
	blocks []block
	size   int64  // in bytes
	part   []byte // of a block that is not full yet
}

// New returns an empty copy in a folder. The caller closes it.
func New(dir string) (*Copy, error) {
	file, err := spool.New(dir)
	if err != nil {
		return nil, err
	}
	return &Copy{file: file}, nil
}

// Close removes the copy. It has no name on the disk: nothing can be left.
func (f *Copy) Close() error { return f.file.Close() }

// Finish puts the last bytes to the disk, and returns the size in bytes.
func (f *Copy) Finish() (size int64, err error) {
	err = f.flush()
	return f.size, err
}

// block is a block of a [Copy].
type block struct {
	place spool.Place
	size  int
}

// blockSize is the size of a block in bytes, but for the last: a copy has few blocks, and little of it is in memory. Each block
// becomes one frame of zstd, so that two copies differ in the frames of blocks that have changed.
const blockSize = 1 << 20

// Write appends bytes.
func (f *Copy) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		some := min(blockSize-len(f.part), len(b))
		f.part = append(f.part, b[:some]...)
		if n, b = n+some, b[some:]; len(f.part) == blockSize {
			if err := f.flush(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// flush puts a block to the disk.
func (f *Copy) flush() error {
	if len(f.part) == 0 {
		return nil
	}
	place, err := f.file.Put(f.part)
	if err != nil {
		return err
	}
	f.blocks = append(f.blocks, block{place, len(f.part)})
	f.size, f.part = f.size+int64(len(f.part)), f.part[:0]
	return nil
}

// each calls a function with each block.
func (f *Copy) each(ctx context.Context, use func([]byte) error) error {
	var b []byte
	for _, at := range f.blocks {
		var err error
		if b, err = f.file.Get(b[:0], at.place, at.size); err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = use(b)
		}
		if err != nil {
			return fmt.Errorf("send copy: %w", err)
		}
	}
	return nil
}

// Send sends the copy as it is.
func (f *Copy) Send(ctx context.Context, w io.Writer) error {
	return f.each(ctx, func(b []byte) error {
		_, err := w.Write(b)
		return err
	})
}

// SendFrames sends the copy compressed.
func (f *Copy) SendFrames(ctx context.Context, w io.Writer) error {
	encoder, err := chunk.NewFrameEncoder()
	if err != nil {
		return err
	}
	frames, room := chunk.NewFrameStream(w), make([]byte, chunk.FrameRoom)
	var frame []byte
	write := func(b []byte) error {
		frame = encoder.Encode(append(frame[:0], room...), b)
		return frames.Write(frame, len(b))
	}
	if f.size == 0 { // a stream without a frame is none
		err = write(nil)
	}
	if err := errors.Join(err, f.each(ctx, write)); err != nil {
		return err
	}
	return frames.Close()
}
