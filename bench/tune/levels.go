package main

import (
	"fmt"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"
)

// printLevels compresses a database in pieces of several lengths at several levels.
func printLevels(path string) error {
	image, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fmt.Printf("\nLevels of zstd, of %d MB in pieces of one length, in one goroutine.\n\n", len(image)/1e6)
	fmt.Println("| piece | level | of the plaintext | MB/s |\n|---|---|---|---|")
	for _, piece := range []int{32, 64, 128, 256} {
		for _, level := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBetterCompression} {
			size, took, err := compress(image, piece<<10, level)
			if err != nil {
				return err
			}
			fmt.Printf("| %d KiB | %s | %.2f %% | %.0f |\n", piece, level,
				100*float64(size)/float64(len(image)), float64(len(image))/1e6/took.Seconds())
		}
	}
	return nil
}

func compress(image []byte, piece int, level zstd.EncoderLevel) (size int, took time.Duration, err error) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
		zstd.WithEncoderLevel(level), zstd.WithWindowSize(1<<20))
	if err != nil {
		return 0, 0, err
	}
	defer e.Close()
	began := time.Now()
	var frame []byte
	for at := 0; at < len(image); at += piece {
		frame = e.EncodeAll(image[at:min(at+piece, len(image))], frame[:0])
		size += len(frame)
	}
	return size, time.Since(began), nil
}
