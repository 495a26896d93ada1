package crypt

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"io"
)

// Keys are the keys of one repository, one for each purpose:
//
//	key = HKDF-SHA-256(secret, salt = repository id, info = "firn/1/" || label)
//
//	label     use
//	id        HMAC-SHA-256 of plaintexts: names of blobs
//	data      XChaCha20-Poly1305 of data blobs
//	meta      XChaCha20-Poly1305 of all else that is sealed
//	config    HMAC-SHA-256 of the repository's configuration
//	chunker   seed of the secret chunk boundaries
//	name      HMAC-SHA-256 of the names of plans
//
// Data and meta have separate keys so that a later version can have a credential that
// writes backups and cannot read them.
//
// Keys are safe for concurrent use.
type Keys struct {
	repo       RepositoryID
	id, config *mac
	name       *mac
	data, meta cipher.AEAD
	chunker    []byte
	random     io.Reader // crypto/rand, except in tests of golden bytes
}

// Derive makes the keys of a repository from its secret.
func Derive(secret Secret, repo RepositoryID) *Keys {
	key := func(label string) []byte { return expand(secret.reveal(), repo[:], label, keyLen) }
	return &Keys{
		repo:    repo,
		id:      newMAC(key("id")),
		data:    newAEAD(key("data")),
		meta:    newAEAD(key("meta")),
		config:  newMAC(key("config")),
		chunker: key("chunker"),
		name:    newMAC(key("name")),
		random:  rand.Reader,
	}
}

// ConfigMAC authenticates the repository's configuration, which is not sealed
// because it is read before there are keys.
func (k *Keys) ConfigMAC(config []byte) [32]byte { return k.config.sum(nil, config) }

// CheckConfigMAC returns [ErrAuth] unless mac is the [Keys.ConfigMAC] of config.
func (k *Keys) CheckConfigMAC(config, mac []byte) error {
	want := k.ConfigMAC(config)
	if !hmac.Equal(want[:], mac) { // in constant time, otherwise it could be guessed byte by byte
		return ErrAuth
	}
	return nil
}

// nameTagLen is the length of a [Keys.NameTag] in bytes. It is enough against guessing
// without the key, because each guess needs an object in the store.
const nameTagLen = 8

// NameTag authenticates the name of an object whose content may never be readable. A name
// with the right tag was chosen by a holder of the key, and a name without it was not.
func (k *Keys) NameTag(name string) [nameTagLen]byte {
	sum := k.name.sum(nil, []byte(name))
	return [nameTagLen]byte(sum[:nameTagLen])
}

// ChunkerSeed returns a stream that is the same on every call, to choose the chunk
// boundaries from: a storage that does not know the boundaries cannot recognise a known
// file by the lengths of its chunks. The stream is a ChaCha20 keystream under the chunker
// key (nonce zero, from block 0) and has 256 GiB, far more than is needed. Each reader is
// for one goroutine.
func (k *Keys) ChunkerSeed() io.Reader { return newKeystream(k.chunker) }
