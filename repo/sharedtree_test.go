package repo_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"firn/chunk"
	"firn/crypt"
	"firn/pack"
	"firn/repo"
	"firn/snapshot"
)

// plantShared stores a snapshot of a tree in which each node refers to the one below it
// fan times: one small pack. The record says how many chunks there are, or something else.
func plantShared(t *testing.T, w *world, height, fan int, chunks uint64) *snapshot.Snapshot {
	t.Helper()
	keys := keysOf(t, w.st)
	encoder, err := chunk.NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	p := pack.NewWriter(keys, pack.NewID())
	add := func(kind chunk.Kind, plain []byte) chunk.ID {
		payload := encoder.Encode(nil, plain)
		codec, _, err := chunk.PayloadCodec(payload)
		if err != nil {
			t.Fatal(err)
		}
		e := pack.Entry{Kind: kind, ID: keys.BlobID(crypt.BlobKind(kind), plain), Plain: uint32(len(plain)), Codec: codec}
		p.Add(e, pack.SealBlob(keys, nil, e, payload))
		return e.ID
	}
	below := chunk.Entry{ID: add(chunk.Data, make([]byte, 64)), Span: 64}
	for level := 1; level <= height; level++ {
		plain := encodeNode(level, slices.Repeat([]chunk.Entry{below}, fan))
		below = chunk.Entry{ID: add(chunk.Node, plain), Span: below.Span * uint64(fan)}
	}
	object, _, _, err := p.Finish()
	if err != nil {
		t.Fatal(err)
	}
	s := &snapshot.Snapshot{
		ID: snapshot.NewID(), Environment: "hostile", Database: "app", Time: time.Now(), Sequence: 1, Chunks: int(chunks),
		Images: []snapshot.Image{{Root: below.ID, Levels: height, Size: int64(below.Span), Export: "pages"}},
	}
	plain, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	replace(t, w.st, p.ID().Name(), object)
	replace(t, w.st, s.ObjectName(), keys.SealObject(crypt.ObjectSnapshot, s.ObjectName(), plain))
	return s
}

func encodeNode(level int, entries []chunk.Entry) []byte {
	plain := []byte{byte(level)}
	for _, e := range entries {
		plain = append(plain, e.ID[:]...)
		for shift := 0; shift < 64; shift += 8 {
			plain = append(plain, byte(e.Span>>shift))
		}
	}
	return plain
}

// TestSharedTrees has trees of a few hundred bytes that stand for more chunks than any
// memory holds, whatever their records say. All that reads the list of chunks refuses
// them as damage, a check tells of it, and the other snapshots go on.
func TestSharedTrees(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		height, fan int
		chunks      uint64
	}{
		"RecordSaysOne":  {8, 30, 1},
		"RecordSaysAll":  {8, 30, 656_100_000_000},
		"RecordSaysMost": {8, 30, math.MaxInt64},
		"OneMore":        {2, 20, 401},
		"OneLess":        {2, 20, 399},
		"Wide":           {6, 500, 15_625_000_000_000_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			worlds := newCopies(t)
			w := worlds.world
			sound := w.take(t, "production", pages(1, 20))
			s := plantShared(t, w, test.height, test.fan, test.chunks)
			t.Cleanup(func() { // before the check at the test's end
				if err := w.st.Delete(context.Background(), s.ObjectName()); err != nil {
					t.Error(err)
				}
			})
			r := open(t, w.st)
			damaged := func(what string, err error) {
				t.Helper()
				if _, ok := errors.AsType[*repo.CorruptError](err); !ok {
					t.Errorf("%s: got %v, want damage", what, err)
				}
			}
			_, err := r.OpenImage(t.Context(), s)
			damaged("image", err)
			found, err := r.Check(t.Context(), repo.CheckOptions{})
			if err != nil || len(found.Findings) != 1 || len(found.Findings[0].Snapshots) != 1 {
				t.Fatalf("check: got %+v, %v, want one finding", found, err)
			}
			damaged("check", found.Findings[0].Err)
			if _, err := r.Shares(t.Context(), []*snapshot.Snapshot{s, sound}); err != nil {
				t.Errorf("shares: %v", err)
			}
			if _, err := r.Prune(t.Context(), repo.PruneOptions{}); err != nil {
				t.Errorf("prune: %v", err)
			}
			c, _ := copier(t, r, openOther(t, worlds.to))
			_, err = c.Copy(t.Context(), s, nil)
			damaged("copy", err)
			restore(t, r, sound)
			take(t, r, "hostile", pages(1, 20)) // on a parent whose list cannot be read
		})
	}
}
