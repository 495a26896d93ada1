package repo

import (
	"context"
	"fmt"
	"io"

	"firn/chunk"
)

// CopyFrames writes the whole image to w as a zstd stream: a frame for each chunk,
// and a table of them at the end (docs/design.md, "Compressed dumps"). Frames do
// not depend on one another, so two images differ in those alone that they do not
// have in common. Progress is called with the bytes of the image that were written;
// it may be nil. Every byte was checked as [ImageReader.Copy] does. After an error w
// may have got a part of the stream, which ends within a frame.
func (i *ImageReader) CopyFrames(ctx context.Context, w io.Writer, progress func(bytes int64)) error {
	encoder, err := chunk.NewFrameEncoder()
	if err != nil {
		return err
	}
	frames := frameWriter{stream: chunk.NewFrameStream(w), progress: progress}
	read := func(ctx context.Context, ready *batch, e chunk.Entry) ([]byte, error) {
		return i.frame(ctx, ready, e, encoder)
	}
	if err := i.pass(ctx, i.tree.Chunks().Entries, outlet{read, frames.write}); err != nil {
		return err
	}
	if i.Size() == 0 { // a stream without a frame is none
		if err := frames.write(encoder.Encode(make([]byte, chunk.FrameRoom), nil), 0); err != nil {
			return err
		}
	}
	return frames.close()
}

// frame returns one entry as a frame with [chunk.FrameRoom] bytes of room before it: the
// stored one, or if there is none, a new one.
func (i *ImageReader) frame(ctx context.Context, ready *batch, e chunk.Entry, encoder *chunk.FrameEncoder) ([]byte, error) {
	payload, plain, err := i.reader.readStored(ctx, ready, e.ID)
	if err != nil {
		return nil, err
	}
	if err := spans(plain, e); err != nil {
		return nil, err
	}
	room := make([]byte, chunk.FrameRoom, chunk.FrameRoom+max(len(payload), len(plain)/2)+frameExtra)
	if frame, ok := chunk.Reframe(room, payload, plain); ok {
		return frame, nil
	}
	return encoder.Encode(room, plain), nil
}

// frameExtra is by how much a frame of a dump may be longer than its payload.
const frameExtra = 16

// frameWriter writes the frames of an image.
type frameWriter struct {
	stream   *chunk.FrameStream
	progress func(int64)
	done     int64 // bytes of the image in the frames written
}

// write writes a frame, before which there is [chunk.FrameRoom].
func (f *frameWriter) write(frame []byte, span uint64) error {
	if err := f.stream.Write(frame, int(span)); err != nil {
		return fmt.Errorf("write image: %w", err)
	}
	f.done += int64(span)
	if f.progress != nil {
		f.progress(f.done)
	}
	return nil
}

// close ends the stream.
func (f *frameWriter) close() error {
	if err := f.stream.Close(); err != nil {
		return fmt.Errorf("write image: %w", err)
	}
	return nil
}
