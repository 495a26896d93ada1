package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"

	"firn/chunk"
)

const (
	deltaPiece = 64 << 10 // at the same place before and after: about a chunk
	deltaTicks = 40       // an application's changes
)

// delta is a piece of a database, and the same piece before a change.
type delta struct{ plain, base []byte }

// printDeltas compares firn's search with zstd's encoder, which takes the base as its dictionary.
func printDeltas(m maker) error {
	all, err := deltas(m)
	if err != nil {
		return err
	}
	fmt.Printf("\nDeltas of %d pieces of %d KiB that an application has changed.\n\n", len(all), deltaPiece>>10)
	fmt.Println("| encoder | bytes | each |\n|---|---|---|")
	encoder, err := chunk.NewEncoder()
	if err != nil {
		return err
	}
	printEncoder("firn", all, encoder.EncodeDelta)
	for _, level := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBetterCompression} {
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithEncoderLevel(level), zstd.WithWindowSize(1<<20))
		if err != nil {
			return err
		}
		printEncoder("zstd, "+level.String(), all, func(dst, plain, base []byte) []byte {
			if err := w.ResetWithOptions(nil, zstd.WithEncoderDictRaw(0, base)); err != nil {
				panic(err) // cannot happen: a base is long enough for a dictionary
			}
			return w.EncodeAll(plain, dst)
		})
	}
	return nil
}

// printEncoder prints the fastest of three rounds, because other processes slow rounds down.
func printEncoder(name string, all []delta, encode func(dst, plain, base []byte) []byte) {
	var fastest time.Duration
	var size int
	for round := range 3 {
		size = 0
		began := time.Now()
		var frame []byte
		for _, d := range all {
			frame = encode(frame[:0], d.plain, d.base)
			size += len(frame)
		}
		if took := time.Since(began); round == 0 || took < fastest {
			fastest = took
		}
	}
	fmt.Printf("| %s | %d | %.0f µs |\n", name, size, float64(fastest.Microseconds())/float64(len(all)))
}

// deltas makes an application's changes to the database, and returns the pieces that
// differ after each change, up to a thousand.
func deltas(m maker) ([]delta, error) {
	before, err := os.ReadFile(m.database)
	if err != nil {
		return nil, err
	}
	var all []delta
	for tick := range deltaTicks {
		if err := m.do("tick", 1, tick); err != nil {
			return nil, err
		}
		after, err := os.ReadFile(m.database)
		if err != nil {
			return nil, err
		}
		for at := 0; at+deltaPiece <= min(len(before), len(after)) && len(all) < 1000; at += deltaPiece {
			if d := (delta{after[at : at+deltaPiece], before[at : at+deltaPiece]}); !bytes.Equal(d.plain, d.base) {
				all = append(all, d)
			}
		}
		before = after
	}
	return all, nil
}
