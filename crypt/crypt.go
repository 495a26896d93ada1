package crypt

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// Secret is the source of a repository's keys. With it, anyone can read and
// write the repository for good. It exists only in memory and inside key slots.
type Secret struct{ hidden }

// NewSecret makes a random Secret.
func NewSecret() Secret { return Secret{newHidden()} }

// SecretOf returns the secret with these bytes, at most 32. Fewer are followed
// by zeros.
func SecretOf(b []byte) Secret { return Secret{hide(b)} }

// Equal compares two secrets in constant time.
func (s Secret) Equal(other Secret) bool { return s.equal(other.hidden) }

// String hides the secret, so that printing one by mistake does no harm.
func (Secret) String() string { return "(secret)" }

// GoString hides the secret.
func (Secret) GoString() string { return "crypt.Secret{(secret)}" }

// RepositoryID names a repository. It is public. It is part of every derived
// key and of all authenticated data, so no object can move between
// repositories.
type RepositoryID [16]byte

// NewRepositoryID makes a random RepositoryID.
func NewRepositoryID() RepositoryID {
	var id RepositoryID
	rand.Read(id[:])
	return id
}

// ParseRepositoryID reads the form that [RepositoryID.String] writes.
func ParseRepositoryID(s string) (RepositoryID, error) {
	var id RepositoryID
	err := id.UnmarshalText([]byte(s))
	return id, err
}

// String returns the ID as 32 lower-case hex digits.
func (id RepositoryID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText returns the form of [RepositoryID.String].
func (id RepositoryID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the form of [RepositoryID.String] and nothing else. After
// an error id is unchanged.
func (id *RepositoryID) UnmarshalText(text []byte) error {
	var got RepositoryID
	if len(text) != 2*len(got) {
		return fmt.Errorf("parse repository ID %q: want %d hex digits", text, 2*len(got))
	}
	if _, err := hex.Decode(got[:], text); err != nil {
		return fmt.Errorf("parse repository ID %q: %w", text, err)
	}
	if got.String() != string(text) { // an ID has only one spelling
		return fmt.Errorf("parse repository ID %q: want lower-case digits", text)
	}
	*id = got
	return nil
}
