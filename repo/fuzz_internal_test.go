package repo

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/chunk"
	"firn/crypt"
	"firn/objectcache"
	"firn/pack"
	"firn/snapshot"
	"firn/store"
	"firn/store/mem"
)

var (
	fuzzID   = crypt.RepositoryID{7}
	fuzzKeys = crypt.Derive(crypt.SecretOf([]byte{7}), fuzzID)
)

// FuzzParseConfig: a configuration that is accepted is one that firn writes, to the byte.
func FuzzParseConfig(f *testing.F) {
	good, err := newConfig(fuzzID, time.Unix(1e9, 0), DefaultChunkSizes).marshal(fuzzKeys)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"version":1`), []byte(`"version":2`), 1))
	f.Add([]byte(`{"config":{"format":"firn","version":1},"mac":""}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, file, err := parseConfig(b)
		if err == nil && file.verify(fuzzKeys) == nil && !bytes.Equal(b, good) {
			t.Errorf("another configuration was taken: %q", b)
		}
	})
}

// FuzzOpenPlan opens plans that hold any bytes.
func FuzzOpenPlan(f *testing.F) {
	f.Add([]byte(`{"v":1,"sequence":255,"host":"h","condemned":["000102030405060708090a0b0c0d0e0f"]}`))
	f.Add([]byte(`{"v":2,"sequence":"many"}`))
	f.Add([]byte(`{"v":1,"sequence":255,"condemned":["0001"]}`))
	f.Add([]byte(`null`))
	const name = "meta/gc-0000000000ff-0123456789abcdef0123456789abcdef"
	f.Fuzz(func(t *testing.T, plain []byte) {
		p, err := openPlan(fuzzKeys, name, fuzzKeys.SealObject(crypt.ObjectPlan, name, plain))
		if err != nil {
			return
		}
		b, err := p.seal(fuzzKeys, name)
		if err != nil {
			t.Fatal(err)
		}
		again, err := openPlan(fuzzKeys, name, b)
		if err != nil || again.Sequence != 255 || !slices.Equal(again.Condemned, p.Condemned) {
			t.Errorf("got %+v, %v after another round, want %+v", again, err, p)
		}
	})
}

// FuzzReadPartial reads partial records that hold any bytes.
func FuzzReadPartial(f *testing.F) {
	id := snapshot.ID{1}
	name := partialName(id, time.Unix(1e9, 0))
	f.Add([]byte(`{"v":1,"id":"01000000000000000000000000000000","packs":["000102030405060708090a0b0c0d0e0f"]}`))
	f.Add([]byte(`{"v":1,"packs":null}`))
	f.Add([]byte(`{"v":2,"packs":7}`))
	f.Fuzz(func(t *testing.T, plain []byte) {
		st := mem.New()
		if err := st.Put(t.Context(), name, fuzzKeys.SealObject(crypt.ObjectPartial, name, plain)); err != nil {
			t.Fatal(err)
		}
		r := &Repo{store: st, keys: fuzzKeys}
		if p, err := r.readPartial(t.Context(), name); err == nil && p.ID != id {
			t.Errorf("got a record of %s under the name of %s", p.ID, id)
		}
	})
}

// FuzzOpenRecord opens snapshot records that hold any bytes.
func FuzzOpenRecord(f *testing.F) {
	s := &snapshot.Snapshot{ID: snapshot.ID{1}, Environment: "production", Database: "app", Time: time.Unix(1e9, 0).UTC(),
		Images: []snapshot.Image{{Root: chunk.ID{1}, Levels: 1}}}
	plain, err := s.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	name := s.ObjectName()
	f.Add(plain)
	f.Add(plain[:len(plain)-1])
	r := &Repo{keys: fuzzKeys}
	f.Fuzz(func(t *testing.T, plain []byte) {
		s, err := r.openRecord(new(snapshot.Decoder), name, fuzzKeys.SealObject(crypt.ObjectSnapshot, name, plain))
		if err == nil && s.ObjectName() != name {
			t.Errorf("got a record of %s under the name %s", s.ObjectName(), name)
		}
	})
}

// FuzzOpenNote opens notes that hold any bytes.
func FuzzOpenNote(f *testing.F) {
	n := &snapshot.Note{Snapshot: snapshot.ID{1}, Time: time.Unix(1e9, 0), Verified: &snapshot.Verification{Time: time.Unix(1e9, 0)}}
	plain, err := n.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	name := snapshot.NewNoteName(n.Snapshot)
	f.Add(plain)
	f.Add(plain[:len(plain)-1])
	r := &Repo{keys: fuzzKeys}
	f.Fuzz(func(t *testing.T, plain []byte) {
		got, err := r.openNote(new(snapshot.Decoder), name, fuzzKeys.SealObject(crypt.ObjectNote, name, plain))
		if err == nil && (got.Snapshot != n.Snapshot || got.Name != name) {
			t.Errorf("got a note on %s under the name %s", got.Snapshot, name)
		}
	})
}

// FuzzCachedTail reads the footer of a pack with any bytes cached for it.
func FuzzCachedTail(f *testing.F) {
	w := pack.NewWriter(fuzzKeys, pack.ID{1})
	object, _, tail, err := w.Finish()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(object[len(object)-tail:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, cached []byte) {
		st := mem.New()
		if err := st.Put(t.Context(), w.ID().Name(), object); err != nil {
			t.Fatal(err)
		}
		r := newRepo(Options{Store: st}, objectcache.Open(""), nil)
		r.keys = fuzzKeys
		r.cache.Put(w.ID().Name(), cached)
		listed := []store.Object{{Name: w.ID().Name(), Size: int64(len(object))}}
		got, err := r.footers(t.Context(), listed, withNodes)
		if err != nil || len(got) != 1 || got[0].problem != nil || len(got[0].entries) != 0 {
			t.Errorf("got %+v, %v, want one footer without entries", got, err)
		}
	})
}

// FuzzPlanName reads names that are like those of plans. Accepted names were made with the key, and
// have one spelling.
func FuzzPlanName(f *testing.F) {
	r := &Repo{keys: fuzzKeys, id: fuzzID}
	for _, name := range []string{firstPlanName(fuzzKeys, fuzzID), newPlanName(fuzzKeys, 1), newPlanName(fuzzKeys, 1<<48-1), "meta/gc-", "meta/gc-x", "meta/snap-"} {
		f.Add(name)
		f.Add(name + "0")
		f.Add(strings.ToUpper(name))
	}
	f.Fuzz(func(t *testing.T, name string) {
		sequence, ok := planSequence(name)
		switch {
		case !r.isPlan(name):
		case !ok || r.isForgedPlan(name):
			t.Errorf("%q counts, with number %d, %t", name, sequence, ok)
		case name != planName(fuzzKeys, sequence, fuzzRandom(name)):
			t.Errorf("%q counts, and is another spelling of %q", name, planName(fuzzKeys, sequence, fuzzRandom(name)))
		}
	})
}

// fuzzRandom returns the random part of a plan's name.
func fuzzRandom(name string) []byte {
	b, _ := hex.DecodeString(name[len(name)-planTagLen-16 : len(name)-planTagLen])
	return b
}
