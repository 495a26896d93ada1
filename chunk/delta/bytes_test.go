package delta_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"firn/chunk"
)

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

// pages returns n pages as a database has them: a header, free space, rows at the end.
func pages(seed uint64, n int) []byte {
	const pageSize = 4096
	image := make([]byte, n*pageSize)
	rows := noise(seed, n*pageSize)
	for at := 0; at < len(image); at += pageSize {
		used := 1000 + int(rows[at])*12
		copy(image[at:], []byte{13, 0, 0, 0, byte(used), byte(used >> 8)})
		copy(image[at+pageSize-used:at+pageSize], rows[at+pageSize-used:])
	}
	return image
}

// splice returns image with the n bytes at a place replaced.
func splice(image []byte, at, n int, by []byte) []byte {
	return slices.Concat(image[:at], by, image[at+n:])
}

// drawImage makes an image of runs of noise and zeros, some of them repeated.
func drawImage(t *rapid.T, label string) []byte {
	var image []byte
	for i := range rapid.IntRange(0, 12).Draw(t, label+" runs") {
		seed := rapid.Uint64Range(0, 5).Draw(t, fmt.Sprint(label, " seed ", i))
		run := make([]byte, rapid.IntRange(0, 9000).Draw(t, fmt.Sprint(label, " length ", i)))
		if seed > 0 {
			copy(run, noise(seed, len(run)))
		}
		image = append(image, run...)
	}
	return image
}
