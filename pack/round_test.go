package pack_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/chunk"
	"firn/crypt"
	"firn/pack"
)

func TestRoundID(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC)
	id := pack.NewRoundID(now)
	if id == pack.NewRoundID(now) {
		t.Error("two new IDs are the same")
	}
	if !id.IsRound() || id.Kind() != crypt.ObjectRound || !id.Time().Equal(now) {
		t.Errorf("%s: round %t of kind %d at %s", id, id.IsRound(), id.Kind(), id.Time())
	}
	if p := pack.NewID(); p.IsRound() || p.Kind() != crypt.ObjectPack {
		t.Errorf("%s: round %t of kind %d", p, p.IsRound(), p.Kind())
	}
	text, err := json.Marshal(id)
	if want := `"` + id.String() + `"`; err != nil || string(text) != want {
		t.Errorf("marshals to %s, %v, want %s", text, err, want)
	}
	var back pack.ID
	if err := json.Unmarshal(text, &back); err != nil || back != id {
		t.Errorf("unmarshals to %s, %v, want %s", back, err, id)
	}
	good := "r" + strings.Repeat("a0", 16)
	for _, text := range []string{"r", "R" + good[1:], "r" + good, good[:32], good + "a", good + "a0", "rA0" + good[3:], "rg0" + good[3:], "s" + good[1:], good[1:] + "r"} {
		id := pack.ID{7}
		if err := id.UnmarshalText([]byte(text)); err == nil || id != (pack.ID{7}) {
			t.Errorf("UnmarshalText(%q) = %v and sets %s", text, err, id)
		}
	}
}

func TestRoundName(t *testing.T) {
	t.Parallel()
	const name = "meta/round-fff9b8a109a8a12a00112233445566ff"
	id, ok := pack.ParseName(name)
	if !ok || id.Name() != name || id.String() != "rfff9b8a109a8a12a00112233445566ff" || !id.IsRound() {
		t.Errorf("ParseName(%q) = %s, %t, of the name %q", name, id, ok, id.Name())
	}
	digits := name[len(pack.RoundPrefix):]
	for _, bad := range []string{
		pack.RoundPrefix, name[:len(name)-1], name + "0", name + "/", "/" + name, pack.RoundPrefix + "r" + digits, "meta/round" + digits,
		"meta/Round-" + digits, strings.ToUpper(name), pack.RoundPrefix + digits[:31] + "g", pack.RoundPrefix + "/" + digits,
		"packs/ff/r" + digits, "packs/rf/r" + digits, "meta/r" + digits, "r" + digits, pack.RoundPrefix + digits[:16] + "-" + digits[16:],
	} {
		if id, ok := pack.ParseName(bad); ok || id != (pack.ID{}) {
			t.Errorf("ParseName(%q) = %s, %t", bad, id, ok)
		}
	}
	if p, ok := pack.ParseName("packs/ff/" + digits); !ok || p == id || p.IsRound() { // same digits, another object
		t.Errorf("a pack of the digits of a round: %s, %t", p, ok)
	}
}

// Names of rounds sort the newest first, and those of wild clocks are names, too.
func TestRoundNamesSort(t *testing.T) {
	t.Parallel()
	now := time.Now()
	times := []time.Time{time.UnixMicro(math.MaxInt64), now.Add(time.Microsecond), now, time.Unix(0, 0), time.Unix(0, 0)}
	var names []string
	for i, at := range times {
		id := pack.NewRoundID(at)
		if i == len(times)-1 { // before 1970
			id = pack.NewRoundID(time.Date(1903, 1, 1, 0, 0, 0, 0, time.UTC))
		}
		if want := at.Truncate(time.Microsecond); !id.Time().Equal(want) {
			t.Errorf("time %s, want %s", id.Time(), want)
		}
		names = append(names, id.Name())
	}
	if !slices.IsSorted(names[:4]) {
		t.Errorf("not the newest first: %q", names)
	}
	first, ok := pack.ParseName(pack.RoundPrefix + strings.Repeat("0", 32))
	if !ok || first.Time().Year() < 2000 {
		t.Errorf("the largest time: %s, %t", first.Time(), ok)
	}
}

// finishRound makes a round of blobs and records.
func finishRound(t testing.TB, keys *crypt.Keys, id pack.ID, blobs []blob, records []byte) (object []byte, entries []pack.Entry, tail int) {
	t.Helper()
	w := pack.NewWriter(keys, pack.NewID()) // it is to be a pack, until it gets records
	for _, b := range blobs {
		w.Add(b.entry, b.sealed)
	}
	w.MakeRound(id, records)
	if w.ID() != id || w.Len() != len(blobs) {
		t.Errorf("a round %s of %d blobs, want %s of %d", w.ID(), w.Len(), id, len(blobs))
	}
	object, entries, tail, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return object, entries, tail
}

