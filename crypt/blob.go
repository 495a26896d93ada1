package crypt

import "slices"

// BlobKind is the kind of a blob's plaintext.
type BlobKind uint8

// The kinds of blobs.
const (
	Data BlobKind = 1 // a chunk of an image
	Node BlobKind = 2 // a node of a list tree
)

// BlobID names a plaintext:
//
//	HMAC-SHA-256(id key, kind u8 || plaintext)
//
// It is keyed because IDs reach caches and logs. With a plain hash, a reader of
// those could test whether the database has a guessed page.
func (k *Keys) BlobID(kind BlobKind, plaintext []byte) [32]byte {
	return k.id.sum([]byte{byte(kind)}, plaintext)
}

// SealBlob appends a sealed blob, [Overhead] bytes longer than payload, to dst:
//
//	offset  size  field
//	0       24    nonce
//	24      n     ciphertext of payload, under the data key for Data, else the meta key
//	24+n    16    tag
//
// The place of the blob in its pack is not authenticated, so that packs can be
// rewritten without opening their blobs. dst and payload must not overlap.
func (k *Keys) SealBlob(dst []byte, kind BlobKind, id [32]byte, payload []byte) []byte {
	if kind == Data {
		return seal(k.data, k.random, dst, payload, k.blobAAD(kind, id))
	}
	return seal(k.meta, k.random, dst, payload, k.blobAAD(kind, id))
}

// OpenBlob appends the payload of a sealed blob to dst. It returns [ErrAuth] if
// [Keys.SealBlob] did not make sealed for this kind and id. dst and sealed must
// not overlap.
//
// OpenBlob does not check that the payload has this id: the host that sealed the
// blob may have lied. The caller checks it by computing [Keys.BlobID] of the
// plaintext.
func (k *Keys) OpenBlob(dst []byte, kind BlobKind, id [32]byte, sealed []byte) ([]byte, error) {
	if kind == Data {
		return open(k.data, dst, sealed, k.blobAAD(kind, id))
	}
	return open(k.meta, dst, sealed, k.blobAAD(kind, id))
}

// blobAAD is "blob" || repository id || kind u8 || id. The first four bytes keep
// blobs apart from objects, whose associated data starts with "firn".
func (k *Keys) blobAAD(kind BlobKind, id [32]byte) []byte {
	return slices.Concat([]byte("blob"), k.repo[:], []byte{byte(kind)}, id[:])
}
