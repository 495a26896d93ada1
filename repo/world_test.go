package repo_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"testing"
	"time"

	"firn/repo"
	"firn/snapshot"
	"firn/store"
	"firn/store/mem"
)

// world is a repository and the images of the snapshots that must be in it.
type world struct {
	st     *mem.Store
	images map[snapshot.ID][]byte // of the snapshots that were acknowledged and not forgotten
	gone   map[snapshot.ID][]byte // of those that were forgotten: damage to a tombstone can bring them back
}

// imageOf returns the image of a snapshot that the repository shows.
func (w *world) imageOf(id snapshot.ID) []byte {
	if b, ok := w.images[id]; ok {
		return b
	}
	return w.gone[id]
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{st: mem.New(), images: make(map[snapshot.ID][]byte), gone: make(map[snapshot.ID][]byte)}
	if _, err := repo.Init(t.Context(), options(w.st), repo.NewKey{Credential: testKey}); err != nil {
		t.Fatal(err)
	}
	return w
}

// clone returns a copy that can be broken.
func (w *world) clone(t testing.TB) *world {
	t.Helper()
	return &world{st: cloneStore(t, w.st), images: maps.Clone(w.images), gone: maps.Clone(w.gone)}
}

// cloneStore copies all objects and the times of their writing.
func cloneStore(t testing.TB, st *mem.Store) *mem.Store {
	t.Helper()
	c := mem.New()
	for _, o := range objectsOf(t, st, "") {
		c.Now = func() time.Time { return o.Time }
		if err := c.Put(context.Background(), o.Name, read(t, st, o.Name)); err != nil {
			t.Fatal(err)
		}
	}
	c.Now = time.Now
	return c
}

func objectsOf(t testing.TB, st store.Store, prefix string) []store.Object {
	t.Helper()
	var objects []store.Object
	for o, err := range st.List(context.Background(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	return objects
}

func read(t testing.TB, st store.Store, name string) []byte {
	t.Helper()
	b, err := st.Get(context.Background(), name, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// contents returns every object of a store.
func contents(t testing.TB, st store.Store) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, o := range objectsOf(t, st, "") {
		all[o.Name] = string(read(t, st, o.Name))
	}
	return all
}

// countOf returns how many objects a store has under prefix.
func countOf(t testing.TB, st store.Store, prefix string) int {
	t.Helper()
	return len(objectsOf(t, st, prefix))
}

// replace makes an object's content another one.
func replace(t testing.TB, st store.Store, name string, b []byte) {
	t.Helper()
	if err := st.Delete(context.Background(), name); err != nil {
		t.Fatal(err)
	}
	if err := st.Put(context.Background(), name, b); err != nil {
		t.Fatal(err)
	}
}

// take backs up b and remembers it.
func (w *world) take(t testing.TB, env string, b []byte) *snapshot.Snapshot {
	t.Helper()
	s := take(t, open(t, w.st), env, b)
	w.images[s.ID] = b
	return s
}

// forget removes snapshots from the repository and from memory.
func (w *world) forget(t testing.TB, ids ...snapshot.ID) {
	t.Helper()
	if err := open(t, w.st).Forget(context.Background(), ids...); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		w.gone[id] = w.images[id]
		delete(w.images, id)
	}
}

// pruneAll prunes as if every pack without a snapshot were an old orphan.
func pruneAll(t testing.TB, st store.Store) *repo.PruneResult {
	t.Helper()
	return pruneWith(t, open(t, st), repo.PruneOptions{OrphanAge: -1})
}

func pruneWith(t testing.TB, r *repo.Repo, opts repo.PruneOptions) *repo.PruneResult {
	t.Helper()
	result, err := r.Prune(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// verify fails the test unless the repository is sound and everything that must
// be in it can be restored, byte for byte.
func (w *world) verify(t testing.TB) {
	t.Helper()
	r := open(t, w.st)
	checkWith(t, r)
	w.restoreAll(t, r)
}

func (w *world) restoreAll(t testing.TB, r *repo.Repo) {
	t.Helper()
	images := maps.Clone(w.images) // others may go on meanwhile
	list, err := r.Snapshots(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[snapshot.ID]*snapshot.Snapshot, len(list))
	for _, s := range list {
		found[s.ID] = s
	}
	for id, want := range images {
		if found[id] == nil {
			t.Errorf("snapshot %s is gone", id.Short())
		} else if got := restore(t, r, found[id]); !bytes.Equal(got, want) {
			t.Errorf("snapshot %s: got %d other bytes, want %d", id.Short(), len(got), len(want))
		}
	}
}

// goOn backs up once more and prunes until there is no more to prune.
func (w *world) goOn(t testing.TB, b []byte) {
	t.Helper()
	r := open(t, w.st)
	s := take(t, r, "production", b)
	w.images[s.ID] = b
	for range 3 {
		pruneWith(t, r, repo.PruneOptions{OrphanAge: -1})
	}
	w.verify(t)
	if got := pruneWith(t, r, repo.PruneOptions{OrphanAge: -1, DryRun: true}); got.Condemned+got.Deleted > 0 {
		t.Errorf("after three prunes there is garbage left: %+v", got)
	}
}

// fingerprinted is a source whose image is told unchanged by its fingerprint.
func fingerprinted(b []byte, print string) repo.Source {
	return func(context.Context) (repo.SourceImage, error) {
		return &image{Reader: bytes.NewReader(b), fingerprint: print}, nil
	}
}

// fingerprintOf stands for a database's content.
func fingerprintOf(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

// scale is by how much the images of long tests are smaller with -short.
func scale() int {
	if testing.Short() {
		return 4
	}
	return 1
}

// stride is the distance of the places at which a test interferes that could do so everywhere. The race detector makes
// everything ten times slower, and finds in some places the races of all: it runs with -short.
func stride() int {
	if testing.Short() {
		return 97
	}
	return 1
}
