package pack

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"firn/chunk"
	"firn/crypt"
)

// Writer collects sealed blobs into a pack or a round, in memory. It is for one goroutine.
type Writer struct {
	keys    *crypt.Keys
	id      ID
	data    section
	nodes   section
	records []byte // of a round
}

// section is a run of blobs of one kind. Nodes stand behind all data, next to
// the footer, so that one read of a pack's tail brings both. The section of the
// data starts with the pack's header and becomes the object.
type section struct {
	bytes   []byte
	entries []Entry
}

// Data that has outgrown smallSection gets room for a full pack at once: growing
// step by step would copy it several times over. Nodes are few.
const (
	smallSection = 1 << 20
	fullSection  = TargetSize + smallSection
)

func (s *section) add(e Entry, sealed []byte) {
	e.Offset, e.Length = uint32(len(s.bytes)), uint32(len(sealed))
	if n := len(s.bytes) + len(sealed); e.Kind == chunk.Data && n > smallSection && n < fullSection && cap(s.bytes) < n {
		s.bytes = slices.Grow(s.bytes, fullSection-len(s.bytes))
	}
	s.bytes = append(s.bytes, sealed...)
	s.entries = append(s.entries, e)
}

// NewWriter returns a writer of an empty pack or round.
func NewWriter(keys *crypt.Keys, id ID) *Writer {
	header := crypt.Header(id.Kind())
	return &Writer{keys: keys, id: id, data: section{bytes: header[:]}}
}

// Reset makes w a writer of an empty pack again, in the same memory: it overwrites the
// object that Finish has returned.
func (w *Writer) Reset(id ID) {
	header := crypt.Header(id.Kind())
	*w = Writer{keys: w.keys, id: id, data: section{bytes: append(w.data.bytes[:0], header[:]...)}}
}

// MakeRound makes the open pack a round with these records, which must not be empty, under a new
// name. The blobs stay as they are: none is bound to its pack.
func (w *Writer) MakeRound(id ID, records []byte) {
	header := crypt.Header(id.Kind())
	copy(w.data.bytes, header[:])
	w.id, w.records = id, records
}

// ID returns the name that the pack will have.
func (w *Writer) ID() ID { return w.id }

// Add appends a blob as [SealBlob] returned it, or as another pack held it: a
// sealed blob is not bound to its pack. Offset and Length of e are ignored; the
// bytes are copied.
func (w *Writer) Add(e Entry, sealed []byte) {
	if e.Kind == chunk.Node {
		w.nodes.add(e, sealed)
	} else {
		w.data.add(e, sealed)
	}
}

// Len returns the number of blobs.
func (w *Writer) Len() int { return len(w.data.entries) + len(w.nodes.entries) }

// Size returns about how large the pack is by now, footer included.
func (w *Writer) Size() int {
	return len(w.data.bytes) + len(w.nodes.bytes) + w.Len()*deltaEntryLen + crypt.Overhead + crypt.TrailerLen
}

// Full reports whether the pack has reached [TargetSize].
func (w *Writer) Full() bool { return w.Size() >= TargetSize }

// Finish returns the pack's object, its entries, and the length of its tail:
// footer and trailer. It reads the footer back before it returns, so that a
// pack that cannot be read is never uploaded. The writer is used up.
func (w *Writer) Finish() (object []byte, entries []Entry, tail int, err error) {
	nodes := uint32(len(w.data.bytes))
	entries = w.data.entries
	for _, e := range w.nodes.entries {
		e.Offset += nodes
		entries = append(entries, e)
	}
	object = append(w.data.bytes, w.nodes.bytes...)
	blobs := len(object)
	object = w.appendTail(object, entries)
	tail = len(object) - blobs
	if entries, err = w.verify(object, entries); err != nil {
		return nil, nil, 0, err
	}
	return object, entries, tail, nil
}

func (w *Writer) appendTail(object []byte, entries []Entry) []byte {
	plain := make([]byte, 0, recordsAtLen+len(entries)*deltaEntryLen+len(w.records))
	for _, e := range entries {
		plain = appendEntry(plain, e)
	}
	if w.id.IsRound() {
		length := binary.LittleEndian.AppendUint32(nil, uint32(len(plain)))
		plain = slices.Concat(length, plain, w.records)
	}
	footer := w.keys.SealFooter(w.id.Kind(), w.id.Name(), plain)
	object = append(object, footer...)
	return append(object, w.keys.SealTrailer(w.id.Kind(), w.id.Name(), uint64(len(footer)))...)
}

// verify decodes the finished footer, compares it with the entries that went in, and returns
// the decoded ones: these have no room to spare, and may be kept.
func (w *Writer) verify(object []byte, entries []Entry) ([]Entry, error) {
	back, records, _, err := ParseRound(w.keys, w.id, int64(len(object)), object)
	if err != nil {
		return nil, fmt.Errorf("verify new pack %s: %w", w.id, err)
	}
	if !slices.Equal(back, entries) || !bytes.Equal(records, w.records) {
		return nil, fmt.Errorf("verify new pack %s: %w: footer differs from what was written", w.id, ErrFormat)
	}
	return back, nil
}
