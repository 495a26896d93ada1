package history_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"firn/crypt"
	"firn/history"
	"firn/internal/dbtest"
	"firn/repo"
	"firn/rows"
	"firn/snapshot"
	"firn/store/mem"
)

// The flags of [TestCost] make it a measurement. The defaults are small enough for every run of the tests.
var (
	costSnapshots = flag.Int("cost.snapshots", 60, "how many snapshots the measured history has")
	costSize      = flag.Int("cost.mb", 12, "the size of the database, in MB")
	costVersions  = flag.Int("cost.versions", 4, "how often the row changes")
	costPages     = flag.Int("cost.pages", 20, "how many pages change from snapshot to snapshot")
)

const costPageSize = 4096

// TestCost finds the versions of a row that changes a few times, while other pages of the database change all the time. Only the
// snapshots in which the row's own pages differ are asked, and little is fetched of the others.
func TestCost(t *testing.T) {
	if testing.Short() {
		t.Skip("what is fetched does not depend on the race detector, which makes all slow")
	}
	t.Parallel()
	b := newBulk(t)
	for n := range *costSnapshots {
		if n > 0 {
			b.change(n)
		}
		b.take(t)
	}
	b.repo.Close()
	for _, how := range []struct {
		name, cache string
		most        int64 // bytes fetched for each snapshot
	}{
		// A new host reads the footer of each pack: see docs/design.md, "Queries".
		{"Warm", b.cache, 64 << 10}, {"Cold", t.TempDir(), 128 << 10},
	} {
		t.Run(how.name, func(t *testing.T) { b.measure(t, how.cache, how.most) })
	}
	t.Run("Table", b.measureTable)
}

// bulk is a database in memory, whose pages change without SQL, and a repository of its snapshots.
type bulk struct {
	r     *rand.Rand
	key   crypt.KeyFile
	store *counted
	cache string
	repo  *repo.Repo
	clock time.Time

	image     []byte
	changed   [][2]int64 // since the last snapshot
	text      []int      // pages of text, of which any byte may change
	row       int64      // where the text of the row is
	versions  int
	snapshots []*snapshot.Snapshot // the newest first
}

// newBulk makes a database of large rows that fill a page each, and a table of small rows.
func newBulk(t *testing.T) *bulk {
	t.Helper()
	b := &bulk{r: rand.New(rand.NewPCG(7, 7)), key: crypt.NewKeyFile(), store: &counted{Store: mem.New()}, cache: t.TempDir()}
	b.clock = time.Date(2026, 3, 15, 3, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "app.db")
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, fmt.Sprintf("PRAGMA page_size = %d; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", costPageSize))
	dbtest.Exec(t, db, "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, note TEXT); CREATE TABLE texts(t TEXT)")
	dbtest.Exec(t, db, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
		INSERT INTO users SELECT i, 'user ' || i, 'version 0' FROM n`)
	dbtest.Exec(t, db, fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO texts SELECT hex(randomblob(1900)) FROM n`, *costSize<<20/costPageSize))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.image, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	b.locate(t)
	b.repo, err = repo.Init(t.Context(), b.options(b.cache), repo.NewKey{Credential: b.key.Credential()})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bulk) options(cache string) repo.Options {
	return repo.Options{Store: b.store, Credential: b.key.Credential(), CacheDir: cache, Now: func() time.Time { return b.clock }}
}

// locate finds the pages of text, and the row 10001.
func (b *bulk) locate(t *testing.T) {
	t.Helper()
	for page := 1; page < len(b.image)/costPageSize; page++ {
		start := b.image[page*costPageSize:]
		if start[0] == 13 && binary.BigEndian.Uint16(start[3:]) == 1 { // a leaf with one row
			b.text = append(b.text, page)
		}
	}
	const row = "user 10001version 0"
	at := bytes.Index(b.image, []byte(row))
	if at < 0 || len(b.text) == 0 {
		t.Fatal("the database has another form than this test knows")
	}
	b.row = int64(at + len(row) - 1)
}

// change changes some pages of text, the counters in the header, and now and then the row.
func (b *bulk) change(n int) {
	pages := []int{0}
	binary.BigEndian.PutUint32(b.image[24:], binary.BigEndian.Uint32(b.image[24:])+1)
	copy(b.image[92:96], b.image[24:28])
	for range *costPages {
		page := b.text[b.r.IntN(len(b.text))]
		pages = append(pages, page)
		for range 20 {
			b.image[page*costPageSize+1000+b.r.IntN(2000)] = "0123456789ABCDEF"[b.r.IntN(16)]
		}
	}
	if n%max(1, *costSnapshots/(*costVersions+1)) == 0 {
		b.versions++
		b.image[b.row] = byte('0' + b.versions%10)
		pages = append(pages, int(b.row/costPageSize))
	}
	slices.Sort(pages)
	b.changed = nil
	for _, page := range slices.Compact(pages) {
		b.changed = append(b.changed, [2]int64{int64(page * costPageSize), int64((page + 1) * costPageSize)})
	}
}

