package spool

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"firn/crypt"
)

func fileWith(t *testing.T, dir string, free func(string) (int64, bool)) *File {
	t.Helper()
	f, err := newFile(dir, free)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// blocks returns blocks of several sizes, one of them empty.
func blocks() [][]byte {
	all := [][]byte{{}, []byte("x")}
	for n := 1; n < 70; n++ {
		all = append(all, bytes.Repeat([]byte{'a' + byte(n%20)}, n*n*n))
	}
	return all
}

func TestFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := fileWith(t, dir, FreeSpace)
	var places []Place
	for _, b := range blocks() {
		place, err := f.Put(b)
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, place)
	}
	for i, want := range blocks() {
		got, err := f.Get([]byte("before"), places[i], len(want))
		if err != nil || string(got) != "before"+string(want) {
			t.Errorf("block %d: got %d bytes, %v, want %d", i, len(got), err, len(want))
		}
	}
}

// TestFileIsPrivate checks everything that another user could see: names in the folder, the mode,
// and the bytes on the disk.
func TestFileIsPrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := fileWith(t, dir, FreeSpace)
	row := bytes.Repeat([]byte("a row of production "), 1000)
	if _, err := f.Put(row); err != nil {
		t.Fatal(err)
	}
	info, err := f.file.Stat()
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("mode: got %v, %v", info.Mode(), err)
	}
	raw := make([]byte, f.end)
	if _, err := f.file.ReadAt(raw, 0); err != nil || bytes.Contains(raw, row[:20]) {
		t.Errorf("what is on the disk has the row in the clear: %v, %v", bytes.Contains(raw, row[:20]), err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("left in the folder: %v, %v", names, err)
	}
}

// TestFileRefusesOtherBytes overwrites a block with another block, outside of the methods of File.
func TestFileRefusesOtherBytes(t *testing.T) {
	t.Parallel()
	f := fileWith(t, t.TempDir(), FreeSpace)
	var places [2]Place
	for i := range places {
		var err error
		if places[i], err = f.Put([]byte{'a' + byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	second := make([]byte, 1+crypt.Overhead)
	if _, err := f.file.ReadAt(second, int64(places[1])); err != nil {
		t.Fatal(err)
	}
	if _, err := f.file.WriteAt(second, int64(places[0])); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Get(nil, places[0], 1); !errors.Is(err, crypt.ErrAuth) {
		t.Errorf("another block's bytes: got %q, %v, want ErrAuth", got, err)
	}
	if got, err := f.Get(nil, places[1], 2); err == nil {
		t.Errorf("beyond the end: got %q", got)
	}
}

// TestFileLeavesRoom fills a disk up to the part that is reserved for other programs.
func TestFileLeavesRoom(t *testing.T) {
	t.Parallel()
	room := int64(100_000)
	f := fileWith(t, t.TempDir(), func(string) (int64, bool) { return room, true })
	put := 0
	block := bytes.Repeat([]byte("b"), 1000)
	for ; put < 200; put++ {
		if _, err := f.Put(block); err != nil {
			if !errors.Is(err, ErrFull) {
				t.Fatal(err)
			}
			break
		}
		room -= 1000 + crypt.Overhead
	}
	if put != 86 { // a tenth of the room is 10000, a sealed block has 1040
		t.Errorf("put %d blocks, want 86", put)
	}
	if got, err := f.Get(nil, 0, len(block)); err != nil || !bytes.Equal(got, block) {
		t.Errorf("the first block: got %d bytes, %v", len(got), err)
	}
}

func TestFileWithoutFolder(t *testing.T) {
	t.Parallel()
	if f, err := New(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Errorf("got %v in a folder that is not there", f)
	}
}

func BenchmarkPutGet(b *testing.B) {
	f, err := New(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 128<<10)
	b.SetBytes(int64(len(block)))
	for b.Loop() {
		f.end = 0
		place, err := f.Put(block)
		if err != nil {
			b.Fatal(err)
		}
		if block, err = f.Get(block[:0], place, len(block)); err != nil {
			b.Fatal(err)
		}
	}
}
