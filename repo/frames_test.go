package repo_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"firn/internal/dbtest"
	"firn/repo"
	"firn/snapshot"
	"firn/store/mem"
)

// framesOf returns a snapshot's image as a zstd stream.
func framesOf(t testing.TB, r *repo.Repo, s *snapshot.Snapshot) []byte {
	t.Helper()
	i, err := r.OpenImage(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	done := int64(-1)
	if err := i.CopyFrames(t.Context(), &b, func(n int64) { done = n }); err != nil {
		t.Fatal(err)
	}
	if done != i.Size() {
		t.Errorf("progress: got %d bytes, want %d", done, i.Size())
	}
	return b.Bytes()
}

// unpack decodes a zstd stream as any program would.
func unpack(t testing.TB, stream []byte) ([]byte, error) {
	t.Helper()
	d, err := zstd.NewReader(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	return io.ReadAll(d)
}

// mixed returns an image of chunks that compress and chunks that do not.
func mixed(seed uint64) []byte {
	noise := make([]byte, 600<<10)
	random := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = random.Read(noise)
	return slices.Concat(pages(seed, 200), noise, pages(seed+1, 200))
}

func TestCopyFrames(t *testing.T) {
	t.Parallel()
	r := newRepo(t, mem.New())
	images := map[string][]byte{"Page": pages(1, 1), "Empty": nil, "Mixed": mixed(2), "Changed": touch(mixed(2), 1, 20)}
	for _, name := range []string{"Page", "Empty", "Mixed", "Changed"} { // the last one as deltas
		got, err := unpack(t, framesOf(t, r, take(t, r, "production", images[name])))
		if err != nil || !bytes.Equal(got, images[name]) {
			t.Errorf("%s: got %d bytes or others, %v", name, len(got), err)
		}
	}
}

// Chunks that are deltas in one repository and whole in another, of the same key,
// become the same frames.
func TestFramesDependOnContentAlone(t *testing.T) {
	t.Parallel()
	whole := newWorld(t)
	delta := whole.clone(t)
	first := mixed(2)
	second := touch(first, 1, 20)
	delta.take(t, "production", first)
	dump := func(w *world) map[string]string {
		r := open(t, w.st)
		s := take(t, r, "production", second)
		frames := split(t, framesOf(t, r, s), second)
		if len(frames) != s.Chunks {
			t.Errorf("got %d frames, want one for each of %d chunks", len(frames), s.Chunks)
		}
		return frames
	}
	wholes, deltas, changed := dump(whole), dump(delta), 0
	for plain, frame := range wholes {
		if deltas[plain] != "" && !bytes.Contains(first, []byte(plain)) {
			changed++
		}
		if deltas[plain] != "" && deltas[plain] != frame {
			t.Errorf("a chunk of %d bytes has two frames", len(plain))
		}
	}
	if changed < 3 {
		t.Errorf("%d changed chunks in common, which says little", changed)
	}
}

// split returns the frames of a stream of the image by their plaintexts. It finds
// them by the table at the end.
func split(t testing.TB, stream, image []byte) map[string]string {
	t.Helper()
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	count := int(binary.LittleEndian.Uint32(stream[len(stream)-9:]))
	table := stream[len(stream)-9-8*count:]
	frames := make(map[string]string)
	at, from := 0, 0
	for i := range count {
		end := at + int(binary.LittleEndian.Uint32(table[8*i:]))
		to := from + int(binary.LittleEndian.Uint32(table[8*i+4:]))
		got, err := decoder.DecodeAll(stream[at:end], nil)
		if err != nil || !bytes.Equal(got, image[from:to]) {
			t.Fatalf("frame %d at %d: got %d bytes or others, %v, want %d", i, at, len(got), err, to-from)
		}
		frames[string(got)] = string(stream[at:end])
		at, from = end, to
	}
	if at != len(stream)-8-8*count-9 || from != len(image) {
		t.Errorf("frames end at %d of %d bytes, and %d of the image's %d", at, len(stream), from, len(image))
	}
	return frames
}

// failing passes on a number of writes, then none.
type failing struct {
	bytes.Buffer
	left int
}

var errFull = errors.New("disk full")

func (f *failing) Write(p []byte) (int, error) {
	if f.left == 0 {
		return 0, errFull
	}
	f.left--
	return f.Buffer.Write(p)
}

// A stream that was cut off after any write but the last is no whole stream.
func TestFramesCutOff(t *testing.T) {
	t.Parallel()
	r := newRepo(t, mem.New())
	image := mixed(4)
	i, err := r.OpenImage(t.Context(), take(t, r, "production", image))
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; ; n++ {
		w := &failing{left: n}
		err := i.CopyFrames(t.Context(), w, nil)
		got, broken := unpack(t, w.Bytes())
		if err == nil {
			if broken != nil || !bytes.Equal(got, image) || n < 5 {
				t.Errorf("after %d writes: got %d bytes or others, %v", n, len(got), broken)
			}
			return
		}
		if !errors.Is(err, errFull) || broken == nil {
			t.Fatalf("after %d writes: got error %v, and the stream decodes with %v", n, err, broken)
		}
	}
}

// A damaged chunk ends the stream, within a frame.
func TestFramesOfDamage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.take(t, "production", mixed(5))
	pack := objectsOf(t, w.st, "packs/")[0].Name
	b := read(t, w.st, pack)
	b[len(b)/2] ^= 1
	replace(t, w.st, pack, b)
	i, err := open(t, w.st).OpenImage(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var stream bytes.Buffer
	err = i.CopyFrames(t.Context(), &stream, nil)
	if _, ok := errors.AsType[*repo.CorruptError](err); !ok {
		t.Errorf("got %v, want a CorruptError", err)
	}
	if got, err := unpack(t, stream.Bytes()); err == nil {
		t.Errorf("what was written decodes to %d bytes without an error", len(got))
	}
}

// The reference decoder restores, tests and lists the stream.
func TestFramesZstd(t *testing.T) {
	t.Parallel()
	program := dbtest.Tool(t, "zstd")
	r := newRepo(t, mem.New())
	for name, image := range map[string][]byte{"Empty": nil, "Mixed": mixed(6)} {
		path := filepath.Join(t.TempDir(), "dump.zst")
		stream := framesOf(t, r, take(t, r, name, image))
		if err := os.WriteFile(path, stream, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := output(t, program, "-dc", path); got != string(image) {
			t.Errorf("%s: zstd -d gives %d bytes or others", name, len(got))
		}
		output(t, program, "-t", path)
		listed := output(t, program, "-lv", path)
		if !strings.Contains(listed, strconv.Itoa(len(image))+" B)") || len(image) > 0 && !strings.Contains(listed, "XXH64") {
			t.Errorf("%s: zstd -l does not tell size and checksum:\n%s", name, listed)
		}
		stream[len(stream)/3] ^= 1
		if err := os.WriteFile(path, stream, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := exec.Command(program, "-tq", path).Run(); err == nil {
			t.Errorf("%s: zstd -t finds no damage", name)
		}
	}
}

// output runs a program that must succeed.
func output(t testing.TB, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	b, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, &stderr)
	}
	return string(b)
}

var literalData = regexp.MustCompile(`Literal data: ([0-9,]+) bytes`)

// rsync sends little of the dump after a change.
func TestFramesRsync(t *testing.T) {
	t.Parallel()
	program := dbtest.Tool(t, "rsync")
	dir := t.TempDir()
	db := filepath.Join(dir, "app.db")
	dbtest.Create(t, db, dbtest.Options{Rows: 15_000 / scale()})
	r := newRepo(t, mem.New())
	dump := func(name string) string {
		image, err := os.ReadFile(db)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, framesOf(t, r, take(t, r, "production", image)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	there := dump("there.zst")
	dbtest.Mutate(t, db, 1, 4/scale())
	here := dump("here.zst")
	stats := output(t, program, "--no-whole-file", "--stats", here, there)
	m := literalData.FindStringSubmatch(stats)
	if m == nil {
		t.Fatalf("rsync tells no literal data:\n%s", stats)
	}
	literal, err := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(here)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("rsync sends %d of %d bytes", literal, info.Size())
	if int64(literal) > info.Size()/20 {
		t.Errorf("rsync sends %d of %d bytes, want at most 5 %%", literal, info.Size())
	}
}
