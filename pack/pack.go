// Package pack reads and writes packs: the files that hold a repository's
// sealed blobs, each with a footer that lists them
// (docs/format.md, section 4).
package pack

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"firn/chunk"
	"firn/crypt"
)

// A pack is, in this order:
//
//	header   16 bytes, see [crypt.Header]
//	blobs    sealed data chunks, then sealed list nodes, without gaps
//	footer   sealed: an entry for each blob, in the order of the blobs
//	trailer  48 bytes, sealed: the footer's sealed length
const (
	// TargetSize is the size at which a pack is full, in bytes.
	TargetSize = 16 << 20
	// MaxSize is the largest pack that readers accept, in bytes. One blob of
	// [chunk.MaxPlain] on top of a nearly full pack stays below it.
	MaxSize = 32 << 20
)

// Prefix is how the names of all packs begin.
const Prefix = "packs/"

// ErrFormat is returned when a pack's footer does not describe its object.
var ErrFormat = errors.New("malformed pack")

// idLen is the length of a pack's ID in bytes.
const idLen = 16

// ID names a pack. It is random and never used twice.
type ID [idLen]byte

// NewID returns a fresh ID.
func NewID() ID {
	var id ID
	_, _ = rand.Read(id[:]) // never fails, see its documentation
	return id
}

// String returns the ID as 32 lower-case hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Name returns the name of the pack's object in the store.
func (id ID) Name() string {
	s := id.String()
	return Prefix + s[:2] + "/" + s
}

// MarshalText returns the form of [ID.String].
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the form of [ID.String]; other lengths and letters are
// errors, after which id is unchanged.
func (id *ID) UnmarshalText(text []byte) error {
	var got ID
	if len(text) != 2*idLen {
		return fmt.Errorf("parse pack ID %q: want %d hex digits", text, 2*idLen)
	}
	if _, err := hex.Decode(got[:], text); err != nil {
		return fmt.Errorf("parse pack ID %q: %w", text, err)
	}
	if got.String() != string(text) { // one ID, one spelling
		return fmt.Errorf("parse pack ID %q: want lower-case digits", text)
	}
	*id = got
	return nil
}

// ParseName returns the ID of the pack that a store keeps under name.
func ParseName(name string) (ID, bool) {
	var id ID
	digits := name[strings.LastIndexByte(name, '/')+1:]
	if err := id.UnmarshalText([]byte(digits)); err != nil || id.Name() != name {
		return ID{}, false
	}
	return id, true
}

// Entry says where a pack holds a blob and how to turn it into its plaintext.
type Entry struct {
	Kind   chunk.Kind
	ID     chunk.ID
	Offset uint32 // of the sealed blob in the pack
	Length uint32 // of the sealed blob
	Plain  uint32 // length of the plaintext
	Codec  chunk.Codec
	Depth  uint8    // of a delta: 1 to [chunk.MaxDepth]; else 0
	Base   chunk.ID // of a delta; else zero
}

// IsDelta reports whether the blob needs its base to be decoded.
func (e Entry) IsDelta() bool { return e.Codec == chunk.Delta }

// SealBlob encrypts a payload that package chunk has made of the blob e.ID.
func SealBlob(keys *crypt.Keys, dst []byte, e Entry, payload []byte) []byte {
	return keys.SealBlob(dst, crypt.BlobKind(e.Kind), e.ID, payload)
}

// OpenBlob decrypts a sealed blob into its payload and checks that it says the
// same of its encoding as the footer's entry.
func OpenBlob(keys *crypt.Keys, dst []byte, e Entry, sealed []byte) ([]byte, error) {
	payload, err := keys.OpenBlob(dst, crypt.BlobKind(e.Kind), e.ID, sealed)
	if err != nil {
		return nil, err
	}
	codec, plain, err := chunk.PayloadCodec(payload[len(dst):])
	if err != nil {
		return nil, err
	}
	if codec != e.Codec || plain != int(e.Plain) {
		return nil, fmt.Errorf("%w: blob and footer disagree on its encoding", ErrFormat)
	}
	return payload, nil
}
