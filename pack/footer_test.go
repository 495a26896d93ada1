package pack_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"firn/chunk"
	"firn/crypt"
	"firn/pack"
)

func isRefusal(err error) bool {
	return errors.Is(err, pack.ErrFormat) || errors.Is(err, crypt.ErrAuth)
}

// Every way to hand in too little of a tail says how much is needed.
func TestParseTailNeedsMore(t *testing.T) {
	t.Parallel()
	keys, id := newKeys(), pack.NewID()
	object, entries, tail := finish(t, keys, id, samples(t, keys))
	size := int64(len(object))
	for n := range len(object) + 1 {
		got, need, err := pack.ParseTail(keys, id, size, object[len(object)-n:])
		want := 0
		switch {
		case n < crypt.TrailerLen:
			want = crypt.TrailerLen
		case n < tail:
			want = tail
		}
		if err != nil || need != want || (got != nil) != (want == 0) {
			t.Fatalf("%d bytes of %d: %d entries, need %d, %v, want need %d", n, tail, len(got), need, err, want)
		}
		if want == 0 && !slices.Equal(got, entries) {
			t.Fatalf("%d bytes of %d: other entries", n, tail)
		}
	}
}

func TestParseTailRefusesDamage(t *testing.T) {
	t.Parallel()
	keys, id := newKeys(), pack.NewID()
	object, _, tail := finish(t, keys, id, samples(t, keys))
	size := len(object)
	refused := func(what string, at int, keys *crypt.Keys, id pack.ID, size int, tail []byte) {
		t.Helper()
		if entries, need, err := pack.ParseTail(keys, id, int64(size), tail); !isRefusal(err) || entries != nil || need != 0 {
			t.Errorf("%s at %d: got %d entries, need %d, %v", what, at, len(entries), need, err)
		}
	}
	for i := size - tail; i < size; i++ {
		flipped := bytes.Clone(object)
		flipped[i] ^= 0x10
		refused("flipped byte", i, keys, id, size, flipped)
		refused("flipped byte of the tail", i, keys, id, size, flipped[size-tail:])
	}
	for n := range size {
		if n >= crypt.TrailerLen {
			refused("cut", n, keys, id, n, object[:n])
		}
		refused("size of a cut pack", n, keys, id, n, object)
	}
	refused("byte more", size, keys, id, size+1, append(bytes.Clone(object), 0))
	refused("start missing", 1, keys, id, size-1, object[1:])
	refused("other size", 1, keys, id, size+1, object)
	refused("other name", 0, keys, pack.NewID(), size, object)
	refused("other keys", 0, newKeys(), id, size, object)
	refused("huge", 0, keys, id, pack.MaxSize+1, object)
	refused("negative size", 0, keys, id, -1, nil)
}

// footer encodes entries as the format says, valid or not.
func footer(entries ...pack.Entry) []byte {
	var b []byte
	for _, e := range entries {
		b = append(append(b, byte(e.Kind)), e.ID[:]...)
		for _, n := range []uint32{e.Offset, e.Length, e.Plain} {
			b = binary.LittleEndian.AppendUint32(b, n)
		}
		if b = append(b, byte(e.Codec)); e.Codec == chunk.Delta {
			b = append(append(b, e.Depth), e.Base[:]...)
		}
	}
	return b
}

// tailOf seals the plaintext of a footer behind blobs that end at end, and
// returns the tail and the size of the pack.
func tailOf(keys *crypt.Keys, id pack.ID, end int, plain []byte) (tail []byte, size int64) {
	sealed := keys.SealFooter(id.Kind(), id.Name(), plain)
	tail = append(sealed, keys.SealTrailer(id.Kind(), id.Name(), uint64(len(sealed)))...)
	return tail, int64(end + len(tail))
}

