package crypt

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// Secret is what a repository's keys are derived from. Who knows it can read
// and write the repository for good; it lives in memory and inside key slots.
type Secret struct{ hidden }

// NewSecret makes a random Secret.
func NewSecret() Secret { return Secret{newHidden()} }

// SecretOf returns the secret of these bytes, 32 or less: then zeros follow.
func SecretOf(b []byte) Secret { return Secret{hide(b)} }

// Equal compares two secrets in constant time.
func (s Secret) Equal(other Secret) bool { return s.equal(other.hidden) }

// String hides the secret, so that printing one by mistake does no harm.
func (Secret) String() string { return "(secret)" }

// GoString hides the secret.
func (Secret) GoString() string { return "crypt.Secret{(secret)}" }

// RepositoryID names a repository. It is public, and part of every key and of
// all that is authenticated, so nothing can move between repositories.
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
	if got.String() != string(text) { // one ID, one spelling
		return fmt.Errorf("parse repository ID %q: want lower-case digits", text)
	}
	*id = got
	return nil
}
