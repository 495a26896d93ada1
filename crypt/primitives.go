package crypt

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"io"
	"sync"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"
)

// infoPrefix separates firn's derived keys from any other use of the same
// secret, and the keys of this format from those of a later format.
const infoPrefix = "firn/1/"

const (
	keyLen   = chacha20poly1305.KeySize
	nonceLen = chacha20poly1305.NonceSizeX
	tagLen   = chacha20poly1305.Overhead
)

// expand derives n bytes for one purpose by HKDF-SHA-256.
func expand(secret, salt []byte, label string, n int) []byte {
	key, err := hkdf.Key(sha256.New, secret, salt, infoPrefix+label, n)
	if err != nil {
		panic("crypt: internal error: " + err.Error())
	}
	return key
}

// stretch derives n bytes from a password by Argon2id.
func stretch(password, salt []byte, c cost, n int) []byte {
	return argon2.IDKey(password, salt, c.time, c.memoryKiB, c.threads, uint32(n))
}

// newAEAD returns XChaCha20-Poly1305 under key, safe for concurrent use.
func newAEAD(key []byte) cipher.AEAD {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic("crypt: internal error: " + err.Error())
	}
	return aead
}

// seal appends nonce || ciphertext || tag to dst.
//
// The nonce is random. At 24 bytes it is long enough that nonces need not be
// counted. Hosts that share a repository but no state could not count them. A
// nonce used twice would reveal both messages and let the storage forge more.
func seal(aead cipher.AEAD, random io.Reader, dst, plaintext, aad []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, nonceLen)...)
	nonce := dst[start:]
	fill(random, nonce)
	return aead.Seal(dst, nonce, plaintext, aad)
}

// open appends to dst the plaintext of a message that seal made. If it refuses
// a message, it gives no reason and returns no byte of it.
func open(aead cipher.AEAD, dst, sealed, aad []byte) ([]byte, error) {
	if len(sealed) < Overhead {
		return nil, ErrAuth
	}
	plaintext, err := aead.Open(dst, sealed[:nonceLen], sealed[nonceLen:], aad)
	if err != nil {
		return nil, ErrAuth
	}
	return plaintext, nil
}

// fill reads random bytes. Without them data would be sealed under a known
// nonce, so a failing source is fatal, as it is in crypto/rand.
func fill(random io.Reader, p []byte) {
	if _, err := io.ReadFull(random, p); err != nil {
		panic("crypt: internal error: random source: " + err.Error())
	}
}

// mac computes HMAC-SHA-256 under one key. It is safe for concurrent use. It
// keeps its states for the next call, because they have already absorbed the
// key.
type mac struct{ states sync.Pool }

type macState struct {
	hash.Hash
	buf [sha256.Size]byte // a local variable would escape to the heap
}

func newMAC(key []byte) *mac {
	newState := func() any { return &macState{Hash: hmac.New(sha256.New, key)} }
	return &mac{states: sync.Pool{New: newState}}
}

// sum returns the MAC of prefix || b; prefix is at most 32 bytes.
func (m *mac) sum(prefix, b []byte) [sha256.Size]byte {
	s := m.states.Get().(*macState)
	defer m.states.Put(s)
	s.Reset()
	s.Write(s.buf[:copy(s.buf[:], prefix)])
	s.Write(b)
	s.Sum(s.buf[:0])
	return s.buf
}

// keystream is the ChaCha20 (RFC 8439) keystream under a key, nonce zero, from
// block 0.
type keystream struct{ cipher *chacha20.Cipher }

func newKeystream(key []byte) *keystream {
	c, err := chacha20.NewUnauthenticatedCipher(key, make([]byte, chacha20.NonceSize))
	if err != nil {
		panic("crypt: internal error: " + err.Error())
	}
	return &keystream{c}
}

// Read fills p. It never fails within the 256 GiB of a ChaCha20 keystream.
func (k *keystream) Read(p []byte) (int, error) {
	clear(p)
	k.cipher.XORKeyStream(p, p)
	return len(p), nil
}
