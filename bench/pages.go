package main

import (
	"bufio"
	"errors"
	"hash/maphash"
	"io"
	"os"
)

const pageSize = 4096

// pageSums holds a hash of each page of a database.
type pageSums struct {
	seed maphash.Seed
	sums []uint64
}

// update reads the database again and returns how many pages differ from the
// last time, new ones included.
func (p *pageSums) update(database string) (changed int, err error) {
	f, err := os.Open(database)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if p.sums == nil {
		p.seed = maphash.MakeSeed()
	}
	r, page := bufio.NewReaderSize(f, 64*pageSize), make([]byte, pageSize)
	for i := 0; ; i++ {
		if _, err := io.ReadFull(r, page); errors.Is(err, io.EOF) {
			return changed, nil
		} else if err != nil {
			return 0, err
		}
		sum := maphash.Bytes(p.seed, page)
		if i == len(p.sums) {
			p.sums = append(p.sums, ^sum)
		}
		if p.sums[i] != sum {
			changed++
		}
		p.sums[i] = sum
	}
}
