package pack_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"firn/chunk"
	"firn/crypt"
	"firn/pack"
)

func newKeys() *crypt.Keys { return crypt.Derive(crypt.NewSecret(), crypt.NewRepositoryID()) }

// blob is a plaintext with all that a pack says and holds of it.
type blob struct {
	plain, base []byte
	entry       pack.Entry
	sealed      []byte
}

// whole seals a plaintext as a blob of its own.
func whole(t testing.TB, keys *crypt.Keys, kind chunk.Kind, plain []byte) blob {
	t.Helper()
	enc, err := chunk.NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	return sealed(t, keys, kind, plain, enc.Encode(nil, plain))
}

// delta seals a plaintext as a delta on another blob.
func delta(t testing.TB, keys *crypt.Keys, plain []byte, base blob) blob {
	t.Helper()
	enc, err := chunk.NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	b := sealed(t, keys, base.entry.Kind, plain, enc.EncodeDelta(nil, plain, base.plain))
	b.base, b.entry.Base, b.entry.Depth = base.plain, base.entry.ID, base.entry.Depth+1
	return b
}

func sealed(t testing.TB, keys *crypt.Keys, kind chunk.Kind, plain, payload []byte) blob {
	t.Helper()
	codec, n, err := chunk.PayloadCodec(payload)
	if err != nil {
		t.Fatal(err)
	}
	b := blob{plain: plain, entry: pack.Entry{Kind: kind, ID: keys.BlobID(crypt.BlobKind(kind), plain), Plain: uint32(n), Codec: codec}}
	b.sealed = pack.SealBlob(keys, nil, b.entry, payload)
	return b
}

// open decodes a blob from its pack.
func open(t testing.TB, keys *crypt.Keys, object []byte, e pack.Entry, base []byte) ([]byte, error) {
	t.Helper()
	payload, err := pack.OpenBlob(keys, []byte("kept"), e, object[e.Offset:][:e.Length])
	if err != nil {
		return nil, err
	}
	payload, ok := bytes.CutPrefix(payload, []byte("kept"))
	if !ok {
		t.Error("OpenBlob does not append")
	}
	dec, err := chunk.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	return dec.Decode(nil, payload, base)
}

func TestID(t *testing.T) {
	t.Parallel()
	id := pack.NewID()
	if id == pack.NewID() {
		t.Error("two new IDs are the same")
	}
	text, err := json.Marshal(id)
	if want := `"` + id.String() + `"`; err != nil || string(text) != want {
		t.Errorf("marshals to %s, %v, want %s", text, err, want)
	}
	var back pack.ID
	if err := json.Unmarshal(text, &back); err != nil || back != id {
		t.Errorf("unmarshals to %s, %v, want %s", back, err, id)
	}
	good := strings.Repeat("a0", 16)
	for _, text := range []string{"", "a0", good[1:], good + "a", good + "a0", "A0" + good[2:], "g0" + good[2:], " " + good[1:]} {
		id := pack.ID{7}
		if err := id.UnmarshalText([]byte(text)); err == nil || id != (pack.ID{7}) {
			t.Errorf("UnmarshalText(%q) = %v and sets %s", text, err, id)
		}
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	id := pack.ID{0xab, 0xcd, 15: 0x01}
	const name = "packs/ab/abcd0000000000000000000000000001"
	if got := id.Name(); got != name || !strings.HasPrefix(name, pack.Prefix) {
		t.Errorf("Name = %q, want %q", got, name)
	}
	if got, ok := pack.ParseName(name); !ok || got != id {
		t.Errorf("ParseName(%q) = %s, %t", name, got, ok)
	}
	for _, bad := range []string{
		"", "/", "packs/", "packs/ab/", name[6:], name[9:], "/" + name, name + "/", name + "0", name[:len(name)-1],
		"packs/ac" + name[8:], "packs" + name[8:], "meta" + name[5:], "packs//" + name[9:], "packs/ab/../ab" + name[8:],
		"packs/AB/ABCD0000000000000000000000000001", "packs/ab/abcd000000000000000000000000000g", name + ".tmp",
	} {
		if id, ok := pack.ParseName(bad); ok || id != (pack.ID{}) {
			t.Errorf("ParseName(%q) = %s, %t", bad, id, ok)
		}
	}
}

// A sealed blob with any byte changed, a byte more or less, or under another
// name does not open.
func TestOpenBlobRefuses(t *testing.T) {
	t.Parallel()
	keys := newKeys()
	b := whole(t, keys, chunk.Data, []byte("some bytes of a database"))
	refused := func(what string, keys *crypt.Keys, e pack.Entry, sealed []byte, want error) {
		t.Helper()
		if got, err := pack.OpenBlob(keys, nil, e, sealed); !errors.Is(err, want) || got != nil {
			t.Errorf("%s: got %x, %v, want %v", what, got, err, want)
		}
	}
	for i := range b.sealed {
		flipped := bytes.Clone(b.sealed)
		flipped[i] ^= 0x10
		refused("flipped byte", keys, b.entry, flipped, crypt.ErrAuth)
		refused("cut", keys, b.entry, b.sealed[:i], crypt.ErrAuth)
	}
	refused("byte more", keys, b.entry, append(bytes.Clone(b.sealed), 0), crypt.ErrAuth)
	refused("other keys", newKeys(), b.entry, b.sealed, crypt.ErrAuth)
	for what, edit := range map[string]func(*pack.Entry){
		"other ID":   func(e *pack.Entry) { e.ID[0]++ },
		"other kind": func(e *pack.Entry) { e.Kind = chunk.Node },
	} {
		e := b.entry
		edit(&e)
		refused(what, keys, e, b.sealed, crypt.ErrAuth)
	}
	for what, edit := range map[string]func(*pack.Entry){
		"other codec":      func(e *pack.Entry) { e.Codec = chunk.Delta },
		"plaintext longer": func(e *pack.Entry) { e.Plain++ },
	} {
		e := b.entry
		edit(&e)
		refused(what, keys, e, b.sealed, pack.ErrFormat)
	}
	for what, payload := range map[string][]byte{"empty": {}, "short": {1, 2, 3, 4}, "unknown codec": {9, 0, 0, 0, 0}, "huge": {0, 1, 0, 0, 1}} {
		refused(what, keys, b.entry, pack.SealBlob(keys, nil, b.entry, payload), chunk.ErrPayload)
	}
}
