package crypt

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"hash"
)

// PageHashSize is the length of a [PageHash] in bytes.
const PageHashSize = 16

// PageHash stands for the content of a page when images on two hosts are compared: HMAC-SHA-256 with a [PageKey], cut to 128
// bits. Who does not know the key cannot make two pages with one hash.
type PageHash [PageHashSize]byte

// PageKey is the key of a comparison. Both hosts know it; those who write the pages do not.
type PageKey [32]byte

// NewPageKey returns a random key.
func NewPageKey() (k PageKey) {
	_, _ = rand.Read(k[:]) // never fails
	return k
}

// PageHasher hashes pages. It is for one goroutine.
type PageHasher struct {
	mac hash.Hash
	sum [sha256.Size]byte
}

// NewPageHasher returns a hasher with a key.
func NewPageHasher(k PageKey) *PageHasher { return &PageHasher{mac: hmac.New(sha256.New, k[:])} }

// Sum returns the hash of a page.
func (h *PageHasher) Sum(page []byte) (sum PageHash) {
	h.mac.Reset()
	h.mac.Write(page)
	copy(sum[:], h.mac.Sum(h.sum[:0]))
	return sum
}
