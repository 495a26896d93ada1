package crypt

import "errors"

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