func TestParseTailRefusesLies(t *testing.T) {
	t.Parallel()
	keys, id := newKeys(), pack.NewID()
	good := []pack.Entry{
		{Kind: chunk.Data, ID: chunk.ID{1}, Offset: 16, Length: 100, Plain: 90, Codec: chunk.Zstd},
		{Kind: chunk.Data, ID: chunk.ID{2}, Offset: 116, Length: 50, Plain: 90, Codec: chunk.Delta, Depth: 1, Base: chunk.ID{1}},
		{Kind: chunk.Node, ID: chunk.ID{3}, Offset: 166, Length: 45, Plain: 0, Codec: chunk.Raw},
	}
	const end = 211
	check := func(name string, plain []byte, ok bool) {
		t.Helper()
		tail, size := tailOf(keys, id, end, plain)
		entries, need, err := pack.ParseTail(keys, id, size, tail)
		if ok != (err == nil) || !ok && !errors.Is(err, pack.ErrFormat) || need != 0 || ok != (entries != nil) {
			t.Errorf("%s: got %d entries, need %d, %v", name, len(entries), need, err)
		}
	}
	check("Good", footer(good...), true)
	for name, edit := range map[string]func(e []pack.Entry){
		"GapAtStart":    func(e []pack.Entry) { e[0].Offset++; e[0].Length-- },
		"Gap":           func(e []pack.Entry) { e[0].Length-- },
		"Overlap":       func(e []pack.Entry) { e[0].Length++ },
		"OverlapHeader": func(e []pack.Entry) { e[0].Offset--; e[0].Length++ },
		"Swapped":       func(e []pack.Entry) { e[0], e[1] = e[1], e[0] },
		"PastEnd":       func(e []pack.Entry) { e[2].Length++ },
		"ShortOfEnd":    func(e []pack.Entry) { e[2].Length-- },
		"FarPastEnd":    func(e []pack.Entry) { e[2].Length = 1<<32 - 1 },
		"Wraps":         func(e []pack.Entry) { e[1].Length = 1<<32 - 16; e[2].Offset = 100 },
		"Unsealed":      func(e []pack.Entry) { e[1].Length, e[2].Offset, e[2].Length = 44, 160, 51 },
		"NoLength":      func(e []pack.Entry) { e[1].Length, e[2].Offset, e[2].Length = 0, 116, 95 },
		"KindZero":      func(e []pack.Entry) { e[0].Kind = 0 },
		"UnknownKind":   func(e []pack.Entry) { e[0].Kind = 3 },
		"UnknownCodec":  func(e []pack.Entry) { e[0].Codec = 3 },
		"DepthZero":     func(e []pack.Entry) { e[1].Depth = 0 },
		"DepthFour":     func(e []pack.Entry) { e[1].Depth = 4 },
		"OwnBase":       func(e []pack.Entry) { e[1].Base = e[1].ID },
		"HugePlain":     func(e []pack.Entry) { e[0].Plain = chunk.MaxPlain + 1 },
	} {
		lie := slices.Clone(good)
		edit(lie)
		check(name, footer(lie...), false)
	}
	for n := range len(footer(good...)) {
		check("Cut", footer(good...)[:n], false)
	}
	check("ByteMore", append(footer(good...), 0), false)
	check("EntryMore", footer(append(good, good[2])...), false)
}

// A trailer may say anything of the footer's length.
func TestParseTailRefusesLengths(t *testing.T) {
	t.Parallel()
	keys, id := newKeys(), pack.NewID()
	sealed := keys.SealFooter(id.Kind(), id.Name(), nil)
	size := int64(crypt.HeaderLen + len(sealed) + crypt.TrailerLen)
	for _, length := range []uint64{0, 1, crypt.Overhead - 1, crypt.Overhead + 1, crypt.Overhead + 16, 1 << 31, 1 << 32, 1<<63 - 1, 1 << 63, 1<<64 - 1} {
		tail := append(slices.Clone(sealed), keys.SealTrailer(id.Kind(), id.Name(), length)...)
		if entries, need, err := pack.ParseTail(keys, id, size, tail); !isRefusal(err) || entries != nil || need != 0 {
			t.Errorf("length %d: got %d entries, need %d, %v", length, len(entries), need, err)
		}
	}
	tail := append(sealed, keys.SealTrailer(id.Kind(), id.Name(), crypt.Overhead)...)
	if entries, need, err := pack.ParseTail(keys, id, size, tail); err != nil || need != 0 || len(entries) != 0 {
		t.Errorf("empty pack: got %d entries, need %d, %v", len(entries), need, err)
	}
}

// FuzzParseTail seals fuzzed footers: what is accepted says the same again, and
// covers the pack without a gap.
func FuzzParseTail(f *testing.F) {
	keys, id := crypt.Derive(crypt.SecretOf([]byte{1}), crypt.RepositoryID{2}), pack.ID{3}
	f.Add(footer(), uint16(16))
	f.Add(footer(pack.Entry{Kind: chunk.Data, ID: chunk.ID{1}, Offset: 16, Length: 100, Plain: 90, Codec: chunk.Zstd}), uint16(116))
	f.Add(footer(
		pack.Entry{Kind: chunk.Data, ID: chunk.ID{1}, Offset: 16, Length: 60, Plain: 90, Codec: chunk.Delta, Depth: 3, Base: chunk.ID{2}},
		pack.Entry{Kind: chunk.Node, ID: chunk.ID{3}, Offset: 76, Length: 45, Codec: chunk.Raw}), uint16(121))
	f.Fuzz(func(t *testing.T, plain []byte, end uint16) {
		tail, size := tailOf(keys, id, int(end), plain)
		entries, need, err := pack.ParseTail(keys, id, size, tail)
		if err != nil {
			if !errors.Is(err, pack.ErrFormat) || entries != nil {
				t.Errorf("got %d entries, %v, want ErrFormat", len(entries), err)
			}
			return
		}
		if again := footer(entries...); need != 0 || !bytes.Equal(again, plain) {
			t.Errorf("footer %x is accepted and encodes to %x, need %d", plain, again, need)
		}
		at := uint32(crypt.HeaderLen)
		for _, e := range entries {
			if e.Offset != at || e.Plain > chunk.MaxPlain {
				t.Errorf("accepted %+v at %d", e, at)
			}
			at += e.Length
		}
		if at != uint32(end) {
			t.Errorf("accepted blobs that end at %d, want %d", at, end)
		}
	})
}
