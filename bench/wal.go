package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
)

const pageSize = 4096

// A WAL is a header of 32 bytes, with its salts at 16, and frames. A frame is a header of 24
// bytes and a page. Bytes 0 to 4 of a frame's header are the page's number. Bytes 4 to 8 are
// the size of the database in the last frame of a transaction, else zero. Bytes 8 to 16 are
// the salts. Frames with other salts are left from an earlier round.
const walHeaderLen, frameHeaderLen = 32, 24

// lastTransaction returns the number of pages that the last transaction in a WAL wrote.
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
