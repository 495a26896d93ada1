package repo

import (
	"context"
	"io"

	"firn/chunk"
)

// CopyFrames writes the whole image to w as a zstd stream: a frame for each chunk,
// and a table of them at the end (docs/design.md, "Compressed dumps"). Equal chunks
// become equal frames, however they are stored and whatever stands before them.
// Progress is called with the bytes of the image that were written; it may be nil.
// After an error w may have got a part of the stream, which ends within a frame.
func (i *ImageReader) CopyFrames(ctx context.Context, w io.Writer, progress func(bytes int64)) error {
	encoder, err := chunk.NewFrameEncoder()
	if err != nil {
		return err
	}
	frames := frameWriter{w: w, progress: progress}
	encode := func(plain []byte) []byte { return encoder.Encode(make([]byte, heldBack, heldBack+len(plain)/2), plain) }
	if err := i.pass(ctx, outlet{encode, frames.write}); err != nil {
		return err
	}
	if i.Size() == 0 { // a stream without a frame is none
		if err := frames.write(encode(nil), 0); err != nil {
			return err
		}
	}
	return frames.close()
}

// heldBack is how many bytes of a frame are written together with the next one. A
// decoder takes a stream that ends between two frames for a whole one; so a dump
// that is cut off, by a kill even, must end within a frame.
const heldBack = 1

// frameWriter writes the frames of a stream.
type frameWriter struct {
	w        io.Writer
	progress func(int64)

	held  []byte // of the frame before
	table chunk.SeekTable
	done  int64 // bytes of the image in the frames written
}

// write writes a frame, before which there are heldBack bytes of room.
func (f *frameWriter) write(frame []byte, span uint64) error {
	f.table.Add(len(frame)-heldBack, int(span))
	start, end := heldBack-len(f.held), len(frame)-heldBack
	copy(frame[start:], f.held)
	if err := writeImage(f.w, frame[start:end]); err != nil {
		return err
	}
	f.held = append(f.held[:0], frame[end:]...)
	f.done += int64(span)
	if f.progress != nil {
		f.progress(f.done)
	}
	return nil
}

// close ends the stream.
func (f *frameWriter) close() error { return writeImage(f.w, f.table.Append(f.held)) }
