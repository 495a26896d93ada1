// Package chunk turns an image into chunks and back: it finds the boundaries,
// names the pieces, encodes them as zstd frames or as deltas against earlier
// pieces, and ties their names together in a tree (docs/format.md, section 3).
//
// The package does no I/O but through the readers it is given, and knows no
// keys: its users hand in the function that computes an [ID].
package chunk

import (
	"encoding/hex"
	"fmt"
)

// IDLen is the length of an [ID] in bytes.
const IDLen = 32

// ID names a blob by its content: HMAC-SHA-256 under the repository's ID key
// over the kind and the plaintext.
type ID [IDLen]byte

// ParseID reads the form that [ID.String] writes.
func ParseID(s string) (ID, error) {
	var id ID
	if err := id.UnmarshalText([]byte(s)); err != nil {
		return ID{}, err
	}
	return id, nil
}

// String returns the ID as 64 lower-case hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether id is unset.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText returns the form of [ID.String].
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the form of [ID.String]; other lengths and letters are
// errors, after which id is unchanged.
func (id *ID) UnmarshalText(text []byte) error {
	var got ID
	if len(text) != 2*IDLen {
		return fmt.Errorf("parse blob ID %q: want %d hex digits", text, 2*IDLen)
	}
	if _, err := hex.Decode(got[:], text); err != nil {
		return fmt.Errorf("parse blob ID %q: %w", text, err)
	}
	if got.String() != string(text) { // one ID, one spelling
		return fmt.Errorf("parse blob ID %q: want lower-case digits", text)
	}
	*id = got
	return nil
}

// Kind is the kind of a blob's plaintext. An [ID] is of a kind and a plaintext.
type Kind uint8

// The kinds of blobs.
const (
	Data Kind = 1 // a chunk of an image
	Node Kind = 2 // a node of the list tree
)

// String returns the kind's name for messages.
func (k Kind) String() string {
	switch k {
	case Data:
		return "data"
	case Node:
		return "node"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// MaxPlain is the largest plaintext of a blob, in bytes. Decoders refuse more
// before they allocate.
const MaxPlain = 8 << 20

// Namer computes the ID of a plaintext. It must be safe for concurrent use.
type Namer func(kind Kind, plaintext []byte) ID

// Entry is one reference of a list: a blob, and the bytes of the image below it.
type Entry struct {
	ID   ID
	Span uint64 // bytes of the image
}
