package crypt

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// A key file's line is Bech32 of 32 bytes: "firn-key-1", 52 characters for the bytes, 6 for
// their checksum (docs/format.md, section 2).
const (
	keyFamily = "firn-key" // the same in every version
	keyPrefix = keyFamily + "-"
	keyData   = 52 + bech32Sum // characters behind keyPrefix and bech32Separator
)

// errKeyFile describes a key file and shows no part of the text that was read: that may be
// a key with a typing error, or another secret.
var errKeyFile = fmt.Errorf("not a key file: want one line \"%s%s\" and %d more characters", keyPrefix, bech32Separator, keyData)

// KeyFile is a random key that opens a repository without a password. It needs
// no costly derivation, which suits unattended runs.
type KeyFile struct{ hidden }

// NewKeyFile makes a random KeyFile.
func NewKeyFile() KeyFile { return KeyFile{newHidden()} }

// KeyFileOf returns the key with these bytes, at most 32. Fewer are followed by zeros.
func KeyFileOf(b []byte) KeyFile { return KeyFile{hide(b)} }

// Equal compares two keys in constant time.
func (k KeyFile) Equal(other KeyFile) bool { return k.equal(other.hidden) }

// ParseKeyFile reads the text of a key file: the one line of [KeyFile.String] in lower or
// upper case, and any number of empty lines and of comments, which start with #. Blanks
// around a line do not count. The error for a key of a later version is [ErrVersion]. No
// error contains any part of text. If a character of a key is wrong, the error gives its
// position.
func ParseKeyFile(text []byte) (KeyFile, error) {
	var found []byte
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if found != nil {
			return KeyFile{}, errKeyFile
		}
		found = line
	}
	return parseKey(string(found))
}

func parseKey(line string) (KeyFile, error) {
	lower := strings.ToLower(line)
	data, ok := strings.CutPrefix(lower, keyPrefix+bech32Separator)
	switch {
	case !ok && laterKey(lower):
		return KeyFile{}, fmt.Errorf("parse key: %w", ErrVersion)
	case !ok:
		return KeyFile{}, errKeyFile
	case line != lower && line != strings.ToUpper(line): // a key has only these two spellings
		return KeyFile{}, errors.New("the key is in upper and lower case: want one of them")
	}
	values, wrong := bech32Values(data)
	switch {
	case len(wrong) > 0:
		return KeyFile{}, fmt.Errorf("character %s of the key cannot occur in a key", places(wrong))
	case len(values) != keyData:
		return KeyFile{}, fmt.Errorf("the key has %d characters, want %d", len(line), len(line)-len(data)+keyData)
	}
	if sum := bech32Remainder(keyPrefix, values); sum != bech32Constant {
		if wrong := bech32Wrong(len(values), sum); len(wrong) > 0 {
			return KeyFile{}, fmt.Errorf("the key has a typing error, most likely in character %s", places(wrong))
		}
		return KeyFile{}, errors.New("the key has more than two typing errors")
	}
	k := KeyFileOf(regroup(values[:keyData-bech32Sum], 5, 8))
	if k.String() != lower { // the 4 bits left over must be 0
		return KeyFile{}, errKeyFile
	}
	return k, nil
}

// places returns the positions in the line, counted from 1, of characters in its data.
func places(at []int) string {
	var names []string
	for _, i := range at {
		names = append(names, fmt.Sprint(len(keyPrefix+bech32Separator)+i+1))
	}
	return strings.Join(names, " and ")
}

// laterKey reports whether line is a key of a version after 1.
func laterKey(line string) bool {
	rest, ok := strings.CutPrefix(line, keyPrefix)
	return ok && len(rest) > 0 && '2' <= rest[0] && rest[0] <= '9'
}

// String returns the key as a line of lower-case letters and digits. This is the secret
// itself, for writing the file.
func (k KeyFile) String() string { return bech32Encode(keyPrefix, k.reveal()) }

// MarshalText returns the form of [KeyFile.String], the secret itself.
func (k KeyFile) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// GoString hides the key.
func (k KeyFile) GoString() string { return "crypt.KeyFile{(secret)}" }

// Credential returns the credential of the key.
func (k KeyFile) Credential() Credential {
	if k.isZero() {
		return Credential{} // never filled: anyone could open a slot under it
	}
	return Credential{kdf: KDFKeyFile, secret: k.reveal()}
}
