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

// Credential is what opens a slot: a [Password] or a [KeyFile.Credential]. The
// zero Credential opens none.
type Credential struct {
	kdf    string
	secret []byte
}

// Password returns a password as what opens a slot. Its bytes are taken as they
// are. An empty password makes no slot and opens none.
func Password(password string) Credential {
	if password == "" {
		return Credential{}
	}
	return Credential{kdf: KDFPassword, secret: []byte(password)}
}

// What a password has at least. Whoever can read the store tries as many passwords as they
// have machines for, and these come first. Longer ones can be guessed too: no rule here
// knows a phrase that everybody knows.
const (
	minPassword = 10 // characters
	minDistinct = 5  // of them
)

// CheckStrength returns [ErrWeak] for a password that is guessed at once: [NewSlot] makes
// none for it. Those that there are are opened.
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

// KDF returns [KDFPassword] or [KDFKeyFile], or "" of the zero Credential: a
// credential can open only slots with the same KDF.
func (c Credential) KDF() string { return c.kdf }

// String hides the credential and tells its KDF.
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