var someRecords = bytes.Repeat([]byte("the records of some snapshots "), 40)

func TestRoundRoundTrip(t *testing.T) {
	t.Parallel()
	keys, id := newKeys(), pack.NewRoundID(time.Now())
	blobs := samples(t, keys)
	for n := range len(blobs) + 1 {
		object, entries, tail := finishRound(t, keys, id, blobs[:n], someRecords)
		if kind, err := crypt.ParseHeader(object); kind != crypt.ObjectRound || err != nil {
			t.Errorf("header of kind %d, %v", kind, err)
		}
		size := int64(len(object))
		for _, end := range [][]byte{object[len(object)-tail:], object} {
			back, records, need, err := pack.ParseRound(keys, id, size, end)
			if err != nil || need != 0 || !slices.Equal(back, entries) || !bytes.Equal(records, someRecords) {
				t.Errorf("%d blobs: %d entries and %d bytes of records come back, need %d, %v", n, len(back), len(records), need, err)
			}
			if back, need, err := pack.ParseTail(keys, id, size, end); err != nil || need != 0 || !slices.Equal(back, entries) {
				t.Errorf("%d blobs: as a pack, %d entries come back, need %d, %v", n, len(back), need, err)
			}
		}
		wantOrder(t, entries, len(object)-tail)
		if got := pack.BlobsEnd(entries); got != size-int64(tail) {
			t.Errorf("the blobs end at %d, want %d", got, size-int64(tail))
		}
		for _, b := range blobs[:n] {
			i := slices.IndexFunc(entries, func(e pack.Entry) bool { return e.ID == b.entry.ID })
			if got, err := open(t, keys, object, entries[i], b.base); err != nil || !bytes.Equal(got, b.plain) {
				t.Errorf("blob %d does not come back: %v", i, err)
			}
		}
	}
}

// A round must have records, and a pack has none.
func TestRoundWithoutRecords(t *testing.T) {
	t.Parallel()
	keys := newKeys()
	b := whole(t, keys, chunk.Data, []byte("bytes"))
	for _, records := range [][]byte{nil, {}} {
		w := pack.NewWriter(keys, pack.NewID())
		w.Add(b.entry, b.sealed)
		w.MakeRound(pack.NewRoundID(time.Now()), records)
		if object, _, _, err := w.Finish(); !errors.Is(err, pack.ErrFormat) || object != nil {
			t.Errorf("got %d bytes, %v, want ErrFormat", len(object), err)
		}
	}
	id := pack.NewID()
	object, _, _ := finish(t, keys, id, []blob{b})
	if _, records, _, err := pack.ParseRound(keys, id, int64(len(object)), object); records != nil || err != nil {
		t.Errorf("a pack has records %q, %v", records, err)
	}
}

func TestParseRoundNeedsMore(t *testing.T) {
	t.Parallel()
	keys, id := newKeys(), pack.NewRoundID(time.Now())
	object, _, tail := finishRound(t, keys, id, samples(t, keys), someRecords)
	for n := range len(object) + 1 {
		_, records, need, err := pack.ParseRound(keys, id, int64(len(object)), object[len(object)-n:])
		want := 0
		switch {
		case n < crypt.TrailerLen:
			want = crypt.TrailerLen
		case n < tail:
			want = tail
		}
		if err != nil || need != want || (records != nil) != (want == 0) {
			t.Fatalf("%d bytes of %d: %d bytes of records, need %d, %v, want need %d", n, tail, len(records), need, err, want)
		}
	}
}

func TestParseRoundRefusesDamage(t *testing.T) {
	t.Parallel()
	keys, id := newKeys(), pack.NewRoundID(time.Now())
	object, _, tail := finishRound(t, keys, id, samples(t, keys), someRecords)
	size := len(object)
	refused := func(what string, at int, keys *crypt.Keys, id pack.ID, size int, tail []byte) {
		t.Helper()
		entries, records, need, err := pack.ParseRound(keys, id, int64(size), tail)
		if !isRefusal(err) || entries != nil || records != nil || need != 0 {
			t.Errorf("%s at %d: got %d entries, %d bytes of records, need %d, %v", what, at, len(entries), len(records), need, err)
		}
	}
	for i := size - tail; i < size; i++ {
		flipped := bytes.Clone(object)
		flipped[i] ^= 0x10
		refused("flipped byte", i, keys, id, size, flipped)
	}
	for n := crypt.TrailerLen; n < size; n++ {
		refused("cut", n, keys, id, n, object[:n])
		refused("size of a cut round", n, keys, id, n, object)
	}
	refused("byte more", size, keys, id, size+1, append(bytes.Clone(object), 0))
	refused("other name", 0, keys, pack.NewRoundID(id.Time()), size, object)
	refused("other keys", 0, newKeys(), id, size, object)
	refused("huge", 0, keys, id, pack.MaxSize+1, object)
	refused("name of a pack", 0, keys, pack.NewID(), size, object)
	asPack := id
	asPack[len(asPack)-1] = 0 // the same bytes
	refused("pack of these digits", 0, keys, asPack, size, object)
	other, _, _ := finish(t, keys, asPack, samples(t, keys))
	refused("a pack under a round's name", 0, keys, id, len(other), other)
}

