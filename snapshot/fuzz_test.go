package snapshot_test

import (
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"firn/snapshot"
)

// FuzzUnmarshal decodes whole objects and, because mutations rarely make a valid frame,
// documents in a valid frame. Decoding must not panic, its memory is limited, and an
// accepted record must survive a round trip.
func FuzzUnmarshal(f *testing.F) {
	for _, s := range []*snapshot.Snapshot{example(), minimal()} {
		b := marshal(f, s)
		f.Add(b, false)
		f.Add([]byte(document(f, b)), true)
	}
	f.Add(wrap(f, strings.Repeat(" ", 1<<20)), false)
	f.Add([]byte(`{"v":2}`), true)
	f.Fuzz(func(t *testing.T, in []byte, isDocument bool) {
		if isDocument {
			in = wrap(t, string(in))
		}
		before := allocated()
		s, err := snapshot.Unmarshal(in)
		// A document of 16 MiB takes a few times its size. The rest of the limit is for
		// other goroutines.
		if got, limit := allocated()-before, uint64(256<<20+64*len(in)); got > limit {
			t.Errorf("allocated %d bytes, want at most %d", got, limit)
		}
		if err != nil {
			if s != nil || !errors.Is(err, snapshot.ErrFormat) && !errors.Is(err, snapshot.ErrVersion) {
				t.Errorf("got %v, %v", s, err)
			}
			return
		}
		again, err := snapshot.Unmarshal(marshal(t, s))
		if err != nil || !reflect.DeepEqual(withoutEmpty(again), withoutEmpty(s)) {
			t.Errorf("round trip: got %+v, %v\nwant %+v", again, err, s)
		}
	})
}

// FuzzUnmarshalNote does for notes what FuzzUnmarshal does for records.
func FuzzUnmarshalNote(f *testing.F) {
	b, err := exampleNote().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, false)
	f.Add([]byte(document(f, b)), true)
	f.Add([]byte(`{"v":1,"snapshot":"01000000000000000000000000000000","time":"2026-01-01T00:00:00Z","pinned":true,"verified":null}`), true)
	f.Add([]byte(`{"v":2,"verified":7}`), true)
	f.Fuzz(func(t *testing.T, in []byte, isDocument bool) {
		if isDocument {
			in = wrap(t, string(in))
		}
		before := allocated()
		n, err := snapshot.UnmarshalNote(in)
		if got, limit := allocated()-before, uint64(256<<20+64*len(in)); got > limit {
			t.Errorf("allocated %d bytes, want at most %d", got, limit)
		}
		if err != nil {
			if n != nil || !errors.Is(err, snapshot.ErrFormat) && !errors.Is(err, snapshot.ErrVersion) {
				t.Errorf("got %v, %v", n, err)
			}
			return
		}
		again, err := n.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if got := readNote(t, again); got.Snapshot != n.Snapshot || !got.Time.Equal(n.Time) || got.Host != n.Host || !reflect.DeepEqual(got.Verified, n.Verified) {
			t.Errorf("round trip: got %+v, want %+v", got, n)
		}
	})
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// withoutEmpty makes empty lists nil, because records leave out both.
func withoutEmpty(s *snapshot.Snapshot) *snapshot.Snapshot {
	c := *s
	if len(c.Tags) == 0 {
		c.Tags = nil
	}
	if len(c.Packs) == 0 {
		c.Packs = nil
	}
	if len(c.Forgot) == 0 {
		c.Forgot = nil
	}
	if len(c.Suspect) == 0 {
		c.Suspect = nil
	}
	if s.Proof != nil && len(s.Proof.Unchecked) == 0 {
		proof := *s.Proof
		proof.Unchecked = nil
		c.Proof, c.Verified = &proof, &proof
	}
	return &c
}
