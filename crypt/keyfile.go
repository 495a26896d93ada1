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
	keyFamily = "firn-key" // of every version
	keyPrefix = keyFamily + "-"
	keyData   = 52 + bech32Sum // characters behind keyPrefix and bech32Separator
)

// errKeyFile says what is wanted and never what was found: that may be a key
// with a typing error, or another secret altogether.
var errKeyFile = fmt.Errorf("not a key file: want one line \"%s%s\" and %d more characters", keyPrefix, bech32Separator, keyData)

// KeyFile is a random key that opens a repository without a password. It needs
// no costly derivation, which suits unattended runs.
type KeyFile struct{ hidden }

// NewKeyFile makes a random KeyFile.
func NewKeyFile() KeyFile { return KeyFile{newHidden()} }

// KeyFileOf returns the key of these bytes, 32 or less: then zeros follow.
func KeyFileOf(b []byte) KeyFile { return KeyFile{hide(b)} }

// Equal compares two keys in constant time.
func (k KeyFile) Equal(other KeyFile) bool { return k.equal(other.hidden) }

// ParseKeyFile reads the text of a key file: the one line of [KeyFile.String] in lower or
// upper case, and any number of empty lines and of comments, which start with #. Blanks
// around a line do not count. A later form is [ErrVersion]. No error holds any
// part of text; where a character of a key is wrong, it says which one.
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
	case line != lower && line != strings.ToUpper(line): // so that a key has two spellings
		return KeyFile{}, errors.New("the key is in upper and lower case: want one of them")
	}
	values, wrong := bech32Values(data)
	switch {
	case len(wrong) > 0:
		return KeyFile{}, fmt.Errorf("character %s of the key: no key has it", places(wrong))
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
	if k.String() != lower { // 4 bits are left over, which are 0
		return KeyFile{}, errKeyFile
	}
	return k, nil
}

// places names characters of a line, of which some in the data are meant.
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

// String returns the key as a line of lower-case letters and digits. It is the secret
// itself, for writing the file.
func (k KeyFile) String() string { return bech32Encode(keyPrefix, k.reveal()) }

// MarshalText returns the form of [KeyFile.String], the secret itself.
func (k KeyFile) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// GoString hides the key.
func (k KeyFile) GoString() string { return "crypt.KeyFile{(secret)}" }

// Credential returns k as what opens a slot.
func (k KeyFile) Credential() Credential {
	if k.isZero() {
		return Credential{} // never filled; a slot under it would be open to all
	}
	return Credential{kdf: KDFKeyFile, secret: k.reveal()}
}