func TestParseRoundRefusesLies(t *testing.T) {
	t.Parallel()
	keys, id := newKeys(), pack.NewRoundID(time.Now())
	entry := footer(pack.Entry{Kind: chunk.Data, ID: chunk.ID{1}, Offset: 16, Length: 100, Plain: 90, Codec: chunk.Zstd})
	const end = 116
	plain := func(length uint32, rest ...[]byte) []byte {
		return slices.Concat(binary.LittleEndian.AppendUint32(nil, length), slices.Concat(rest...))
	}
	n := uint32(len(entry))
	for name, test := range map[string]struct {
		plain []byte
		end   int
		ok    bool
	}{
		"Good":           {plain(n, entry, []byte("records")), end, true},
		"OneByte":        {plain(n, entry, []byte{0}), end, true},
		"NoBlobs":        {plain(0, []byte("records")), crypt.HeaderLen, true},
		"Empty":          {nil, crypt.HeaderLen, false},
		"ShortLength":    {plain(0)[:3], crypt.HeaderLen, false},
		"NothingElse":    {plain(0), crypt.HeaderLen, false},
		"NoRecords":      {plain(n, entry), end, false},
		"BeyondFooter":   {plain(n+8, entry, []byte("records")), end, false},
		"FarBeyond":      {plain(math.MaxUint32, entry, []byte("records")), end, false},
		"EntryCut":       {plain(n-1, entry, []byte("records")), end, false},
		"EntryAndOne":    {plain(n+1, entry, []byte("records")), end, false},
		"EntryAsRecords": {plain(0, entry, []byte("records")), end, false},
		"AsPack":         {entry, end, false},
		"EndsElsewhere":  {plain(n, entry, []byte("records")), end + 1, false},
	} {
		tail, size := tailOf(keys, id, test.end, test.plain)
		entries, records, need, err := pack.ParseRound(keys, id, size, tail)
		if test.ok != (err == nil) || !test.ok && (!errors.Is(err, pack.ErrFormat) || entries != nil || records != nil) || need != 0 {
			t.Errorf("%s: got %d entries, records %q, need %d, %v", name, len(entries), records, need, err)
		}
	}
}

// FuzzParseRound seals fuzzed footers: what is accepted says the same again.
func FuzzParseRound(f *testing.F) {
	keys := crypt.Derive(crypt.SecretOf([]byte{1}), crypt.RepositoryID{2})
	id, _ := pack.ParseName("meta/round-fff9b8a109a8a12a00112233445566ff")
	entry := footer(pack.Entry{Kind: chunk.Data, ID: chunk.ID{1}, Offset: 16, Length: 100, Plain: 90, Codec: chunk.Zstd})
	f.Add([]byte{0, 0, 0, 0, 1}, uint16(16))
	f.Add(slices.Concat([]byte{byte(len(entry)), 0, 0, 0}, entry, []byte("records")), uint16(116))
	f.Add(slices.Concat([]byte{255, 255, 255, 255}, entry), uint16(116))
	f.Fuzz(func(t *testing.T, plain []byte, end uint16) {
		tail, size := tailOf(keys, id, int(end), plain)
		entries, records, need, err := pack.ParseRound(keys, id, size, tail)
		if err != nil {
			if !errors.Is(err, pack.ErrFormat) || entries != nil || records != nil {
				t.Errorf("got %d entries, %d bytes of records, %v, want ErrFormat", len(entries), len(records), err)
			}
			return
		}
		again := footer(entries...)
		again = slices.Concat(binary.LittleEndian.AppendUint32(nil, uint32(len(again))), again, records)
		if need != 0 || !bytes.Equal(again, plain) || len(records) == 0 {
			t.Errorf("footer %x is accepted and encodes to %x, need %d", plain, again, need)
		}
		if got := pack.BlobsEnd(entries); got != int64(end) {
			t.Errorf("accepted blobs that end at %d, want %d", got, end)
		}
	})
}
