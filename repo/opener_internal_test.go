package repo

import (
	"bytes"
	"context"
	"testing"

	"firn/chunk"
	"firn/index"
	"firn/objectcache"
	"firn/pack"
	"firn/store"
)

// packStore has packs by their names, for reading.
type packStore struct {
	store.Store
	objects map[string][]byte
}

func (s packStore) Get(_ context.Context, name string, off, length int64) ([]byte, error) {
	return s.objects[name][off:][:length], nil
}

// addPack puts blobs into a pack of the store, and into the index.
func addPack(t *testing.T, r *blobReader, number byte, blobs ...blobToAdd) {
	t.Helper()
	w := pack.NewWriter(r.repo.keys, pack.ID{number})
	for _, b := range blobs {
		codec, n, err := chunk.PayloadCodec(b.payload)
		if err != nil {
			t.Fatal(err)
		}
		e := pack.Entry{Kind: chunk.Data, ID: b.id, Plain: uint32(n), Codec: codec, Base: b.base}
		if e.IsDelta() {
			e.Depth = 1
		}
		w.Add(e, pack.SealBlob(r.repo.keys, nil, e, b.payload))
	}
	object, entries, _, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	r.repo.store.(packStore).objects[w.ID().Name()] = object
	r.index().Add(w.ID(), entries)
}

// blobToAdd is a payload under a name, which may be another's.
type blobToAdd struct {
	id      chunk.ID
	payload []byte
	base    chunk.ID
}

// TestReadInto reads a chunk on a base that an attacker with the key has sealed under a wrong
// name, or made a delta on another one. The lent buffer is never filled with anything but the
// chunk.
func TestReadInto(t *testing.T) {
	t.Parallel()
	enc, err := chunk.NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	plain, bases := history(1, 300, 900)
	base, other := bases[0], bases[1]
	id, baseID := packReader().repo.name(chunk.Data, plain), packReader().repo.name(chunk.Data, base)
	whole := func(id chunk.ID, b []byte) blobToAdd { return blobToAdd{id: id, payload: enc.Encode(nil, b)} }
	delta := blobToAdd{id: id, payload: enc.EncodeDelta(nil, plain, base), base: baseID}
	stray := blobToAdd{id: id, payload: enc.EncodeDelta(nil, plain, other), base: baseID}
	for name, tt := range map[string]struct {
		packs [][]blobToAdd
		sound bool
	}{
		"Whole":           {[][]blobToAdd{{whole(id, plain)}}, true},
		"Delta":           {[][]blobToAdd{{whole(baseID, base), delta}}, true},
		"OtherContent":    {[][]blobToAdd{{whole(id, base)}}, false},
		"OtherBase":       {[][]blobToAdd{{whole(baseID, other), delta}}, false},
		"DeltaOnOther":    {[][]blobToAdd{{whole(baseID, base), stray}}, false},
		"SecondBase":      {[][]blobToAdd{{whole(baseID, other), delta}, {whole(baseID, base)}}, true},
		"WholeElsewhere":  {[][]blobToAdd{{whole(id, base)}, {whole(id, plain)}}, true},
		"DeltaNeverTaken": {[][]blobToAdd{{whole(baseID, other), stray}, {whole(id, plain)}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := packReader()
			for i, blobs := range tt.packs {
				addPack(t, r, byte(i+1), blobs...)
			}
			buffer := make([]byte, 0, 2*len(plain))
			got, err := r.readInto(t.Context(), nil, id, buffer)
			if tt.sound && (err != nil || !bytes.Equal(got, plain)) {
				t.Errorf("got %d bytes, %v, want the chunk", len(got), err)
			}
			if !tt.sound && !isDamage(err) {
				t.Errorf("got %d bytes, %v, want damage", len(got), err)
			}
		})
	}
}

func packReader() *blobReader {
	r := newRepo(Options{Store: packStore{objects: make(map[string][]byte)}}, objectcache.Open(""), nil)
	r.keys = fuzzKeys
	return r.newReader(&inventory{index: index.New()})
}
