package crypt

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
)

// Ephemeral seals what a process puts on a disk for a while and reads again itself. Its key is random and stored
// nowhere: once the process has ended, nobody can open what it sealed. It is safe for concurrent use.
type Ephemeral struct{ aead cipher.AEAD }

// NewEphemeral makes a key.
func NewEphemeral() *Ephemeral {
	var key [keyLen]byte
	rand.Read(key[:])
	return &Ephemeral{newAEAD(key[:])}
}

// Seal appends plaintext, [Overhead] bytes longer, to dst. The place is authenticated, so that no block passes for
// another one. dst and plaintext must not overlap.
func (e *Ephemeral) Seal(dst []byte, place uint64, plaintext []byte) []byte {
	return seal(e.aead, rand.Reader, dst, plaintext, placeAAD(place))
}

// Open appends to dst the plaintext of what [Ephemeral.Seal] made for this place, or returns [ErrAuth]. dst and sealed
// must not overlap.
func (e *Ephemeral) Open(dst []byte, place uint64, sealed []byte) ([]byte, error) {
	return open(e.aead, dst, sealed, placeAAD(place))
}

func placeAAD(place uint64) []byte { return binary.BigEndian.AppendUint64(nil, place) }
