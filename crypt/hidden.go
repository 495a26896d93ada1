package crypt

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
)

// hiddenLen is the length of all secrets of the format, in bytes.
const hiddenLen = 32

// hidden keeps secret bytes behind a pointer. The trace of a panic shows the arguments
// of functions, arrays byte by byte, and such traces end up in logs and bug reports. So
// only this type holds secret bytes, and they are passed on as slices.
type hidden struct{ bytes *[hiddenLen]byte }

// hide copies up to 32 bytes. Missing bytes are 0.
func hide(b []byte) hidden {
	h := hidden{new([hiddenLen]byte)}
	copy(h.bytes[:], b)
	return h
}

// newHidden makes random bytes.
func newHidden() hidden {
	h := hide(nil)
	rand.Read(h.bytes[:]) // never fails: it ends the program instead
	return h
}

// reveal returns the bytes themselves, and zeros for the zero value.
func (h hidden) reveal() []byte {
	if h.bytes == nil {
		return make([]byte, hiddenLen)
	}
	return h.bytes[:]
}

// isZero reports whether all bytes are 0, as in a value that was never filled.
func (h hidden) isZero() bool { return bytes.Equal(h.reveal(), make([]byte, hiddenLen)) }

// equal compares the bytes in constant time.
func (h hidden) equal(other hidden) bool {
	return subtle.ConstantTimeCompare(h.reveal(), other.reveal()) == 1
}
