package pull

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// A stream of frames goes both ways while an image is read. Each frame is
//
//	1 byte   kind
//	4 bytes  length of the content, big-endian, at most 1 MiB
//	...      content
//
// docs/pull.md has the kinds.
const (
	headerLen = 5
	mostFrame = 1 << 20
	dataFrame = 256 << 10 // bytes of pages in one frame
)

// Kind is the kind of a frame.
type Kind byte

// The kinds of frames. The first group is the puller's, the second the agent's.
const (
	Open    Kind = 'O' // JSON: [OpenRequest]
	Changes Kind = 'C' // JSON: a fingerprint; which ranges have changed since?
	Hash    Kind = 'H' // 32 bytes: a key; the hash of each page is wanted
	Wanted  Kind = 'W' // ranges, more of them follow
	Read    Kind = 'R' // ranges, the last of them; the pages in all of them are wanted
	ReadAll Kind = 'A' // empty; all pages are wanted
	Stored  Kind = 'S' // empty; the image is stored

	Opened  Kind = 'o' // JSON: the image, as [Described]
	Beat    Kind = 'b' // empty; the agent is at work
	Ranges  Kind = 'w' // ranges that have changed, more of them follow
	Known   Kind = 'r' // ranges that have changed, the last of them
	Unknown Kind = 'u' // empty; it is not known what has changed
	Hashes  Kind = 'h' // 16 bytes for each page, in order
	Hashed  Kind = 'k' // empty; the hashes are complete
	Data    Kind = 'd' // bytes of the wanted pages, in order
	End     Kind = 'e' // JSON: the image, as [Described]; all wanted pages were sent
	Failed  Kind = 'x' // JSON: [Failure]; the last frame
)

// ErrFrame is returned for bytes that are no frame of this protocol, or one that does not belong where it stands.
var ErrFrame = errors.New("the other side does not keep to the protocol")

// Stream reads and writes frames. One goroutine may read while others write.
type Stream struct {
	r      io.Reader
	header [headerLen]byte
	buffer []byte

	mu    sync.Mutex
	w     io.Writer
	flush func() error
}

// NewStream returns a stream. Flush is called after each frame; nil for no call.
func NewStream(r io.Reader, w io.Writer, flush func() error) *Stream {
	if flush == nil {
		flush = func() error { return nil }
	}
	return &Stream{r: r, w: w, flush: flush}
}

// Next returns the next frame, whose content is valid until the following call. The error is io.EOF after the last whole frame.
func (s *Stream) Next() (Kind, []byte, error) {
	if _, err := io.ReadFull(s.r, s.header[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(s.header[1:])
	if n > mostFrame {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes", ErrFrame, n)
	}
	if int(n) > cap(s.buffer) {
		s.buffer = make([]byte, max(int(n), 64<<10))
	}
	content := s.buffer[:n]
	if _, err := io.ReadFull(s.r, content); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return Kind(s.header[0]), content, nil
}

// Write writes a frame.
func (s *Stream) Write(kind Kind, content []byte) error {
	if len(content) > mostFrame {
		return fmt.Errorf("pull: internal error: a frame of %d bytes", len(content))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	frame := make([]byte, headerLen, headerLen+len(content))
	frame[0] = byte(kind)
	binary.BigEndian.PutUint32(frame[1:], uint32(len(content)))
	if _, err := s.w.Write(append(frame, content...)); err != nil {
		return err
	}
	return s.flush()
}

// WriteJSON writes a frame with a value as JSON.
func (s *Stream) WriteJSON(kind Kind, value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return s.Write(kind, b)
}
