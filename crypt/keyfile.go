package crypt

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	keyFileFamily = "firn-key-" // of every version
	keyFilePrefix = keyFileFamily + "1:"
)

// errKeyFile says what is wanted and never what was found: that may be a key
// with a typing error, or another secret altogether.
var errKeyFile = errors.New("not a key file: want one line \"" + keyFilePrefix + "\" and 44 base64 characters")

// KeyFile is a random key that opens a repository without a password. It needs
// no costly derivation, which suits unattended runs.
type KeyFile [32]byte

// NewKeyFile makes a random KeyFile.
func NewKeyFile() KeyFile {
	var k KeyFile
	rand.Read(k[:])
	return k
}

// ParseKeyFile reads the text of a key file: the one line of [KeyFile.String],
// and any number of empty lines and of comments, which start with #. Blanks
// around a line do not count. A later form is [ErrVersion]. No error holds any
// part of text.
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
	encoded, ok := strings.CutPrefix(line, keyFilePrefix)
	if !ok && laterKey(line) {
		return KeyFile{}, fmt.Errorf("parse key file: %w", ErrVersion)
	}
	// Strict, so that one key has one spelling.
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	var k KeyFile
	if !ok || err != nil || copy(k[:], key) != len(k) || k.String() != line {
		return KeyFile{}, errKeyFile
	}
	return k, nil
}

// laterKey reports whether line is a key of a version after 1.
func laterKey(line string) bool {
	rest, ok := strings.CutPrefix(line, keyFileFamily)
	version, _, _ := strings.Cut(rest, ":")
	n, err := strconv.Atoi(version)
	return ok && err == nil && n > 1
}

// String returns the key as the line "firn-key-1:<base64>". It is the secret
// itself, for writing the file.
func (k KeyFile) String() string {
	return keyFilePrefix + base64.StdEncoding.EncodeToString(k[:])
}

// MarshalText returns the form of [KeyFile.String], the secret itself.
func (k KeyFile) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Credential returns k as what opens a slot.
func (k KeyFile) Credential() Credential {
	if k == (KeyFile{}) {
		return Credential{} // never filled; a slot under it would be open to all
	}
	return Credential{kdf: KDFKeyFile, secret: k[:]}
}
