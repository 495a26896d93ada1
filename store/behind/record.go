package behind

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"firn/store"
)

// A file of the spool is a record, which holds one object:
//
//	offset  size  field
//	     0     8  magic: a word, and the version of this layout
//	     8    32  SHA-256 of all that follows
//	    40     2  n: the length of the name, big-endian
//	    42     n  the object's name
//	  42+n        the object's bytes, to the end of the file
//
// The checksum is over the name, too: bytes under another object's name would be as wrong as other bytes. It finds
// torn and rotten files, not forged ones. Objects are sealed, so their readers find these.
const (
	magic     = "firnput\x01"
	sumStart  = len(magic)
	bodyStart = sumStart + sha256.Size
	nameStart = bodyStart + 2
)

// maxName is the longest name of an object that a record can hold.
const maxName = math.MaxUint16

// maxRecord is the most bytes of a record.
const maxRecord = int64(nameStart) + maxName + store.MaxObject

// errDamaged is matched by the errors of files that do not hold what Put has written.
var errDamaged = errors.New("the file is damaged")

// recordSize returns the size of the record of an object.
func recordSize(name string, size int64) int64 { return dataStart(name) + size }

// dataStart returns the offset of the object's bytes in its record.
func dataStart(name string) int64 { return int64(nameStart + len(name)) }

// recordHead returns the beginning of a record, up to the object's bytes.
func recordHead(name string, data []byte) []byte {
	head := make([]byte, nameStart, dataStart(name))
	copy(head, magic)
	binary.BigEndian.PutUint16(head[bodyStart:], uint16(len(name)))
	head = append(head, name...)
	sum := sha256.New()
	sum.Write(head[bodyStart:]) // a hash returns no error
	sum.Write(data)
	sum.Sum(head[:sumStart])
	return head
}

// decodeRecord returns the object in a record. The data is a part of the record. The error matches errDamaged.
func decodeRecord(b []byte) (name string, data []byte, err error) {
	if len(b) < nameStart || string(b[:sumStart]) != magic {
		return "", nil, fmt.Errorf("%w: its beginning is not that of a waiting object", errDamaged)
	}
	if sum := sha256.Sum256(b[bodyStart:]); !bytes.Equal(sum[:], b[sumStart:bodyStart]) {
		return "", nil, fmt.Errorf("%w: its bytes and its checksum disagree", errDamaged)
	}
	n := int(binary.BigEndian.Uint16(b[bodyStart:]))
	if n > len(b)-nameStart {
		return "", nil, fmt.Errorf("%w: it ends in the name", errDamaged)
	}
	name = string(b[nameStart : nameStart+n])
	if err := store.CheckName(name); err != nil {
		return "", nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return name, b[nameStart+n:], nil
}
