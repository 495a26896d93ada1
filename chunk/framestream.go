package chunk

import "io"

// A FrameStream writes frames, and a table of them at the end. The last byte of each frame is written with the next one: to a
// decoder, a stream that breaks off between two frames would be whole.
type FrameStream struct {
	w     io.Writer
	held  []byte // of the frame before
	table SeekTable
}

// FrameRoom is how many bytes of room stand before a frame that is written to a [FrameStream].
const FrameRoom = 1

// NewFrameStream returns a stream without a frame, which is no stream for a decoder.
func NewFrameStream(w io.Writer) *FrameStream { return &FrameStream{w: w} }

// Write writes a frame of some bytes of plaintext. There are [FrameRoom] bytes of room before it, which are overwritten.
func (s *FrameStream) Write(frame []byte, plain int) error {
	s.table.Add(len(frame)-FrameRoom, plain)
	start, end := FrameRoom-len(s.held), len(frame)-FrameRoom
	copy(frame[start:], s.held)
	if _, err := s.w.Write(frame[start:end]); err != nil {
		return err
	}
	s.held = append(s.held[:0], frame[end:]...)
	return nil
}

// Close ends the stream. It does not close the writer.
func (s *FrameStream) Close() error {
	_, err := s.w.Write(s.table.Append(s.held))
	return err
}
