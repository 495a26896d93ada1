package snapshot

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// IDLen is the length of an [ID] in bytes.
const IDLen = 16

const shortLen = 8 // hex digits of [ID.Short]

// ID names a snapshot. It is random, and reveals nothing about the content.
type ID [IDLen]byte

// NewID returns a random ID.
func NewID() ID {
	var id ID
	_, _ = rand.Read(id[:]) // never fails: the runtime ends the program instead
	return id
}

// ParseID reads the form that [ID.String] writes.
func ParseID(s string) (ID, error) {
	var id ID
	err := id.UnmarshalText([]byte(s))
	return id, err
}

// String returns the ID as 32 lower-case hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Short returns the first 8 digits, for tables. They need not be unique.
func (id ID) Short() string { return id.String()[:shortLen] }

// IsZero reports whether id is unset.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText returns the form of [ID.String].
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the form of [ID.String], and leaves id alone on an error.
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) != 2*IDLen {
		return fmt.Errorf("parse snapshot ID %q: want %d hex digits", text, 2*IDLen)
	}
	var parsed ID
	if _, err := hex.Decode(parsed[:], text); err != nil {
		return fmt.Errorf("parse snapshot ID %q: %w", text, err)
	}
	*id = parsed
	return nil
}
