package pull

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"firn/chunk"
	"firn/crypt"
	"firn/snapshot"
	"firn/sqlite"
)

// spoken is a connection to an agent that says what a test wants, whatever it is asked.
type spoken struct{}

func (spoken) Read([]byte) (int, error)                      { return 0, io.EOF }
func (spoken) Write(p []byte) (int, error)                   { return len(p), nil }
func (spoken) Close() error                                  { return nil }
func (spoken) Await(_ <-chan struct{}, f func() error) error { return f() }
func (spoken) Explain(err error) error                       { return err }
func (spoken) exchange(t testing.TB, frames []byte) (e *exchange) {
	read, write := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	e = &exchange{
		Stream: NewStream(bytes.NewReader(frames), io.Discard, nil), conn: spoken{}, up: write, down: read, cancel: cancel, ctx: ctx, free: func() {},
	}
	t.Cleanup(e.close)
	return e
}

const (
	oldPages = 20
	testSize = 512 // of a page
)

// stored returns the image that the repository has, in the fuzz tests.
func stored() []byte {
	b := make([]byte, oldPages*testSize)
	for n := range b {
		b[n] = byte(n / testSize)
	}
	return b
}

// describedAs returns a description of an image.
func describedAs(pages int64, change byte) Described {
	print, _ := json.Marshal(sqlite.Fingerprint{Inode: 7, File: &sqlite.FileState{Settled: true, Header: []byte{change}}})
	return Described{Image: snapshot.Image{
		Size: pages * testSize, PageSize: testSize, PageCount: pages, JournalMode: "wal", Fingerprint: print,
	}}
}

// conversation writes frames.
type conversation struct {
	bytes.Buffer
	*Stream
}

func talk() *conversation {
	c := &conversation{}
	c.Stream = NewStream(nil, &c.Buffer, nil)
	return c
}

func (c *conversation) say(kind Kind, content []byte) *conversation {
	_ = c.Stream.Write(kind, content)
	return c
}

func (c *conversation) tell(kind Kind, value any) *conversation {
	_ = c.WriteJSON(kind, value)
	return c
}

// testTable returns the table of the stored image, in a file.
func testTable(t testing.TB) (path string, table *Table) {
	t.Helper()
	table = newTable(testSize)
	table.key = crypt.PageKey{1}
	if _, err := table.writer().Write(stored()); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "pages")
	if err := table.save(path); err != nil {
		t.Fatal(err)
	}
	return path, table
}

// imageBy returns an image whose agent says frames.
func imageBy(t testing.TB, frames []byte, tablePath string, compact bool) *image {
	e := spoken{}.exchange(t, frames)
	h := NewHost("db1", "test", func() (Connection, error) { return nil, errors.New("no other connection") })
	i := &image{ctx: t.Context(), host: h, request: OpenRequest{Database: "/app.db", Compact: compact}, tablePath: tablePath, number: -1, exchange: e}
	i.distrust = new(atomic.Bool)
	return i
}

// read reads an image as a backup does, against the stored one.
func read(t testing.TB, i *image, trusted bool) ([]byte, error) {
	if err := i.settle(); err != nil {
		return nil, err
	}
	old := &snapshot.Image{Size: oldPages * testSize, PageSize: testSize, PageCount: oldPages, Fingerprint: json.RawMessage("{}")}
	if i.described.PageSize == testSize {
		d, err := i.find(t.Context(), old, trusted, nil)
		if err != nil {
			return nil, err
		}
		if d.Known {
			if err := i.want(d.Ranges, bytes.NewReader(stored())); err != nil {
				return nil, err
			}
		}
	}
	b, err := io.ReadAll(io.LimitReader(i, 1<<20))
	if err == nil {
		i.Named(chunk.ID{9})
	}
	return b, errors.Join(err, i.Close())
}

