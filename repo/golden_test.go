package repo_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/crypt"
	"firn/repo"
	"firn/snapshot"
	"firn/store"
	"firn/store/local"
	"firn/store/mem"
	"firn/tags"
)

// A repository of format 1 that a released firn may have made. It must stay
// readable for ever. Its nonces and names are random, so it cannot be made
// twice the same: the tests only read it. docs/format.md, section 10, explains
// some of its bytes.
const goldenFolder = "testdata/golden/repository"

var updateGolden = flag.Bool("update", false, "make the golden repository and the example in docs/format.md anew")

const goldenPassword = "correct horse"

// goldenKey is the key file 00 01 02 ... 1f.
func goldenKey() crypt.KeyFile { return crypt.KeyFileOf(goldenKeyBytes()) }

func goldenKeyBytes() []byte {
	b := make([]byte, 32)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// goldenSnapshot is a snapshot of the golden repository.
type goldenSnapshot struct {
	environment, database string
	image                 func() []byte
	forgotten             bool // its pack is condemned
}

// goldenSnapshots are in the order in which they were taken: a chunk stored
// raw, and a delta on it; an image of several chunks and one that stands on
// it; zeros; nothing at all; and one that goes.
var goldenSnapshots = []goldenSnapshot{
	{environment: "example", database: "app", image: func() []byte { return goldenNoise(192) }},
	{environment: "example", database: "app", image: func() []byte { return splice(goldenNoise(192), 0, "snow") }},
	{environment: "production", database: "shop", image: goldenRows},
	{environment: "production", database: "shop", image: func() []byte { return splice(goldenRows(), 200_000, "the snow of past years") }},
	{environment: "demo", database: "zeros", image: func() []byte { return make([]byte, 150_000) }},
	{environment: "demo", database: "empty", image: func() []byte { return nil }},
	{environment: "demo", database: "gone", image: func() []byte { return goldenNoise(320)[192:] }, forgotten: true},
}

// goldenNoise returns n bytes: SHA-256 of "firn 0", "firn 1" and so on.
func goldenNoise(n int) []byte {
	var b []byte
	for i := 0; len(b) < n; i++ {
		sum := sha256.Sum256(fmt.Append(nil, "firn ", i))
		b = append(b, sum[:]...)
	}
	return b[:n]
}

// goldenRows returns 400,000 bytes that compress well.
func goldenRows() []byte {
	var b []byte
	for i := 0; len(b) < 400_000; i++ {
		b = fmt.Appendf(b, "%08d packed in layers %x|", i, i*i*7919)
	}
	return b[:400_000]
}

func splice(b []byte, at int, by string) []byte {
	copy(b[at:], by)
	return b
}

// goldenImage is a repo.SourceImage of the golden repository.
type goldenImage struct {
	*bytes.Reader
	size int64
}

func (*goldenImage) Close() error                   { return nil }
func (*goldenImage) Unchanged(json.RawMessage) bool { return false }

func (i *goldenImage) Describe() snapshot.Image {
	return snapshot.Image{
		PageSize: 4096, PageCount: i.size / 4096, JournalMode: "wal", UserVersion: 3, ApplicationID: -7,
		SchemaHash: "5eed", Export: "pages", Fingerprint: json.RawMessage(`{"kind":"wal"}`),
		Access: &snapshot.Access{UID: 1000, GID: 1000, Mode: 0o640},
	}
}

func (g goldenSnapshot) take(t *testing.T, r *repo.Repo, opened func()) *snapshot.Snapshot {
	t.Helper()
	source := func(context.Context) (repo.SourceImage, error) {
		opened()
		b := g.image()
		return &goldenImage{bytes.NewReader(b), int64(len(b))}, nil
	}
	result, err := r.Backup(t.Context(), source, repo.BackupOptions{
		Environment: g.environment, Database: g.database, Tags: tags.Set{"golden"}, Pinned: g.database == "zeros",
	})
	if err != nil {
		t.Fatal(err)
	}
	return result.Snapshot
}

func openGolden(t *testing.T, st store.Store, c crypt.Credential) *repo.Repo {
	t.Helper()
	r, err := repo.Open(t.Context(), repo.Options{Store: st, Credential: c, Host: "host", Tool: "firn-1"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// goldenStore returns a copy of the golden repository's objects.
func goldenStore(t *testing.T) store.Store {
	t.Helper()
	return goldenStoreIn(t, goldenFolder)
}

func goldenStoreIn(t *testing.T, path string) store.Store {
	t.Helper()
	folder, err := local.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	st := mem.New()
	for o, err := range folder.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		b, err := folder.Get(t.Context(), o.Name, 0, -1)
		if err == nil {
			err = st.Put(t.Context(), o.Name, b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return st
}

func TestGoldenRepositoryStaysReadable(t *testing.T) {
	if *updateGolden {
		makeGolden(t)
	}
	for name, c := range map[string]crypt.Credential{
		"KeyFile": goldenKey().Credential(), "Password": crypt.Password(goldenPassword),
	} {
		t.Run(name, func(t *testing.T) {
			st := goldenStore(t)
			checkGolden(t, st)
			compareGolden(t, openGolden(t, st, c))
		})
	}
}

// checkGolden fails the test unless every byte is as it should be.
func checkGolden(t *testing.T, st store.Store) {
	t.Helper()
	result, err := openGolden(t, st, goldenKey().Credential()).Check(t.Context(), repo.CheckOptions{ReadData: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range result.Findings {
		t.Error(f.Err)
	}
}

// compareGolden restores every snapshot and compares.
func compareGolden(t *testing.T, r *repo.Repo) {
	t.Helper()
	list, err := r.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(list) // oldest first
	want := slices.DeleteFunc(slices.Clone(goldenSnapshots), func(g goldenSnapshot) bool { return g.forgotten })
	if len(list) < len(want) {
		t.Fatalf("got %d snapshots, want %d", len(list), len(want))
	}
	for i, g := range want {
		s := list[i]
		if s.Environment != g.environment || s.Database != g.database || !s.Tags.Has("golden") || s.Image().ApplicationID != -7 {
			t.Errorf("snapshot %d: got %+v, want one of %s in %s", i, s, g.database, g.environment)
		}
		var got bytes.Buffer
		image, err := r.OpenImage(t.Context(), s)
		if err == nil {
			err = image.Copy(t.Context(), &got)
		}
		if err != nil || !bytes.Equal(got.Bytes(), g.image()) {
			t.Errorf("snapshot %d: got %d bytes, %v, want the %d of its image", i, got.Len(), err, len(g.image()))
		}
	}
}

// A backup goes on where an old repository ends: its chunks are found again,
// and are the bases of deltas. Then a prune cleans up.
func TestGoldenRepositoryGoesOn(t *testing.T) {
	st := goldenStore(t)
	r := openGolden(t, st, goldenKey().Credential())
	next := goldenSnapshot{environment: "production", database: "shop", image: func() []byte {
		return splice(goldenRows(), 100_000, "the snow of this year")
	}}
	s := next.take(t, r, func() {})
	if s.Sequence != 3 || s.Added > 4096 {
		t.Errorf("got snapshot %d, which added %d bytes, want the third with two small deltas", s.Sequence, s.Added)
	}
	result, err := r.Prune(t.Context(), repo.PruneOptions{OrphanAge: -1})
	if err != nil {
		t.Fatal(err)
	}
	if result.Deleted != 1 {
		t.Errorf("deleted %d packs, want the condemned one", result.Deleted)
	}
	checkGolden(t, st)
	compareGolden(t, openGolden(t, st, goldenKey().Credential()))
}

// keepPartials is a store that does not delete partial records, so that the
// golden repository has one.
type keepPartials struct{ store.Store }

func (k keepPartials) Delete(ctx context.Context, names ...string) error {
	return k.Store.Delete(ctx, slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "meta/part-") })...)
}

// goldenTime is when the golden repositories were begun.
var goldenTime = time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC)

// emptyFolder makes a store in a folder in the place of the old one. The caller closes it.
func emptyFolder(t *testing.T, path string) *local.Store {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	folder, err := local.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// initGolden makes a golden repository without snapshots. Its clock goes on by a millisecond each time that it is read.
func initGolden(t *testing.T, st store.Store, clock *time.Time) *repo.Repo {
	t.Helper()
	now := func() time.Time { *clock = clock.Add(time.Millisecond); return *clock }
	r, err := repo.Init(t.Context(), repo.Options{Store: st, Host: "host", Tool: "firn-1", Now: now},
		repo.NewKey{Credential: goldenKey().Credential(), Label: "example"}, repo.NewKey{Credential: crypt.Password(goldenPassword), Label: "password"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// makeGolden writes a new golden repository in the place of the old one.
func makeGolden(t *testing.T) {
	t.Helper()
	folder := emptyFolder(t, goldenFolder)
	defer folder.Close()
	clock := goldenTime
	r := initGolden(t, keepPartials{folder}, &clock)
	for _, g := range goldenSnapshots {
		// The shop's first upload takes so long that it leaves a partial record.
		s := g.take(t, r, func() {
			if g.database == "shop" && clock.Hour() < 5 {
				clock = clock.Add(2 * time.Hour)
			}
		})
		if g.forgotten {
			if err := r.Forget(t.Context(), s.ID); err != nil {
				t.Fatal(err)
			}
		}
		clock = clock.Add(12 * time.Minute)
	}
	if _, err := r.Prune(t.Context(), repo.PruneOptions{OrphanAge: -1}); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(goldenFolder, ".tmp")); err != nil {
		t.Fatal(err)
	}
}
