package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
)

const pageSize = 4096

// A WAL is a header of 32 bytes with its salts at 16, and frames: 24 bytes, of
// which 0 to 4 are the page's number, 4 to 8 the size of the database if a
// transaction ends here, else zero, and 8 to 16 the salts; then the page. Frames
// with other salts are left of an earlier round.
const walHeaderLen, frameHeaderLen = 32, 24

// lastTransaction returns how many pages the last transaction in a WAL has written.
func lastTransaction(path string) (pages int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	header, frame := make([]byte, walHeaderLen), make([]byte, frameHeaderLen)
	if _, err := io.ReadFull(f, header); err != nil {
		return 0, err
	}
	written := make(map[uint32]bool)
	for offset := int64(walHeaderLen); ; offset += frameHeaderLen + pageSize {
		_, err := f.ReadAt(frame, offset)
		if errors.Is(err, io.EOF) || err == nil && !bytes.Equal(frame[8:16], header[16:24]) {
			return pages, nil
		}
		if err != nil {
			return 0, err
		}
		written[binary.BigEndian.Uint32(frame)] = true
		if binary.BigEndian.Uint32(frame[4:]) != 0 {
			pages = len(written)
			clear(written)
		}
	}
}