// FuzzPuller lets an agent say anything to a puller of an image: there is no panic, the memory is bounded, and an image without
// an error has its length, and the stored pages outside of the ranges that have changed.
func FuzzPuller(f *testing.F) {
	_, table := testTable(f)
	page := bytes.Repeat([]byte{200}, testSize)
	same := func(n int) (b []byte) {
		for _, h := range table.hashes[:n] {
			b = append(b, h[:]...)
		}
		return b
	}
	d, longer := describedAs(oldPages, 1), describedAs(oldPages+2, 1)
	huge := describedAs(mostPages, 1)
	for _, c := range []*conversation{
		talk().tell(Opened, d).say(Known, []byte{3, 1}).say(Data, page).tell(End, d),
		talk().tell(Opened, longer).say(Known, []byte{3, 1, 16, 2}).say(Data, bytes.Repeat(page, 3)).tell(End, longer),
		talk().tell(Opened, longer).say(Ranges, []byte{3, 1}).say(Known, nil).say(Data, page).tell(End, longer),
		talk().tell(Opened, d).say(Unknown, nil).tell(Opened, d).say(Hashes, same(20)).say(Hashed, nil).tell(End, d),
		talk().tell(Opened, d).say(Unknown, nil).tell(Opened, longer).say(Hashes, append(same(20), page[:32]...)).say(Beat, nil).say(Hashed, nil).say(Data, page).say(Data, page).tell(End, longer),
		talk().tell(Opened, d).say(Unknown, nil).tell(Opened, huge).say(Hashes, same(20)).say(Hashed, nil),
		talk().tell(Opened, huge).say(Known, nil).tell(End, huge),
		talk().tell(Opened, huge).say(Known, []byte{20, 255, 255, 255, 255, 7}).say(Data, page).tell(End, huge),
		talk().tell(Opened, d).tell(Failed, Failure{Code: "busy", Message: "\x1b[31mred"}),
		talk().tell(Opened, d).say(Known, []byte{0, 20}).tell(End, d),
	} {
		f.Add(c.Bytes(), true)
		f.Add(c.Bytes(), false)
	}
	f.Fuzz(func(t *testing.T, frames []byte, trusted bool) {
		own := filepath.Join(t.TempDir(), "pages")
		if err := table.save(own); err != nil {
			t.Fatal(err)
		}
		i := imageBy(t, frames, own, false)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b, err := read(t, i, trusted)
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 16<<20+50*uint64(len(frames)) {
			t.Errorf("%d bytes of memory for %d bytes of frames", spent, len(frames))
		}
		if err != nil || len(b) == 1<<20 {
			return
		}
		if int64(len(b)) != i.described.Size {
			t.Errorf("got an image of %d bytes, described as one of %d", len(b), i.described.Size)
		}
		if i.stored == nil {
			return
		}
		old := stored()
		for n := range b {
			if i.fromAgent(int64(n)) {
				continue
			}
			if n >= len(old) || b[n] != old[n] {
				t.Fatalf("byte %d is neither the agent's nor the stored one", n)
			}
		}
		loaded, err := loadTable(own, chunk.ID{9}, testSize)
		if err != nil {
			t.Fatal(err)
		}
		want := &Table{key: loaded.key, pageSize: testSize}
		if _, err := want.writer().Write(b); err != nil {
			t.Fatal(err)
		}
		if len(want.hashes) != len(loaded.hashes) {
			t.Fatalf("the table has %d pages, want %d", len(loaded.hashes), len(want.hashes))
		}
		for n := range want.hashes {
			if want.hashes[n] != loaded.hashes[n] {
				t.Errorf("the table has another hash of page %d", n)
			}
		}
	})
}

// FuzzRestorer lets an agent say anything to a puller that restores: there is no panic, and the memory is bounded.
func FuzzRestorer(f *testing.F) {
	_, table := testTable(f)
	var hashes []byte
	for _, h := range table.hashes {
		hashes = append(hashes, h[:]...)
	}
	d, later := describedAs(oldPages, 1), describedAs(oldPages, 2)
	done := RestoreAnswer{Method: "delta", PagesWritten: 1, PageCount: oldPages}
	for _, c := range []*conversation{
		talk().say(Staged, nil).tell(Opened, d).say(Hashes, hashes).say(Hashed, nil).tell(Locked, d).tell(Done, done),
		talk().say(Staged, nil).tell(Opened, d).say(Hashes, hashes).say(Hashed, nil).tell(Locked, later).tell(Opened, later).say(Hashes, hashes).say(Hashed, nil).say(All, nil).tell(Done, done),
		talk().say(Staged, nil).say(Unknown, nil).say(All, nil).tell(Done, done),
		talk().say(Staged, nil).tell(Opened, describedAs(mostPages, 1)).say(Hashes, hashes).say(Hashed, nil),
		talk().tell(Failed, Failure{Message: "no"}),
	} {
		f.Add(c.Bytes())
	}
	f.Fuzz(func(t *testing.T, frames []byte) {
		if bytes.Count(frames, []byte{byte(All), 0, 0, 0, 0}) > 100 {
			return // each is answered, for as long as the agent asks
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := &Restore{exchange: spoken{}.exchange(t, frames), path: "/app.db"}
		err := r.Send(bytes.NewReader(stored()), StageRequest{PageSize: testSize, PageCount: oldPages})
		if err == nil {
			_, err = r.Replace(func() error { return nil })
		}
		r.Close()
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 64<<20+50*uint64(len(frames)) {
			t.Errorf("%d bytes of memory for %d bytes of frames: %v", spent, len(frames), err)
		}
	})
}

// FuzzTable reads any file as a table. One that is taken is written again as it was.
func FuzzTable(f *testing.F) {
	path, _ := testTable(f)
	f.Add(readFile(f, path))
	f.Add([]byte(tableMagic))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "pages")
		writeFile(t, path, content)
		table, err := loadTable(path, chunk.ID{}, testSize)
		if err != nil {
			return
		}
		if err := table.save(path); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(readFile(t, path), content) {
			t.Error("the table is written otherwise than it was read")
		}
	})
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
