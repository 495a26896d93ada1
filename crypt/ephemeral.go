package crypt

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
)

// Ephemeral seals data that a process stores on a disk for a while, and that only this process
// reads again. Its key is random and stored nowhere: once the process has ended, the sealed data
// cannot be opened. It is safe for concurrent use.
type Ephemeral struct{ aead cipher.AEAD }

// NewEphemeral makes a key.
func NewEphemeral() *Ephemeral {
	var key [keyLen]byte
	rand.Read(key[:])
	return &Ephemeral{newAEAD(key[:])}
}

// Seal appends plaintext, [Overhead] bytes longer, to dst. The place is authenticated, so that a
// block cannot pass for another block. dst and plaintext must not overlap.
func (e *Ephemeral) Seal(dst []byte, place uint64, plaintext []byte) []byte {
	return seal(e.aead, rand.Reader, dst, plaintext, placeAAD(place))
}

// Open appends to dst the plaintext of a block that [Ephemeral.Seal] made for this place, or
// returns [ErrAuth]. dst and sealed must not overlap.
func (e *Ephemeral) Open(dst []byte, place uint64, sealed []byte) ([]byte, error) {
	return open(e.aead, dst, sealed, placeAAD(place))
}

func placeAAD(place uint64) []byte { return binary.BigEndian.AppendUint64(nil, place) }
