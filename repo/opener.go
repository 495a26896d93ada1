package repo

import (
	"errors"

	"firn/chunk"
	"firn/index"
	"firn/pack"
)

// opener opens sealed blobs, one after the other. It is large, so reuse it.
type opener struct {
	repo    *Repo
	decoder *chunk.Decoder
	payload []byte // of the last blob
}

// openSealed appends the plaintext of a blob to dst. What comes back is what the ID names, or an error: decoding on a wrong
// base, for one, shows only there.
func (b *blobReader) openSealed(l index.Location, sealed, base, dst []byte) ([]byte, error) {
	o, err := b.opener()
	if err != nil {
		return nil, err
	}
	defer b.openers.Put(o)
	return o.open(l, sealed, base, dst)
}

// openStored opens a blob that is stored whole, and returns its payload too.
func (b *blobReader) openStored(l index.Location, sealed []byte) (payload, plain []byte, err error) {
	o, err := b.opener()
	if err != nil {
		return nil, nil, err
	}
	defer b.openers.Put(o)
	o.payload = nil
	plain, err = o.open(l, sealed, nil, nil)
	payload, o.payload = o.payload, nil
	return payload, plain, err
}

func (b *blobReader) opener() (*opener, error) {
	if o, ok := b.openers.Get().(*opener); ok {
		return o, nil
	}
	d, err := chunk.NewDecoder()
	return &opener{repo: b.repo, decoder: d}, err
}

func (o *opener) open(l index.Location, sealed, base, dst []byte) ([]byte, error) {
	payload, err := pack.OpenBlob(o.repo.keys, o.payload[:0], l.Entry, sealed)
	if err != nil {
		return nil, err
	}
	o.payload = payload
	if !l.IsDelta() {
		base = nil
	}
	plain, err := o.decoder.Decode(dst, payload, base)
	if err != nil {
		return nil, err
	}
	if o.repo.name(l.Kind, plain) != l.ID {
		return nil, errors.New("content does not match its ID")
	}
	return plain, nil
}
