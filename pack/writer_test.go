package pack_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"firn/chunk"
	"firn/crypt"
	"firn/pack"
)

// noise returns n bytes that do not compress.
func noise(seed byte, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// samples are blobs of every kind and codec, nodes and data mixed.
func samples(t testing.TB, keys *crypt.Keys) []blob {
	t.Helper()
	text := bytes.Repeat([]byte("a row like many others; "), 400)
	edit := func(at int) []byte {
		b := bytes.Clone(text)
		copy(b[at:], "changed")
		return b
	}
	root := whole(t, keys, chunk.Data, text)
	first := delta(t, keys, edit(100), root)
	second := delta(t, keys, edit(200), first)
	node := whole(t, keys, chunk.Node, text[:500])
	return []blob{
		node, root, whole(t, keys, chunk.Data, noise(1, 3000)), first,
		delta(t, keys, text[:490], node), whole(t, keys, chunk.Data, nil), second,
		delta(t, keys, edit(300), second), whole(t, keys, chunk.Data, []byte{1}),
	}
}

// finish makes a pack of blobs.
func finish(t testing.TB, keys *crypt.Keys, id pack.ID, blobs []blob) (object []byte, entries []pack.Entry, tail int) {
	t.Helper()
	w := pack.NewWriter(keys, id)
	for _, b := range blobs {
		w.Add(b.entry, b.sealed)
	}
	if size, n := w.Size(), w.Len(); n != len(blobs) {
		t.Errorf("Len = %d, want %d", n, len(blobs))
	} else if object, _, _, err := w.Finish(); err != nil || size < len(object) {
		t.Errorf("Size = %d for a pack of %d bytes, %v", size, len(object), err)
	}
	object, entries, tail, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if got := pack.Size(entries); got != int64(len(object)) {
		t.Errorf("pack.Size = %d of a pack of %d bytes", got, len(object))
	}
	return object, entries, tail
}

func TestWriterRoundTrip(t *testing.T) {
	t.Parallel()
	keys, id := newKeys(), pack.NewID()
	blobs := samples(t, keys)
	for n := range len(blobs) + 1 {
		object, entries, tail := finish(t, keys, id, blobs[:n])
		if len(entries) != n {
			t.Fatalf("%d entries for %d blobs", len(entries), n)
		}
		if kind, err := crypt.ParseHeader(object); kind != crypt.ObjectPack || err != nil {
			t.Errorf("header of kind %d, %v", kind, err)
		}
		back, need, err := pack.ParseTail(keys, id, int64(len(object)), object[len(object)-tail:])
		if err != nil || need != 0 || !slices.Equal(back, entries) {
			t.Errorf("%d blobs: other entries come back, need %d, %v", n, need, err)
		}
		wantOrder(t, entries, len(object)-tail)
		for _, b := range blobs[:n] {
			i := slices.IndexFunc(entries, func(e pack.Entry) bool { return e.ID == b.entry.ID })
			if got, err := open(t, keys, object, entries[i], b.base); err != nil || !bytes.Equal(got, b.plain) {
				t.Errorf("blob %d does not come back: %v", i, err)
			}
		}
	}
}

// wantOrder checks that the blobs fill the pack up to its tail, nodes last.
func wantOrder(t *testing.T, entries []pack.Entry, end int) {
	t.Helper()
	at := uint32(crypt.HeaderLen)
	for i, e := range entries {
		if e.Offset != at {
			t.Errorf("entry %d at %d, want %d", i, e.Offset, at)
		}
		if i > 0 && e.Kind == chunk.Data && entries[i-1].Kind == chunk.Node {
			t.Errorf("entry %d is data behind a node", i)
		}
		at += e.Length
	}
	if int(at) != end {
		t.Errorf("the blobs end at %d, want %d", at, end)
	}
}

// A blob moves from pack to pack as it is.
func TestWriterMovesBlobs(t *testing.T) {
	t.Parallel()
	keys := newKeys()
	blobs := samples(t, keys)
	object, entries, _ := finish(t, keys, pack.NewID(), blobs)
	w := pack.NewWriter(keys, pack.NewID())
	for _, e := range slices.Backward(entries) {
		w.Add(e, object[e.Offset:][:e.Length])
	}
	clear(object[:10]) // the writer has copied what it keeps
	moved, entries, _, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blobs {
		i := slices.IndexFunc(entries, func(e pack.Entry) bool { return e.ID == b.entry.ID })
		if got, err := open(t, keys, moved, entries[i], b.base); err != nil || !bytes.Equal(got, b.plain) {
			t.Errorf("blob %d does not come back: %v", i, err)
		}
	}
}

// A pack that could not be read back is not returned.
func TestWriterRefuses(t *testing.T) {
	t.Parallel()
	keys := newKeys()
	b := whole(t, keys, chunk.Data, []byte("bytes"))
	for name, edit := range map[string]func(*blob){
		"UnknownKind":  func(b *blob) { b.entry.Kind = 3 },
		"NoKind":       func(b *blob) { b.entry.Kind = 0 },
		"UnknownCodec": func(b *blob) { b.entry.Codec = 3 },
		"DepthOfWhole": func(b *blob) { b.entry.Depth = 1 },
		"BaseOfWhole":  func(b *blob) { b.entry.Base[0] = 1 },
		"NoDepth":      func(b *blob) { b.entry.Codec = chunk.Delta; b.entry.Base[0] = 1 },
		"TooDeep":      func(b *blob) { b.entry.Codec, b.entry.Depth = chunk.Delta, chunk.MaxDepth+1 },
		"OwnBase":      func(b *blob) { b.entry.Codec, b.entry.Depth, b.entry.Base = chunk.Delta, 1, b.entry.ID },
		"HugePlain":    func(b *blob) { b.entry.Plain = chunk.MaxPlain + 1 },
		"Unsealed":     func(b *blob) { b.sealed = b.sealed[:crypt.Overhead] },
		"TooLarge":     func(b *blob) { b.sealed = make([]byte, pack.MaxSize) },
	} {
		b := b
		edit(&b)
		w := pack.NewWriter(keys, pack.NewID())
		w.Add(b.entry, b.sealed)
		if object, entries, _, err := w.Finish(); !errors.Is(err, pack.ErrFormat) || object != nil || entries != nil {
			t.Errorf("%s: got %d bytes, %v, want ErrFormat", name, len(object), err)
		}
	}
}

// The largest blobs on top of a nearly full pack make one that readers take.
func TestWriterFull(t *testing.T) {
	t.Parallel()
	keys, id := newKeys(), pack.NewID()
	largest := whole(t, keys, chunk.Data, noise(2, chunk.MaxPlain))
	w := pack.NewWriter(keys, id)
	if w.Full() || w.ID() != id {
		t.Errorf("a new pack %s is full", w.ID())
	}
	filler := whole(t, keys, chunk.Data, noise(3, 64<<10))
	for w.Size()+len(filler.sealed)+100 < pack.TargetSize {
		w.Add(filler.entry, filler.sealed)
	}
	if w.Full() {
		t.Error("full before its target size")
	}
	w.Add(largest.entry, largest.sealed)
	if !w.Full() {
		t.Error("not full past its target size")
	}
	if _, _, _, err := w.Finish(); err != nil {
		t.Error(err)
	}
}

func BenchmarkFinish(b *testing.B) {
	keys := newKeys()
	one := whole(b, keys, chunk.Data, noise(4, 8000))
	b.SetBytes(1000 * int64(len(one.sealed)))
	for b.Loop() {
		w := pack.NewWriter(keys, pack.ID{})
		for range 1000 {
			w.Add(one.entry, one.sealed)
		}
		if _, _, _, err := w.Finish(); err != nil {
			b.Fatal(err)
		}
	}
}

// A writer that is used again makes the pack that a new one makes.
func TestWriterReset(t *testing.T) {
	t.Parallel()
	keys := newKeys()
	blobs := samples(t, keys)
	w := pack.NewWriter(keys, pack.NewID())
	for n := len(blobs); n >= 0; n-- { // shorter each time: nothing must be left of the last one
		id := pack.NewID()
		w.Reset(id)
		if w.ID() != id || w.Len() != 0 {
			t.Fatalf("reset to %s: has ID %s and %d blobs", id, w.ID(), w.Len())
		}
		for _, b := range blobs[:n] {
			w.Add(b.entry, b.sealed)
		}
		object, entries, tail, err := w.Finish()
		if err != nil {
			t.Fatal(err)
		}
		want, wantEntries, _ := finish(t, keys, id, blobs[:n])
		if blobsEnd := len(object) - tail; !bytes.Equal(object[:blobsEnd], want[:blobsEnd]) || !slices.Equal(entries, wantEntries) {
			t.Errorf("%d blobs: another pack than a new writer makes", n)
		}
	}
}
