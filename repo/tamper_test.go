package repo_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"firn/crypt"
	"firn/repo"
	"firn/snapshot"
	"firn/store"
	"firn/store/storetest"
)

var everyByte = flag.Bool("every-byte", false, "tamper with every byte, not with a sample")

// altered is a store that shows one object otherwise than it is.
type altered struct {
	store.Store
	name string
	data []byte // nil: it is missing
}

func (a altered) Get(ctx context.Context, name string, off, length int64) ([]byte, error) {
	if name != a.name || a.data == nil {
		if name == a.name {
			name = "missing"
		}
		return a.Store.Get(ctx, name, off, length)
	}
	from, to, err := store.Range(int64(len(a.data)), off, length)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(a.data[from:to]), nil
}

func (a altered) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		for o, err := range a.Store.List(ctx, prefix) {
			if o.Name == a.name {
				if a.data == nil {
					continue
				}
				o.Size = int64(len(a.data))
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

// condemnedPacks returns the packs that the next prune deletes: nothing relies on
// them, so damage in them neither is a finding nor stops a prune.
func condemnedPacks(t testing.TB, w *world) map[string]bool {
	t.Helper()
	c := w.clone(t)
	pruneAll(t, c.st)
	left := contents(t, c.st)
	condemned := make(map[string]bool)
	for _, o := range objectsOf(t, w.st, "packs/") {
		if _, ok := left[o.Name]; !ok {
			condemned[o.Name] = true
		}
	}
	return condemned
}

// TestPruneSweepsDamagedCondemnedPacks damages packs that are about to be deleted.
func TestPruneSweepsDamagedCondemnedPacks(t *testing.T) {
	t.Parallel()
	prepared := everyKind(t)
	condemned := condemnedPacks(t, prepared)
	if len(condemned) == 0 {
		t.Fatal("no pack is condemned")
	}
	for name := range condemned {
		b := read(t, prepared.st, name)
		for what, damaged := range map[string][]byte{"blob": flipped(b, 100), "trailer": flipped(b, len(b)-1), "cut": b[:50], "empty": {}} {
			w := prepared.clone(t)
			replace(t, w.st, name, damaged)
			w.verify(t)
			if got := pruneAll(t, w.st); got.Deleted != len(condemned) {
				t.Errorf("%s damaged: %d packs deleted, want %d", what, got.Deleted, len(condemned))
			}
			w.verify(t)
		}
	}
}

// trial looks at a repository in which one object is altered.
type trial struct {
	*testing.T
	w    *world
	st   store.Store
	what string
	name string // of the object
}

// reported fails the test unless Open or Check tells of the damage.
func (x trial) reported() {
	x.Helper()
	r, err := repo.Open(context.Background(), options(x.st))
	if err == nil {
		err = findings(r)
	}
	switch {
	case err == nil && !strings.HasPrefix(x.name, "meta/key-"): // another's slot can be tried by its owner only
		x.Errorf("%s: not reported", x.what)
	case err != nil && !known(err):
		x.Errorf("%s: got %v, want damage", x.what, err)
	}
}

// known reports whether err is one that damage must lead to.
func known(err error) bool {
	var corrupt *repo.CorruptError
	return errors.As(err, &corrupt) || errors.Is(err, crypt.ErrWrongKey) || errors.Is(err, repo.ErrVersion) || errors.Is(err, repo.ErrNotRepository)
}

func findings(r *repo.Repo) error {
	result, err := r.Check(context.Background(), repo.CheckOptions{ReadData: true})
	if err != nil {
		return err
	}
	for _, f := range result.Findings {
		if !known(f.Err) {
			return f.Err
		}
		err = errors.Join(err, f.Err)
	}
	return err
}

// restores fails the test if a snapshot gives other bytes than were backed up,
// and returns how many gave the right ones.
func (x trial) restores() (n int) {
	x.Helper()
	r, err := repo.Open(context.Background(), options(x.st))
	if err != nil {
		return 0
	}
	list, _ := r.Snapshots(context.Background()) // those that can be read
	for _, s := range list {
		got, err := copyOf(r, s)
		switch {
		case err == nil && !bytes.Equal(got, x.w.imageOf(s.ID)):
			x.Errorf("%s: snapshot %d restores to other bytes", x.what, s.Sequence)
		case err != nil && !known(err):
			x.Errorf("%s: got %v, want damage", x.what, err)
		case err == nil && x.w.images[s.ID] != nil:
			n++
		}
	}
	return n
}

// keepsAll fails the test if a prune changes anything.
func (x trial) keepsAll() {
	x.Helper()
	faulty := storetest.NewFaulty(x.st, storetest.Fault{})
	r, err := repo.Open(context.Background(), options(faulty))
	if err != nil {
		return
	}
	if _, err := r.Prune(context.Background(), repo.PruneOptions{OrphanAge: -1}); !known(err) {
		x.Errorf("%s: prune: got %v, want damage", x.what, err)
	}
	if changes := changesOf(faulty); len(changes) > 0 {
		x.Errorf("%s: prune did %q, want no change", x.what, changes)
	}
}

// changesOf returns the calls that changed something.
func changesOf(faulty *storetest.Faulty) []string {
	return slices.DeleteFunc(faulty.Log(), func(call string) bool {
		return strings.HasPrefix(call, "get ") || strings.HasPrefix(call, "list ")
	})
}

// places returns the offsets to tamper with: the first and the last bytes, and
// some between.
func places(size int) []int {
	step := stride() * (size/80 + 1)
	if *everyByte && size < 8<<10 {
		step = 1
	}
	var at []int
	for i := 0; i < size; i++ {
		if i < crypt.HeaderLen || i >= size-4 || i%step == 0 {
			at = append(at, i)
		}
	}
	return at
}

// TestTamperedBytes flips bytes of every object, and cuts objects short.
func TestTamperedBytes(t *testing.T) {
	t.Parallel()
	w := everyKind(t)
	condemned := condemnedPacks(t, w)
	for _, o := range objectsOf(t, w.st, "") {
		b := read(t, w.st, o.Name)
		if condemned[o.Name] {
			continue
		}
		t.Run(strings.ReplaceAll(o.Name, "/", " "), func(t *testing.T) {
			t.Parallel()
			for _, i := range places(len(b)) {
				x := trial{T: t, w: w, name: o.Name}
				x.try("byte flipped", i, flipped(b, i))
				x.try("cut off from", i, b[:i:i])
			}
		})
	}
}

func (x trial) try(what string, i int, b []byte) {
	x.Helper()
	x.what = fmt.Sprintf("%s at %d of %s", what, i, x.name)
	x.st = altered{Store: x.w.st, name: x.name, data: b}
	x.reported()
	n := x.restores()
	whole := len(x.w.images)
	switch {
	case x.name == "meta/config", strings.HasPrefix(x.name, "meta/key-"):
		return
	case strings.HasPrefix(x.name, "packs/"), strings.HasPrefix(x.name, "meta/round-"):
		if len(b) < len(read(x, x.w.st, x.name)) {
			x.keepsAll()
		}
		return
	case snapshotName(x.name):
		whole--
	}
	if n != whole {
		x.Errorf("%s: %d snapshots restore, want %d", x.what, n, whole)
	}
	if !idle(x.name) {
		x.keepsAll()
	}
}

// TestMissingObjects takes away one object at a time.
func TestMissingObjects(t *testing.T) {
	t.Parallel()
	w := everyKind(t)
	for _, o := range objectsOf(t, w.st, "") {
		x := trial{T: t, w: w, what: "without " + o.Name, name: o.Name, st: altered{Store: w.st, name: o.Name}}
		n := x.restores()
		switch {
		case o.Name == "meta/config":
			if _, err := repo.Open(t.Context(), options(x.st)); !errors.Is(err, repo.ErrNotRepository) {
				t.Errorf("%s: got %v, want ErrNotRepository", x.what, err)
			}
		case strings.HasPrefix(o.Name, "meta/gc-"):
			x.reported()
			x.keepsAll()
			if n != len(w.images) {
				t.Errorf("%s: %d snapshots restore, want all %d", x.what, n, len(w.images))
			}
		case strings.HasPrefix(o.Name, "packs/") && n < len(w.images), o.Name == largest(t, w.st, "meta/round-").Name: // another round stands on it
			x.reported()
			x.keepsAll()
		}
	}
}

// TestSwappedObjects puts each object in the place of each other one, and of one
// with a fresh name.
func TestSwappedObjects(t *testing.T) {
	t.Parallel()
	w := everyKind(t)
	condemned := condemnedPacks(t, w)
	objects := objectsOf(t, w.st, "")
	pairs := 0
	for _, into := range objects {
		for _, from := range objects {
			if pairs++; pairs%stride() != 0 {
				continue
			}
			if into == from || condemned[into.Name] || strings.HasPrefix(into.Name, "meta/key-") {
				continue
			}
			x := trial{T: t, w: w, what: from.Name + " in place of " + into.Name, name: into.Name}
			x.st = altered{Store: w.st, name: into.Name, data: read(t, w.st, from.Name)}
			x.reported()
			x.restores()
			if into.Name != "meta/config" && !idle(into.Name) {
				x.keepsAll()
			}
		}
	}
}

// TestForeignObjects adds old records under new names, and objects of another
// repository that the same key opens.
func TestForeignObjects(t *testing.T) {
	t.Parallel()
	w, other := everyKind(t), everyKind(t)
	foreign := make(map[string][]byte)
	for _, o := range objectsOf(t, other.st, "") {
		foreign[o.Name] = read(t, other.st, o.Name)
	}
	delete(foreign, "meta/config")
	maps.DeleteFunc(foreign, func(name string, _ []byte) bool { return strings.HasPrefix(name, "meta/key-") })
	old := objectsOf(t, w.st, snapshot.Prefix)[0].Name
	foreign[old[:len(old)-32]+strings.Repeat("0a", 16)] = read(t, w.st, old)
	oldNote := firstName(t, w.st, snapshot.NotePrefix)
	foreign[oldNote[:len(oldNote)-16]+strings.Repeat("0a", 8)] = read(t, w.st, oldNote)
	for _, prefix := range []string{"meta/round-", "meta/gone-", "meta/alive-"} {
		foreign[prefix+strings.Repeat("0a", 16)] = read(t, w.st, firstName(t, w.st, prefix))
	}
	for name, b := range foreign {
		c := w.clone(t)
		if err := c.st.Put(t.Context(), name, b); err != nil {
			t.Fatal(err)
		}
		x := trial{T: t, w: c, st: c.st, what: "foreign " + name, name: name}
		x.reported()
		if !idle(name) && !strings.HasPrefix(name, "meta/gc-") { // a plan of others is none, and a prune goes on
			x.keepsAll()
		}
		if n := x.restores(); n != len(w.images) {
			t.Errorf("%s: %d snapshots restore, want %d", x.what, n, len(w.images))
		}
	}
}

// TestCheckReadsPastTheCache damages objects that a repository was opened with, and that come from the cache since.
func TestCheckReadsPastTheCache(t *testing.T) {
	t.Parallel()
	w := everyKind(t)
	dir := t.TempDir()
	run(t, w.st, dir, func(r *repo.Repo) { take(t, r, "production", small) })
	for _, o := range objectsOf(t, w.st, "meta/") {
		b := read(t, w.st, o.Name)
		r := cached(t, altered{Store: w.st, name: o.Name, data: flipped(b, len(b)/2)}, dir)
		if err := findings(r); err == nil && !strings.HasPrefix(o.Name, "meta/key-") {
			t.Errorf("%s damaged behind the cache: not reported", o.Name)
		}
	}
	x := cached(t, w.st, dir)
	for _, o := range objectsOf(t, w.st, "meta/key-") {
		slot := bytes.Replace(read(t, w.st, o.Name), []byte(`"ct":"`), []byte(`"ct":"AAAA`), 1)
		cut := bytes.LastIndexByte(slot, '"')
		replace(t, w.st, o.Name, slices.Concat(slot[:cut-4], slot[cut:]))
	}
	if err := findings(x); err == nil {
		t.Error("all keys damaged behind the cache: not reported")
	}
}

// TestPruneRefusesDamagedBlobs lets a prune rewrite a pack, one of whose needed
// blobs is damaged.
func TestPruneRefusesDamagedBlobs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wastefulPack(t, w)
	rewritten := largest(t, w.st, "packs/").Name
	b := read(t, w.st, rewritten)
	for i := crypt.HeaderLen; i < len(b)-2000; i += 1000 { // all blobs, not the footer
		b[i] ^= 1
	}
	x := trial{T: t, w: w, what: "damaged blobs", name: rewritten}
	x.st = altered{Store: w.st, name: rewritten, data: b}
	x.keepsAll()
}
