// Package pack reads and writes packs: the files that hold a repository's
// sealed blobs, each with a footer that lists them
// (docs/format.md, section 4).
package pack

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"firn/chunk"
	"firn/crypt"
)

// A pack is, in this order:
//
//	header   16 bytes, see [crypt.Header]
//	blobs    sealed data chunks, then sealed list nodes, without gaps
//	footer   sealed: an entry for each blob, in the order of the blobs
//	trailer  48 bytes, sealed: the footer's sealed length
//
// A round is the same, but for the plaintext of its footer:
//
//	entries  u32, length of the entries
//	         an entry for each blob
//	records  the rest: the records of snapshots, see package snapshot
const (
	// TargetSize is the size at which a pack is full, in bytes.
	TargetSize = 16 << 20
	// MaxSize is the largest pack that readers accept, in bytes. One blob of
	// [chunk.MaxPlain] on top of a nearly full pack stays below it.
	MaxSize = 32 << 20
)

// Prefix is how the names of all packs begin.
const Prefix = "packs/"

// RoundPrefix is how the names of all rounds begin (docs/format.md, section 4): a round is a pack
// whose footer has the records of snapshots, too, so that both come into being at once.
const RoundPrefix = "meta/round-"

// ErrFormat is returned when a pack's footer does not describe its object.
var ErrFormat = errors.New("malformed pack")

const (
	idLen      = 16 // bytes of an ID in a name
	randomLen  = 8  // of these, of a round: the others are its inverse time
	roundDigit = 'r'
)

// ID names a pack or a round, and is never used twice. The ID of a pack is random. That of a round
// is a random half and its time, inverse, so that a listing by name yields the newest first.
type ID [idLen + 1]byte // of a round, the random half comes first, and the last byte is 1

// NewID returns a fresh ID of a pack.
func NewID() ID {
	var id ID
	_, _ = rand.Read(id[:idLen]) // never fails, see its documentation
	return id
}

// NewRoundID returns a fresh ID of a round.
func NewRoundID(now time.Time) ID {
	id := NewID()
	id[idLen] = 1
	binary.BigEndian.PutUint64(id[randomLen:idLen], math.MaxUint64-uint64(max(0, now.UnixMicro())))
	return id
}

// IsRound reports whether the ID is one of a round.
func (id ID) IsRound() bool { return id[idLen] == 1 }

// Kind returns the kind of the object that the ID names.
func (id ID) Kind() crypt.ObjectKind {
	if id.IsRound() {
		return crypt.ObjectRound
	}
	return crypt.ObjectPack
}

// Time returns the time in the name of a round. It is not authenticated before the round is read.
func (id ID) Time() time.Time {
	micros := math.MaxUint64 - binary.BigEndian.Uint64(id[randomLen:])
	return time.UnixMicro(int64(min(micros, math.MaxInt64))).UTC()
}

// String returns the ID as 32 lower-case hex digits, behind the letter r if it is one of a round.
func (id ID) String() string {
	if !id.IsRound() {
		return hex.EncodeToString(id[:idLen])
	}
	return string(roundDigit) + id.roundDigits()
}

// roundDigits returns the digits in the name of a round: the inverse time, then the random half.
func (id ID) roundDigits() string {
	return hex.EncodeToString(id[randomLen:idLen]) + hex.EncodeToString(id[:randomLen])
}

// Name returns the name of the object in the store.
func (id ID) Name() string {
	if id.IsRound() {
		return RoundPrefix + id.roundDigits()
	}
	s := id.String()
	return Prefix + s[:2] + "/" + s
}

// MarshalText returns the form of [ID.String].
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the form of [ID.String]; other lengths and letters are
// errors, after which id is unchanged.
func (id *ID) UnmarshalText(text []byte) error {
	var got ID
	digits := text
	if len(text) > 2*idLen && text[0] == roundDigit {
		got[idLen], digits = 1, text[1:]
	}
	if len(digits) != 2*idLen {
		return fmt.Errorf("parse pack ID %q: want %d hex digits", text, 2*idLen)
	}
	if _, err := hex.Decode(got[:idLen], digits); err != nil {
		return fmt.Errorf("parse pack ID %q: %w", text, err)
	}
	if got.IsRound() { // the time comes first in the text
		copy(got[:], slices.Concat(got[idLen-randomLen:idLen], got[:idLen-randomLen]))
	}
	if got.String() != string(text) { // one ID, one spelling
		return fmt.Errorf("parse pack ID %q: want lower-case digits", text)
	}
	*id = got
	return nil
}

// ParseName returns the ID of the pack or round that a store keeps under name.
func ParseName(name string) (ID, bool) {
	var id ID
	text, round := strings.CutPrefix(name, RoundPrefix)
	if round {
		text = string(roundDigit) + text
	} else {
		text = name[strings.LastIndexByte(name, '/')+1:]
	}
	if err := id.UnmarshalText([]byte(text)); err != nil || id.Name() != name {
		return ID{}, false
	}
	return id, true
}

// Entry says where a pack holds a blob and how to turn it into its plaintext.
type Entry struct {
	Kind   chunk.Kind
	ID     chunk.ID
	Offset uint32 // of the sealed blob in the pack
	Length uint32 // of the sealed blob
	Plain  uint32 // length of the plaintext
	Codec  chunk.Codec
	Depth  uint8    // of a delta: 1 to [chunk.MaxDepth]; else 0
	Base   chunk.ID // of a delta; else zero
}

// IsDelta reports whether the blob needs its base to be decoded.
func (e Entry) IsDelta() bool { return e.Codec == chunk.Delta }

// SealBlob encrypts a payload that package chunk has made of the blob e.ID.
func SealBlob(keys *crypt.Keys, dst []byte, e Entry, payload []byte) []byte {
	return keys.SealBlob(dst, crypt.BlobKind(e.Kind), e.ID, payload)
}

// OpenBlob decrypts a sealed blob into its payload and checks that it says the
// same of its encoding as the footer's entry.
func OpenBlob(keys *crypt.Keys, dst []byte, e Entry, sealed []byte) ([]byte, error) {
	payload, err := keys.OpenBlob(dst, crypt.BlobKind(e.Kind), e.ID, sealed)
	if err != nil {
		return nil, err
	}
	codec, plain, err := chunk.PayloadCodec(payload[len(dst):])
	if err != nil {
		return nil, err
	}
	if codec != e.Codec || plain != int(e.Plain) {
		return nil, fmt.Errorf("%w: blob and footer disagree on its encoding", ErrFormat)
	}
	return payload, nil
}
