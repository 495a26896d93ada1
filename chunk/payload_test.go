package chunk_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"firn/chunk"
)

// text returns n compressible bytes that depend on seed.
func text(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "user %d wrote %x at %d; ", r.IntN(1000), r.Uint64(), r.IntN(1<<20))
	}
	return b.Bytes()[:n]
}

// noise returns n bytes that do not compress.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	chacha := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	_, _ = chacha.Read(b)
	return b
}

func codecs(t testing.TB) (*chunk.Encoder, *chunk.Decoder) {
	t.Helper()
	enc, err := chunk.NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	dec, err := chunk.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	return enc, dec
}

func TestPayloadRoundTrip(t *testing.T) {
	t.Parallel()
	enc, dec := codecs(t)
	for _, n := range []int{0, 1, 100, 4096, 65535, 65536, 65537, 512 << 10, chunk.MaxPlain} {
		for name, plain := range map[string][]byte{"text": text(uint64(n), n), "noise": noise(uint64(n), n), "zeros": make([]byte, n)} {
			payload := enc.Encode(nil, plain)
			if len(payload) > n+5 {
				t.Errorf("%s of %d bytes: payload has %d", name, n, len(payload))
			}
			got, err := dec.Decode(nil, payload, nil)
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%s of %d bytes does not come back: %v", name, n, err)
			}
		}
	}
}

func TestDeltaRoundTrip(t *testing.T) {
	t.Parallel()
	enc, dec := codecs(t)
	for _, n := range []int{1, 4096, 65536, 200_000, 512 << 10} {
		base := noise(uint64(n), n)
		plain := bytes.Clone(base)
		for i := 0; i < n; i += 10_000 {
			copy(plain[i:], "changed")
		}
		payload := enc.EncodeDelta([]byte("kept"), plain, base)
		payload, ok := bytes.CutPrefix(payload, []byte("kept"))
		if limit := 40 + n/200; !ok || len(payload) > limit {
			t.Errorf("delta of %d bytes has %d, want at most %d", n, len(payload), limit)
		}
		got, err := dec.Decode([]byte("kept"), payload, base)
		if err != nil || !bytes.Equal(got, append([]byte("kept"), plain...)) {
			t.Errorf("delta of %d bytes does not come back: %v", n, err)
		}
		if _, err := dec.Decode(nil, payload, nil); !errors.Is(err, chunk.ErrPayload) {
			t.Errorf("delta without base: got %v, want ErrPayload", err)
		}
	}
}

// A decoder that has seen deltas must not carry a dictionary into whole frames.
func TestDecoderForgetsBases(t *testing.T) {
	t.Parallel()
	enc, dec := codecs(t)
	base, plain := noise(1, 70_000), noise(1, 70_000)
	plain[7]++
	delta := enc.EncodeDelta(nil, plain, base)
	whole := enc.Encode(nil, plain)
	for range 3 {
		for i, payload := range [][]byte{delta, whole} {
			b := base
			if i == 1 {
				b = nil
			}
			if got, err := dec.Decode(nil, payload, b); err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("payload %d: %v", i, err)
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	enc, dec := codecs(t)
	good := enc.Encode(nil, text(1, 10_000))
	lies := func(edit func(p []byte) []byte) []byte { return edit(bytes.Clone(good)) }
	for name, payload := range map[string][]byte{
		"Empty":        {},
		"ShortHeader":  good[:4],
		"NoBody":       good[:5],
		"Cut":          good[:len(good)-1],
		"UnknownCodec": lies(func(p []byte) []byte { p[0] = 3; return p }),
		"SaysRaw":      lies(func(p []byte) []byte { p[0] = 0; return p }),
		"LongerPlain":  lies(func(p []byte) []byte { p[1]++; return p }),
		"ShorterPlain": lies(func(p []byte) []byte { p[1]--; return p }),
		"HugePlain":    lies(func(p []byte) []byte { p[4] = 0x7f; return p }),
		"RawTooLong":   {0, 1, 0, 0, 0, 'a', 'b'},
		"RawTooShort":  {0, 3, 0, 0, 0, 'a', 'b'},
	} {
		if _, err := dec.Decode(nil, payload, nil); !errors.Is(err, chunk.ErrPayload) {
			t.Errorf("%s: got %v, want ErrPayload", name, err)
		}
	}
	if _, err := dec.Decode(nil, good, []byte("base")); !errors.Is(err, chunk.ErrPayload) {
		t.Errorf("whole frame with a base: got %v, want ErrPayload", err)
	}
}

func FuzzDecode(f *testing.F) {
	enc, dec := codecs(f)
	base := text(2, 3000)
	delta := enc.EncodeDelta(nil, text(2, 2999), base)
	f.Add(enc.Encode(nil, text(1, 3000)), false)
	f.Add(enc.Encode(nil, noise(1, 30)), false)
	f.Add(delta, true)
	f.Fuzz(func(t *testing.T, payload []byte, withBase bool) {
		var b []byte
		if withBase {
			b = base
		}
		plain, err := dec.Decode(nil, payload, b)
		if err != nil {
			return
		}
		if _, n, err := chunk.PayloadCodec(payload); err != nil || n != len(plain) {
			t.Errorf("accepted %d bytes where %d are declared: %v", len(plain), n, err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	enc, _ := codecs(b)
	plain := text(1, 96<<10)
	var dst []byte
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		dst = enc.Encode(dst[:0], plain)
	}
}

func BenchmarkEncodeDelta(b *testing.B) {
	enc, _ := codecs(b)
	base := text(1, 96<<10)
	plain := bytes.Clone(base)
	copy(plain[50_000:], noise(1, 300))
	var dst []byte
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		dst = enc.EncodeDelta(dst[:0], plain, base)
	}
}

func BenchmarkDecodeDelta(b *testing.B) {
	enc, dec := codecs(b)
	base := text(1, 96<<10)
	plain := bytes.Clone(base)
	copy(plain[50_000:], noise(1, 300))
	payload := enc.EncodeDelta(nil, plain, base)
	var dst []byte
	var err error
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		if dst, err = dec.Decode(dst[:0], payload, base); err != nil {
			b.Fatal(err)
		}
	}
}
