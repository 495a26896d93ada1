package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"time"

	"firn/chunk"
	"firn/crypt"
	"firn/index"
	"firn/pack"
)

const (
	blobsPerPack = 130 // of 128 KiB, in 16 MiB
	lookups      = 1_000_000
)

// tail is the end of a pack, as the cache keeps it.
type tail struct {
	id    pack.ID
	size  int64
	bytes []byte
}

// printIndex prints a row of a table: how long it takes to load an index of n blobs, its
// memory, and the time of a lookup.
func printIndex(n int) error {
	keys := crypt.Derive(crypt.SecretOf([]byte{1}), crypt.RepositoryID{2})
	tails, err := makeTails(keys, n)
	if err != nil {
		return err
	}
	before := heap()
	x, took, err := load(keys, tails)
	if err != nil {
		return err
	}
	memory := heap() - before
	runtime.KeepAlive(tails)
	start := time.Now()
	for i := range lookups {
		if !x.Available(blobID(i * 7919 % n)) {
			return fmt.Errorf("blob %d is not available", i)
		}
	}
	fmt.Printf("| %d | %d | %s | %.1f | %d ns |\n", n, len(tails), milliseconds(took),
		float64(memory)/float64(n), time.Since(start).Nanoseconds()/lookups)
	return nil
}

// load makes an index of packs several times, and returns the shortest time.
func load(keys *crypt.Keys, tails []tail) (x *index.Index, least time.Duration, err error) {
	for i := range repeats {
		start := time.Now()
		x = index.New()
		for _, t := range tails {
			entries, _, err := pack.ParseTail(keys, t.id, t.size, t.bytes)
			if err != nil {
				return nil, 0, err
			}
			x.Add(t.id, entries)
		}
		if took := time.Since(start); i == 0 || took < least {
			least = took
		}
	}
	return x, least, nil
}

// blobID returns the i-th ID. The IDs are as scattered as real IDs.
func blobID(i int) (id chunk.ID) {
	for at := 0; at < len(id); at += 8 {
		mixed := (uint64(i)+1)*0x9e3779b97f4a7c15 + uint64(at)
		mixed = (mixed ^ mixed>>29) * 0xbf58476d1ce4e5b9
		binary.BigEndian.PutUint64(id[at:], mixed^mixed>>32)
	}
	return id
}

// makeTails makes the ends of packs with n empty blobs.
func makeTails(keys *crypt.Keys, n int) ([]tail, error) {
	var tails []tail
	sealed := make([]byte, crypt.Overhead+5)
	for i := 0; i < n; {
		w := pack.NewWriter(keys, pack.NewID())
		for ; i < n && w.Len() < blobsPerPack; i++ {
			e := pack.Entry{Kind: chunk.Data, ID: blobID(i), Codec: chunk.Zstd}
			if i%2 == 1 {
				e.Codec, e.Depth, e.Base = chunk.Delta, 1, blobID(i-1)
			}
			w.Add(e, sealed)
		}
		object, _, length, err := w.Finish()
		if err != nil {
			return nil, err
		}
		tails = append(tails, tail{w.ID(), int64(len(object)), bytes.Clone(object[len(object)-length:])})
	}
	return tails, nil
}

// heap returns the size of the heap in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
