package delta_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"firn/chunk"
)

// patched decodes the patch that leads from base to plain.
func patched(t interface{ Fatal(...any) }, plain, base []byte) (payload, got []byte) {
	var p chunk.Patch
	p.Compare(plain, base)
	payload = p.Append(nil)
	d, err := chunk.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	got, err = d.Decode(nil, payload, base)
	if err != nil {
		t.Fatal(err)
	}
	return payload, got
}

func TestPatch(t *testing.T) {
	t.Parallel()
	base := pages(1, 130) // more than four blocks
	edit := func(at int, b ...byte) []byte { return splice(base, at, len(b), b) }
	for name, plain := range map[string][]byte{
		"Equal":          base,
		"FirstByte":      edit(0, 'x'),
		"SecondByte":     edit(1, 'x'),
		"LastByte":       edit(len(base)-1, 'x'),
		"LastButOne":     edit(len(base)-2, 'x'),
		"Run":            edit(50_000, noise(1, 40)...),
		"AcrossBlocks":   edit(128<<10-20, noise(1, 40)...),
		"BeforeBlock":    edit(128<<10-5, noise(1, 5)...),
		"AfterBlock":     edit(128<<10, noise(1, 5)...),
		"NearBlockStart": edit(128<<10+2, noise(1, 5)...),
		"NearBlockEnd":   edit(128<<10-3, 'x'),
		"Grown":          append(bytes.Clone(base), noise(1, 100)...),
		"GrownByOne":     append(bytes.Clone(base), 'x'),
		"Shrunk":         base[:len(base)-1000],
		"ShrunkToBlock":  base[:128<<10],
		"Short":          base[:7],
		"OneByte":        {'x'},
		"Empty":          {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			payload, got := patched(t, plain, base)
			if !bytes.Equal(got, plain) {
				t.Error("the patch leads to something else")
			}
			if len(payload) > 192 {
				t.Errorf("a patch of %d bytes", len(payload))
			}
		})
	}
}

// The zstd program takes a patch for what it is.
func TestPatchByZstd(t *testing.T) {
	t.Parallel()
	base := pages(2, 100)
	plain := splice(splice(base, 99, 20, noise(3, 20)), 200_000, 3, []byte("new"))
	payload, _ := patched(t, plain, base)
	if got := byZstd(t, payload, base); !bytes.Equal(got, plain) {
		t.Errorf("zstd decodes it to %d other bytes", len(got))
	}
}

// byZstd has the zstd program decode a delta.
func byZstd(t *testing.T, payload, base []byte) []byte {
	t.Helper()
	zstd, err := exec.LookPath("zstd")
	if err != nil {
		t.Skip("no zstd on this machine")
	}
	dir := t.TempDir()
	path := func(name string, content []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	out, err := exec.Command(zstd, "-q", "-d", "-c", "--patch-from="+path("base", base), path("patch.zst", payload[5:])).Output()
	if err != nil {
		t.Error(err)
	}
	return out
}

func TestPatchCost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base := append([]byte("x"), drawImage(t, "base")...) // a base is never empty
		plain := bytes.Clone(base)
		for range rapid.IntRange(0, 5).Draw(t, "changes") {
			if len(plain) > 0 {
				at := rapid.IntRange(0, len(plain)-1).Draw(t, "at")
				copy(plain[at:], rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "bytes"))
			}
		}
		switch rapid.IntRange(0, 3).Draw(t, "end") {
		case 0:
			plain = append(plain, rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "grown")...)
		case 1:
			plain = plain[:rapid.IntRange(0, len(plain)).Draw(t, "length")]
		}
		var p chunk.Patch
		p.Compare(plain, base)
		if !p.Small() {
			return
		}
		payload, got := patched(t, plain, base)
		if !bytes.Equal(got, plain) {
			t.Fatal("the patch leads to something else")
		}
		if len(payload) > p.Cost()+16 {
			t.Fatalf("%d bytes where the cost is %d", len(payload), p.Cost())
		}
	})
}

func TestPatchIsSmall(t *testing.T) {
	t.Parallel()
	base := noise(1, 64<<10)
	for n, want := range map[int]bool{0: true, 20: true, 160: true, 400: false} {
		var p chunk.Patch
		p.Compare(splice(base, 30_000, n, noise(2, n)), base)
		if p.Small() != want {
			t.Errorf("%d bytes changed: small %t, cost %d", n, p.Small(), p.Cost())
		}
	}
	var moved chunk.Patch
	moved.Compare(splice(base, 30_000, 0, []byte("x")), base)
	if moved.Small() {
		t.Error("content that moved has a small patch")
	}
}

func FuzzPatch(f *testing.F) {
	f.Add([]byte("some bytes that change"), []byte("some bytes that have changed"))
	f.Fuzz(func(t *testing.T, base, plain []byte) {
		var p chunk.Patch
		p.Compare(plain, base)
		if !p.Small() {
			return
		}
		if _, got := patched(t, plain, base); !bytes.Equal(got, plain) {
			t.Error("the patch leads to something else")
		}
	})
}

func BenchmarkPatch(b *testing.B) {
	base := pages(1, 17)
	plain := splice(base, 40_000, 16, noise(1, 16))
	b.SetBytes(int64(len(plain)))
	b.ReportAllocs()
	var p chunk.Patch
	var dst []byte
	for b.Loop() {
		p.Compare(plain, base)
		dst = p.Append(dst[:0])
	}
}
