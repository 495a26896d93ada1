package crypt

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// The ways a slot's key is derived.
const (
	KDFPassword = "argon2id" // from a password, at a cost
	KDFKeyFile  = "hkdf"     // from a KeyFile
)

var errNoCredential = errors.New("empty password or key file")

// Credential opens a slot. It is a [Password] or a [KeyFile.Credential]. The zero
// Credential opens none.
type Credential struct {
	kdf    string
	secret []byte
}

// Password returns the credential of a password, whose bytes are used unchanged. An empty
// password makes no slot and opens none.
func Password(password string) Credential {
	if password == "" {
		return Credential{}
	}
	return Credential{kdf: KDFPassword, secret: []byte(password)}
}

// The least that a password must have. An attacker with a copy of the store can try as
// many passwords as the machines at hand allow, and tries short and simple ones first. A
// longer password can be guessed too: these rules do not recognise a well-known phrase.
const (
	minPassword = 10 // characters
	minDistinct = 5  // of them
)

// CheckStrength returns [ErrWeak] for a password that is guessed at once. [NewSlot]
// refuses such a password, but [Slot.Open] accepts it for slots that exist.
func (c Credential) CheckStrength() error {
	if c.kdf != KDFPassword {
		return nil
	}
	distinct := make(map[rune]bool)
	for _, r := range string(c.secret) {
		distinct[r] = true
	}
	if n := utf8.RuneCount(c.secret); n < minPassword {
		return fmt.Errorf("%w: it has %d characters, want at least %d", ErrWeak, n, minPassword)
	}
	if len(distinct) < minDistinct {
		return fmt.Errorf("%w: it has %d different characters, want at least %d", ErrWeak, len(distinct), minDistinct)
	}
	return nil
}

// KDF returns [KDFPassword] or [KDFKeyFile], or "" for the zero Credential. A credential
// can open only slots with the same KDF.
func (c Credential) KDF() string { return c.kdf }

// String returns the KDF and hides the credential.
func (c Credential) String() string { return "(" + c.kdf + " secret)" }

// GoString hides the credential.
func (c Credential) GoString() string { return "crypt.Credential{" + c.String() + "}" }

// derive returns the key-encryption key and the commitment to it.
func (c Credential) derive(s *Slot) (key, commit []byte) {
	var both []byte
	if c.kdf == KDFPassword {
		both = stretch(c.secret, s.Salt, s.cost(), keyLen+commitLen)
	} else {
		both = expand(c.secret, s.Salt, "slot", keyLen+commitLen)
	}
	return both[:keyLen], both[keyLen:]
}
