package pack

import (
	"encoding/binary"
	"fmt"

	"firn/chunk"
	"firn/crypt"
)

// A footer's plaintext is a sequence of entries (docs/format.md, section 4):
//
//	offset  size  field
//	0       1     kind
//	1       32    ID
//	33      4     offset in the pack
//	37      4     sealed length
//	41      4     plaintext length
//	45      1     codec
//	46      1     depth          only if the codec is 2
//	47      32    ID of the base only if the codec is 2
const (
	entryLen      = 46
	deltaEntryLen = entryLen + 1 + chunk.IDLen
)

// sealedMin is the sealed length of the smallest payload.
const sealedMin = crypt.Overhead + 5

func appendEntry(dst []byte, e Entry) []byte {
	dst = append(dst, byte(e.Kind))
	dst = append(dst, e.ID[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, e.Offset)
	dst = binary.LittleEndian.AppendUint32(dst, e.Length)
	dst = binary.LittleEndian.AppendUint32(dst, e.Plain)
	dst = append(dst, byte(e.Codec))
	if e.IsDelta() {
		dst = append(dst, e.Depth)
		dst = append(dst, e.Base[:]...)
	}
	return dst
}

// cutEntry reads the entry at the start of b and returns the bytes after it.
func cutEntry(b []byte) (Entry, []byte, error) {
	if len(b) < entryLen {
		return Entry{}, nil, fmt.Errorf("%w: footer ends within an entry", ErrFormat)
	}
	e := Entry{
		Kind:   chunk.Kind(b[0]),
		Offset: binary.LittleEndian.Uint32(b[33:]),
		Length: binary.LittleEndian.Uint32(b[37:]),
		Plain:  binary.LittleEndian.Uint32(b[41:]),
		Codec:  chunk.Codec(b[45]),
	}
	copy(e.ID[:], b[1:])
	rest := b[entryLen:]
	if e.IsDelta() {
		if len(b) < deltaEntryLen {
			return Entry{}, nil, fmt.Errorf("%w: footer ends within an entry", ErrFormat)
		}
		e.Depth = b[46]
		copy(e.Base[:], b[47:])
		rest = b[deltaEntryLen:]
	}
	return e, rest, e.validate()
}

// validate checks an entry by itself.
func (e Entry) validate() error {
	switch {
	case e.Kind != chunk.Data && e.Kind != chunk.Node:
		return fmt.Errorf("%w: unknown blob kind %d", ErrFormat, e.Kind)
	case e.Codec > chunk.Delta:
		return fmt.Errorf("%w: unknown codec %d", ErrFormat, e.Codec)
	case e.IsDelta() && (e.Depth < 1 || e.Depth > chunk.MaxDepth || e.Base == e.ID):
		return fmt.Errorf("%w: delta of depth %d", ErrFormat, e.Depth)
	case e.Plain > chunk.MaxPlain || e.Length < sealedMin:
		return fmt.Errorf("%w: blob of %d bytes, sealed %d", ErrFormat, e.Plain, e.Length)
	}
	return nil
}

// BlobsEnd returns where the last of these blobs ends in the pack or round that has exactly these.
func BlobsEnd(entries []Entry) int64 {
	if len(entries) == 0 {
		return crypt.HeaderLen
	}
	last := entries[len(entries)-1]
	return int64(last.Offset) + int64(last.Length)
}

// Size returns the length of the pack that has exactly these blobs.
func Size(entries []Entry) int64 {
	n := int64(crypt.HeaderLen + crypt.Overhead + crypt.TrailerLen)
	for _, e := range entries {
		n += int64(e.Length) + entryLen
		if e.IsDelta() {
			n += deltaEntryLen - entryLen
		}
	}
	return n
}

// parseFooter reads the entries and checks that they describe the bytes from
// the header to end without gap or overlap.
func parseFooter(plain []byte, end int64) ([]Entry, error) {
	entries := make([]Entry, 0, countEntries(plain))
	at := int64(crypt.HeaderLen)
	for len(plain) > 0 {
		e, rest, err := cutEntry(plain)
		if err != nil {
			return nil, err
		}
		if int64(e.Offset) != at {
			return nil, fmt.Errorf("%w: blob at %d, want %d", ErrFormat, e.Offset, at)
		}
		at += int64(e.Length)
		entries, plain = append(entries, e), rest
	}
	if at != end {
		return nil, fmt.Errorf("%w: blobs end at %d, want %d", ErrFormat, at, end)
	}
	return entries, nil
}

// countEntries returns how many entries a footer holds, if it is sound. It saves room, as an
// index keeps all entries in memory.
func countEntries(plain []byte) int {
	n := 0
	for ; len(plain) >= entryLen; n++ {
		length := entryLen
		if chunk.Codec(plain[entryLen-1]) == chunk.Delta {
			length = deltaEntryLen
		}
		plain = plain[min(length, len(plain)):]
	}
	return n
}

// ParseTail reads the footer of a pack or a round of size bytes from its last bytes. If
// tail is too short it returns need > 0 and no entries: call again with at
// least that many of the last bytes. The tail may be longer than needed.
func ParseTail(keys *crypt.Keys, id ID, size int64, tail []byte) (entries []Entry, need int, err error) {
	entries, _, need, err = ParseRound(keys, id, size, tail)
	return entries, need, err
}

// ParseRound is [ParseTail] with the records of a round. Those of a pack are nil.
func ParseRound(keys *crypt.Keys, id ID, size int64, tail []byte) (entries []Entry, records []byte, need int, err error) {
	plain, end, need, err := openFooter(keys, id, size, tail)
	if err != nil || need > 0 {
		return nil, nil, need, err
	}
	if id.IsRound() {
		if plain, records, err = cutRecords(plain); err != nil {
			return nil, nil, 0, err
		}
	}
	if entries, err = parseFooter(plain, end); err != nil {
		return nil, nil, 0, err
	}
	return entries, records, 0, nil
}

// openFooter returns the plaintext of a footer, and where it starts in the object.
func openFooter(keys *crypt.Keys, id ID, size int64, tail []byte) (plain []byte, start int64, need int, err error) {
	const fixed = crypt.HeaderLen + crypt.TrailerLen
	if size < fixed || size > MaxSize || int64(len(tail)) > size {
		return nil, 0, 0, fmt.Errorf("%w: size %d", ErrFormat, size)
	}
	if len(tail) < crypt.TrailerLen {
		return nil, 0, crypt.TrailerLen, nil
	}
	body := len(tail) - crypt.TrailerLen
	length, err := keys.OpenTrailer(id.Kind(), id.Name(), tail[body:])
	if err != nil {
		return nil, 0, 0, fmt.Errorf("open trailer: %w", err)
	}
	if length < crypt.Overhead || length > uint64(size-fixed) {
		return nil, 0, 0, fmt.Errorf("%w: footer of %d bytes", ErrFormat, length)
	}
	if uint64(body) < length {
		return nil, 0, int(length) + crypt.TrailerLen, nil
	}
	plain, err = keys.OpenFooter(id.Kind(), id.Name(), tail[body-int(length):body])
	if err != nil {
		return nil, 0, 0, fmt.Errorf("open footer: %w", err)
	}
	return plain, size - crypt.TrailerLen - int64(length), 0, nil
}

// recordsAtLen is the length of the number before a round's entries, in bytes.
const recordsAtLen = 4

// cutRecords takes the plaintext of a round's footer apart.
func cutRecords(plain []byte) (entries, records []byte, err error) {
	if len(plain) < recordsAtLen {
		return nil, nil, fmt.Errorf("%w: footer of %d bytes", ErrFormat, len(plain))
	}
	length, rest := binary.LittleEndian.Uint32(plain), plain[recordsAtLen:]
	if uint64(length) >= uint64(len(rest)) {
		return nil, nil, fmt.Errorf("%w: entries of %d bytes in a footer of %d, without records", ErrFormat, length, len(plain))
	}
	return rest[:length], rest[length:], nil
}
