package repo_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"firn/repo"
	"firn/store"
	"firn/store/mem"
)

// cramped is a store that takes no more than so many objects and bytes in all.
type cramped struct {
	*mem.Store
	objects int
	bytes   int64
}

func (s *cramped) Put(ctx context.Context, name string, data []byte) error {
	bytes := int64(len(data))
	objects := 1
	for o, err := range s.List(ctx, "") {
		if err != nil {
			return err
		}
		objects, bytes = objects+1, bytes+o.Size
	}
	if objects > s.objects || bytes > s.bytes {
		return fmt.Errorf("put %s: %w", name, store.ErrNoSpace)
	}
	return s.Store.Put(ctx, name, data)
}

// cramp leaves room for so many objects and bytes more.
func cramp(t testing.TB, st *mem.Store, objects int, bytes int64) *cramped {
	t.Helper()
	c := &cramped{Store: st, bytes: bytes}
	for _, o := range objectsOf(t, st, "") {
		objects, c.bytes = objects+1, c.bytes+o.Size
	}
	c.objects = objects
	return c
}

// plenty is more than any test needs.
const plenty = 1 << 30

// room is for a plan, and not for a pack.
const room = 4 << 10

// TestPruneFull prunes stores without room for the objects that a prune would write. Packs
// that may be deleted are deleted, packs without needed blobs are condemned, and nothing is
// lost.
func TestPruneFull(t *testing.T) {
	t.Parallel()
	condemnedAndWasteful := func(t testing.TB, w *world) { condemnedPack(t, w); wastefulPack(t, w) }
	deadAndWasteful := func(t testing.TB, w *world) { deadPack(t, w); wastefulPack(t, w) }
	rescuableAndDead := func(t testing.TB, w *world) { rescuablePack(t, w); w.forget(t, w.take(t, "x", pages(18, 40)).ID) }
	tests := []struct {
		name      string
		prepare   func(testing.TB, *world)
		objects   int
		bytes     int64
		deleted   int  // by the first prune
		condemned int  // by it
		refused   bool // it has no room for anything
	}{
		{"NothingFreeOfBytes", condemnedAndWasteful, plenty, 0, 1, 0, false},
		{"NothingFreeOfObjects", condemnedAndWasteful, 0, plenty, 1, 0, false},
		{"RoomForAPlan", deadAndWasteful, plenty, room, 0, 1, false},
		{"RoomForOneObject", deadAndWasteful, 1, plenty, 0, 1, false},
		{"NoRoomForAPlan", deadAndWasteful, plenty, 0, 0, 0, true},
		{"NoObjectForAPlan", deadAndWasteful, 0, plenty, 0, 0, true},
		{"NoRoomToRescue", rescuableAndDead, plenty, room, 0, 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tt.prepare(t, w)
			st := cramp(t, w.st, tt.objects, tt.bytes)
			got, err := open(t, st).Prune(t.Context(), repo.PruneOptions{OrphanAge: -1})
			if tt.refused != errors.Is(err, store.ErrNoSpace) || (err == nil) == tt.refused {
				t.Fatalf("got %v", err)
			}
			if err == nil && (got.Deleted != tt.deleted || got.Condemned != tt.condemned) {
				t.Errorf("got %+v, want %d deleted and %d condemned", got, tt.deleted, tt.condemned)
			}
			w.verify(t)
			for range 3 { // as far as there is room
				if _, err := open(t, st).Prune(t.Context(), repo.PruneOptions{OrphanAge: -1}); err != nil && !errors.Is(err, store.ErrNoSpace) {
					t.Fatal(err)
				}
			}
			w.verify(t)
			w.goOn(t, tiny)
		})
	}
}

// TestPruneFullAnywhere ends the room at every byte that makes a difference, roughly.
func TestPruneFullAnywhere(t *testing.T) {
	t.Parallel()
	prepared := newWorld(t)
	condemnedPack(t, prepared)
	wastefulPack(t, prepared)
	rescuablePack(t, prepared)
	for _, objects := range []int{0, 1, 2, 3, plenty} {
		for bytes := int64(0); bytes < 1<<20; bytes += 1 << 10 * int64(stride()) {
			w := prepared.clone(t)
			st := cramp(t, w.st, objects, bytes)
			for range 2 {
				_, err := open(t, st).Prune(t.Context(), repo.PruneOptions{OrphanAge: -1})
				if err != nil && !errors.Is(err, store.ErrNoSpace) {
					t.Fatalf("with room for %d objects and %d bytes: %v", objects, bytes, err)
				}
			}
			w.verify(t)
			if bytes > 1<<16 {
				bytes += 1 << 16
			}
		}
	}
}