// take takes a snapshot, for which only the chunks with changes are read.
func (b *bulk) take(t *testing.T) {
	t.Helper()
	b.clock = b.clock.Add(time.Minute)
	source := func(context.Context) (repo.SourceImage, error) { return &sparse{b, len(b.snapshots), 0}, nil }
	result, err := b.repo.Backup(t.Context(), source, repo.BackupOptions{Environment: "production", Database: "app"})
	if err != nil {
		t.Fatal(err)
	}
	b.snapshots = slices.Insert(b.snapshots, 0, result.Snapshot)
}

// sparse is the image of a [bulk] that knows what has changed.
type sparse struct {
	b    *bulk
	n    int
	next int64
}

func (s *sparse) fingerprint(n int) json.RawMessage { return fmt.Appendf(nil, "%d", n+1) }

func (s *sparse) Describe() snapshot.Image {
	return snapshot.Image{Size: int64(len(s.b.image)), Fingerprint: s.fingerprint(s.n)}
}
func (s *sparse) Unchanged(json.RawMessage) bool { return false }
func (s *sparse) Close() error                   { return nil }
func (s *sparse) Skip(n int64) error             { s.next += n; return nil }

func (s *sparse) Changed(since *snapshot.Snapshot) ([][2]int64, bool) {
	return s.b.changed, string(since.Image().Fingerprint) == string(s.fingerprint(s.n-1))
}

func (s *sparse) Read(p []byte) (int, error) {
	if s.next == int64(len(s.b.image)) {
		return 0, io.EOF
	}
	n := copy(p, s.b.image[s.next:])
	s.next += int64(n)
	return n, nil
}

// counted counts what is fetched from a store.
type counted struct {
	*mem.Store
	calls, bytes atomic.Int64
}

func (c *counted) Get(ctx context.Context, name string, offset, length int64) ([]byte, error) {
	b, err := c.Store.Get(ctx, name, offset, length)
	c.calls.Add(1)
	c.bytes.Add(int64(len(b)))
	return b, err
}

// measure finds the versions of the row, with a cache.
func (b *bulk) measure(t *testing.T, cache string, most int64) {
	t.Helper()
	r, err := repo.Open(t.Context(), b.options(cache))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	list, err := r.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.store.calls.Store(0)
	b.store.bytes.Store(0)
	begin := time.Now()
	h, err := history.OfRow(t.Context(), r, list, "users", rows.Key{Words: []string{"10001"}})
	if err != nil {
		t.Fatal(err)
	}
	calls, fetched := b.store.calls.Load(), b.store.bytes.Load()
	t.Logf("%d snapshots of %d MB, %d pages changed from one to the next: %d read, %d compared, %v; %d requests, %.1f MB, %d bytes for each",
		len(list), len(b.image)>>20, *costPages, h.Asked, len(list)-h.Asked, time.Since(begin), calls, float64(fetched)/(1<<20), fetched/int64(len(list)))
	if got, want := len(h.Events), b.versions+1; got != want {
		t.Errorf("events: got %d, want %d", got, want)
	}
	if got, want := h.Asked, b.versions+1; got != want {
		t.Errorf("SQLite has read %d snapshots, want %d: those in which the row is another", got, want)
	}
	if got := fetched / int64(len(list)); got > most {
		t.Errorf("fetched %d bytes for each snapshot, want %d at most", got, most)
	}
}

// measureTable finds what has happened to the table of the row, in the newest snapshots.
func (b *bulk) measureTable(t *testing.T) {
	r, err := repo.Open(t.Context(), b.options(b.cache))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	list := b.snapshots[:min(len(b.snapshots), max(30, *costSnapshots/20))]
	b.store.bytes.Store(0)
	begin, changed := time.Now(), int64(0)
	_, err = history.OfTable(t.Context(), r, list, "users", func(e history.TableEvent) error {
		changed += e.Rows.Changed
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the table in %d snapshots: %v, %.1f MB", len(list), time.Since(begin), float64(b.store.bytes.Load())/(1<<20))
	if changed == 0 || changed > int64(b.versions) {
		t.Errorf("got %d changes of rows, want some of the %d", changed, b.versions)
	}
}
