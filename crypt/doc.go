// Package crypt protects a repository's secrecy and integrity against the owner
// of its storage. It is the only package that touches cryptography;
// docs/format.md, section 2, is its specification.
//
// The storage may read, copy, delete, reorder and replace every object. It must
// learn nothing but the number, sizes, names and times of objects and the clear
// fields of key slots, and must not be able to make a reader accept
//
//   - bytes that no holder of the [Secret] wrote ([ErrAuth]),
//   - an object under another name, of another kind or of another repository:
//     all of these are authenticated with the content,
//   - a blob as another blob: the [Keys.BlobID] is authenticated with the blob.
//
// It can still hide or delete objects and serve an old state of the whole. The
// packages above must notice that.
//
// A [Secret] is random and never used directly: [Derive] makes one key per
// purpose from it. It is stored only inside key slots, each sealed under a
// password or a [KeyFile]. A [Slot] is read before anything is authenticated,
// so its parameters are treated as an attacker's.
package crypt
