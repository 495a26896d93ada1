package delta_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"firn/chunk"
)

// moved returns bases and what became of them, by name: all that a frame may be made of.
func moved() map[string][2][]byte {
	words, rows := text(1, 300_000), pages(2, 60)
	return map[string][2][]byte{
		"Equal":        {words, words},
		"Shifted":      {words, splice(words, 5000, 0, []byte("new"))},
		"Swapped":      {words, append(bytes.Clone(words[150_000:]), words[:150_000]...)},
		"Rows":         {rows, splice(splice(rows, 70_000, 300, nil), 9000, 0, rows[:500])},
		"Other":        {words, text(3, 200_000)},
		"Noise":        {words, noise(1, 200_000)},
		"NoiseThenOld": {words, append(noise(1, 131_072), words...)},
		"OldInNoise":   {words, append(append(noise(1, 1000), words[:40_000]...), noise(2, 300_000)...)},
		"Zeros":        {words, make([]byte, 300_000)},
		"OnZeros":      {make([]byte, 70_000), words},
		"OneByte":      {words, []byte("x")},
		"OnOneByte":    {[]byte("x"), words},
		"Short":        {words, words[100:120]},
		"SevenBytes":   {words[:7], words[:7]},
		"Few":          {words, text(9, 900)},
		"Many":         {words, scattered(words, 100)},
		"VeryMany":     {words, scattered(words, 9)},
		"Large":        {noise(4, 3<<20), splice(noise(4, 3<<20), 2<<20, 5, words)},
	}
}

// scattered changes a byte in each so many.
func scattered(plain []byte, step int) []byte {
	plain = bytes.Clone(plain)
	for at := 0; at < len(plain); at += step {
		plain[at] ^= byte(at>>4) | 1
	}
	return plain
}

func TestSearch(t *testing.T) {
	t.Parallel()
	for name, c := range moved() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			enc, dec := codecs(t)
			base, plain := c[0], c[1]
			payload := enc.EncodeDelta(nil, plain, base)
			got, err := dec.Decode(nil, payload, base)
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("the delta does not come back: %v", err)
			}
			if got := byZstd(t, payload, base); !bytes.Equal(got, plain) {
				t.Error("the zstd program decodes it to something else")
			}
			if library := libraryDelta(t, plain, base); len(payload) > library+library/20+40 {
				t.Errorf("a delta of %d bytes where the library's has %d", len(payload), library)
			}
		})
	}
}

// libraryDelta returns the length of the delta that zstd's encoder makes.
func libraryDelta(t *testing.T, plain, base []byte) int {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderCRC(false), zstd.WithEncoderDictRaw(0, base), zstd.WithWindowSize(8<<20))
	if err != nil {
		t.Fatal(err)
	}
	return len(w.EncodeAll(plain, nil))
}

// An encoder's tables are reused: what it has seen before must not matter, but for
// what it finds.
func TestSearchForgets(t *testing.T) {
	t.Parallel()
	enc, dec := codecs(t)
	for round := range 3 {
		for name, c := range moved() {
			got, err := dec.Decode(nil, enc.EncodeDelta(nil, c[1], c[0]), c[0])
			if err != nil || !bytes.Equal(got, c[1]) {
				t.Fatalf("round %d, %s: the delta does not come back: %v", round, name, err)
			}
		}
	}
	a, b := text(1, 70_000), text(2, 80_000)
	fresh, _ := codecs(t)
	if !bytes.Equal(enc.EncodeDelta(nil, a, b), fresh.EncodeDelta(nil, a, b)) {
		t.Error("a used encoder makes another delta than a new one")
	}
}

func TestSearchProperty(t *testing.T) {
	t.Parallel()
	enc, dec := codecs(t)
	rapid.Check(t, func(t *rapid.T) {
		base := append([]byte("x"), drawImage(t, "base")...) // a base is never empty
		plain := bytes.Clone(base)
		for i := range rapid.IntRange(0, 40).Draw(t, "edits") {
			at := rapid.IntRange(0, len(plain)).Draw(t, fmt.Sprint("at ", i))
			n := min(len(plain)-at, rapid.IntRange(0, 300).Draw(t, fmt.Sprint("removed ", i)))
			from := rapid.IntRange(0, len(base)).Draw(t, fmt.Sprint("from ", i))
			by := base[from:min(len(base), from+rapid.IntRange(0, 300).Draw(t, fmt.Sprint("moved ", i)))]
			if rapid.Bool().Draw(t, fmt.Sprint("new ", i)) {
				by = rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, fmt.Sprint("bytes ", i))
			}
			plain = splice(plain, at, n, by)
		}
		got, err := dec.Decode(nil, enc.EncodeDelta(nil, plain, base), base)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("the delta does not come back: %v", err)
		}
	})
}

func FuzzSearch(f *testing.F) {
	f.Add([]byte("some bytes that change"), []byte("bytes that change, some bytes that change"), 1)
	f.Add([]byte("0123456789abcdef"), []byte("0123456789"), 5000)
	enc, err := chunk.NewEncoder()
	if err != nil {
		f.Fatal(err)
	}
	dec, err := chunk.NewDecoder()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, base, plain []byte, times int) {
		if len(base) == 0 {
			return
		}
		plain = bytes.Repeat(plain, max(1, min(times, 1<<18/(len(plain)+1))))
		got, err := dec.Decode(nil, enc.EncodeDelta(nil, plain, base), base)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("the delta does not come back: %v", err)
		}
	})
}
