package repo

import (
	"errors"

	"firn/chunk"
	"firn/crypt"
	"firn/index"
	"firn/pack"
)

// opener opens sealed blobs, one after the other. It is large, so reuse it.
type opener struct {
	keys    *crypt.Keys
	decoder *chunk.Decoder
	payload []byte    // of the last blob
	bases   [2][]byte // plaintexts of blobs that others stand on
}

// openSealed appends the plaintext of a blob to dst. It compares the plaintext with the ID, as only that shows that the
// base was wrong.
func (b *blobReader) openSealed(l index.Location, sealed, base, dst []byte) ([]byte, error) {
	o, err := b.opener()
	if err != nil {
		return nil, err
	}
	defer b.repo.openers.Put(o)
	return o.open(l, sealed, base, dst)
}

// openStored opens a blob that is stored whole, and returns its payload too.
func (b *blobReader) openStored(l index.Location, sealed []byte) (payload, plain []byte, err error) {
	o, err := b.opener()
	if err != nil {
		return nil, nil, err
	}
	defer b.repo.openers.Put(o)
	o.payload = nil
	plain, err = o.open(l, sealed, nil, nil)
	payload, o.payload = o.payload, nil
	return payload, plain, err
}

func (b *blobReader) opener() (*opener, error) {
	if o, ok := b.repo.openers.Get().(*opener); ok {
		return o, nil
	}
	d, err := chunk.NewDecoder()
	return &opener{keys: b.repo.keys, decoder: d}, err
}

func (o *opener) open(l index.Location, sealed, base, dst []byte) ([]byte, error) {
	if err := o.unseal(l, sealed); err != nil {
		return nil, err
	}
	plain, err := o.decode(l, base, dst)
	if err != nil {
		return nil, err
	}
	if !o.named(l, plain) {
		return nil, errors.New("content does not match its ID")
	}
	return plain, nil
}

func (o *opener) unseal(l index.Location, sealed []byte) error {
	payload, err := pack.OpenBlob(o.keys, o.payload[:0], l.Entry, sealed)
	if err == nil {
		o.payload = payload
	}
	return err
}

// decode decodes the payload that was unsealed last, on a base that may be the wrong one.
func (o *opener) decode(l index.Location, base, dst []byte) ([]byte, error) {
	if !l.IsDelta() {
		base = nil
	}
	return o.decoder.Decode(dst, o.payload, base)
}

func (o *opener) named(l index.Location, plain []byte) bool {
	return nameOf(o.keys, l.Kind, plain) == l.ID
}

// chain returns the plaintext of the first blob of a chain, in the buffer that is lent for
// it. It computes no IDs of the bases, each of which would take as long as that of the blob:
// on a wrong base, the blob has another ID. It reports false if anything is wrong.
func (o *opener) chain(chain []index.Location, sealed func(index.Location, func([]byte) error) error, buffer []byte) (plain []byte, ok bool) {
	for i := len(chain) - 1; i >= 0; i-- {
		l := chain[i]
		if sealed(l, func(b []byte) error { return o.unseal(l, b) }) != nil {
			return nil, false
		}
		dst := buffer
		if i > 0 {
			dst = o.bases[i%2]
		}
		var err error
		if plain, err = o.decode(l, plain, dst[:0]); err != nil {
			return nil, false
		}
		if i > 0 {
			o.bases[i%2] = plain
		}
	}
	return plain, len(chain) > 0 && o.named(chain[0], plain)
}
