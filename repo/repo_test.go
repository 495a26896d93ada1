package repo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"firn/crypt"
	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store"
	"firn/store/mem"
)

// testKey opens every repository of the tests: no KDF, so that they are fast.
var testKey = crypt.KeyFileOf([]byte{1, 2, 3}).Credential()

// newRepo makes a repository in st. When the test ends, the repository is
// checked to the last byte.
func newRepo(t testing.TB, st store.Store) *repo.Repo {
	t.Helper()
	opts := options(st)
	opts.CacheDir = t.TempDir()
	r, err := repo.Init(t.Context(), opts, repo.NewKey{Credential: testKey, Label: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { checkAll(t, st) })
	return r
}

func options(st store.Store) repo.Options {
	return repo.Options{Store: st, Credential: testKey, Host: "host", Tool: "firn test"}
}

func open(t testing.TB, st store.Store) *repo.Repo {
	t.Helper()
	return openAs(t, options(st))
}

func openAs(t testing.TB, opts repo.Options) *repo.Repo {
	t.Helper()
	r, err := repo.Open(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// checkAll fails the test if anything is wrong with the repository in st.
func checkAll(t testing.TB, st store.Store) {
	t.Helper()
	checkWith(t, open(t, st))
}

func checkWith(t testing.TB, r *repo.Repo) {
	t.Helper()
	result, err := r.Check(context.Background(), repo.CheckOptions{ReadData: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range result.Findings {
		t.Errorf("check: %v", f.Err)
	}
}

// image is a repo.SourceImage of bytes in memory.
type image struct {
	io.Reader
	fingerprint string
}

func (i *image) Close() error { return nil }

func (i *image) Describe() snapshot.Image {
	print, _ := json.Marshal(i.fingerprint)
	return snapshot.Image{PageSize: 4096, Fingerprint: print}
}

func (i *image) Unchanged(old json.RawMessage) bool {
	print, _ := json.Marshal(i.fingerprint)
	return i.fingerprint != "" && bytes.Equal(print, old)
}

func sourceOf(b []byte) repo.Source {
	return func(context.Context) (repo.SourceImage, error) { return &image{Reader: bytes.NewReader(b)}, nil }
}

// pages returns n pages of 4096 bytes that look a little like a database's.
func pages(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 7))
	b := make([]byte, n*4096)
	for at := 0; at < len(b); at += 4096 {
		used := 2000 + r.IntN(2096)
		for i := at; i < at+used; i++ {
			b[i] = byte('a' + r.IntN(20))
		}
	}
	return b
}

// touch changes some bytes of n pages.
func touch(b []byte, seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 9))
	b = bytes.Clone(b)
	for range n {
		at := r.IntN(len(b)/4096) * 4096
		for range 40 {
			b[at+r.IntN(4096)] = byte(r.IntN(256))
		}
	}
	return b
}

func take(t testing.TB, r *repo.Repo, env string, b []byte) *snapshot.Snapshot {
	t.Helper()
	result, err := r.Backup(t.Context(), sourceOf(b), repo.BackupOptions{Environment: env, Database: "app"})
	if err != nil {
		t.Fatal(err)
	}
	return result.Snapshot
}

// restore returns a snapshot's image.
func restore(t testing.TB, r *repo.Repo, s *snapshot.Snapshot) []byte {
	t.Helper()
	i, err := r.OpenImage(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := i.Copy(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	st := mem.New()
	r := newRepo(t, st)
	images := map[snapshot.ID][]byte{}
	b := pages(1, 2000/scale())
	for i := range 12 {
		s := take(t, r, "production", b)
		images[s.ID] = b
		if i > 0 && s.Added > 60<<10 {
			t.Errorf("snapshot %d added %d bytes for 20 changed pages", i, s.Added)
		}
		b = touch(b, uint64(i), 20)
	}
	for _, r := range []*repo.Repo{r, open(t, st)} {
		list, err := r.Snapshots(t.Context())
		if err != nil || len(list) != 12 {
			t.Fatalf("got %d snapshots, %v, want 12", len(list), err)
		}
		for _, s := range list {
			if !bytes.Equal(restore(t, r, s), images[s.ID]) {
				t.Errorf("snapshot %d differs from its image", s.Sequence)
			}
		}
	}
}

func TestPruneFreesWhatNobodyNeeds(t *testing.T) {
	t.Parallel()
	st := mem.New()
	r := newRepo(t, st)
	gone, kept := take(t, r, "demo", pages(2, 1000/scale())), pages(1, 1000/scale())
	keep := &retention.Policy{Last: 2}
	for i := range 10 {
		opts := repo.BackupOptions{Environment: "production", Database: "app", Keep: keep}
		if _, err := r.Backup(t.Context(), sourceOf(kept), opts); err != nil {
			t.Fatal(err)
		}
		kept = touch(kept, uint64(i), 200/scale())
	}
	if err := r.Forget(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	var freed int64
	for range 3 {
		result, err := open(t, st).Prune(t.Context(), repo.PruneOptions{OrphanAge: -1})
		if err != nil {
			t.Fatal(err)
		}
		freed += result.Freed
		checkAll(t, st)
	}
	if freed < gone.Added {
		t.Errorf("freed %d bytes, want at least the %d of the forgotten snapshot", freed, gone.Added)
	}
	list, err := r.Snapshots(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("got %d snapshots, %v, want 2", len(list), err)
	}
}

// Attempts to make a repository that lost a race leave a first plan and keys
// that open nothing. Such a slot looks like a damaged one: check names it, and a repair
// removes it.
func TestRemainsOfInitAreIgnored(t *testing.T) {
	t.Parallel()
	st := mem.New()
	r := newRepo(t, st)
	for _, name := range []string{"meta/gc-000000000000-0123456789abcdef0123456789abcdef", "meta/key-0123456789abcdef"} {
		other := mem.New()
		if _, err := repo.Init(t.Context(), options(other), repo.NewKey{Credential: testKey}); err != nil {
			t.Fatal(err)
		}
		for o, err := range other.List(t.Context(), name[:len("meta/gc")]) {
			if err != nil {
				t.Fatal(err)
			}
			b, err := other.Get(t.Context(), o.Name, 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			if err := st.Put(t.Context(), name, b); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	s := take(t, r, "production", pages(1, 100))
	r = open(t, st)
	if _, err := r.Prune(t.Context(), repo.PruneOptions{OrphanAge: -1}); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(restore(t, r, s), pages(1, 100)) {
		t.Error("the snapshot differs from its image")
	}
	d, err := r.Diagnose(t.Context(), nil)
	if err != nil || !slices.Equal(d.Deleted, []string{"meta/key-0123456789abcdef"}) || len(d.Check.Findings) != 1 {
		t.Fatalf("got %+v, %v, want the key of the other attempt to be deleted", d, err)
	}
	if _, err := r.Repair(t.Context(), d, repo.RepairOptions{}); err != nil {
		t.Error(err)
	}
}

// Other chunk sizes are part of the repository: every process that opens it cuts by them.
// Sizes that cannot work make no repository.
func TestChunkSizes(t *testing.T) {
	t.Parallel()
	for sizes, chunks := range map[repo.ChunkSizes]int{
		{}: 7, {Min: 4 << 10, Max: 4 << 10, AverageBits: 17}: 100, {Min: 400 << 10, Max: 512 << 10, AverageBits: 20}: 1,
		{Min: 1}: 0, {Min: 2 << 10, Max: 1 << 10, AverageBits: 17}: 0,
	} {
		st := mem.New()
		opts := options(st)
		opts.ChunkSizes = sizes
		if _, err := repo.Init(t.Context(), opts, repo.NewKey{Credential: testKey}); (err == nil) != (chunks > 0) {
			t.Fatalf("%+v: %v", sizes, err)
		}
		if chunks == 0 {
			if n := countOf(t, st, ""); n > 0 {
				t.Errorf("%+v: refused, and wrote %d objects", sizes, n)
			}
			continue
		}
		if s := take(t, open(t, st), "production", pages(1, 100)); s.Chunks != chunks {
			t.Errorf("%+v: got %d chunks, want %d", sizes, s.Chunks, chunks)
		}
	}
}
