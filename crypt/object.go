package crypt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// ObjectKind is the kind of an object.
type ObjectKind uint8

// The kinds of objects.
const (
	ObjectPlan      ObjectKind = 1 // a garbage collection plan
	ObjectPartial   ObjectKind = 2 // a partial record of a long upload
	ObjectSnapshot  ObjectKind = 3 // a snapshot record
	ObjectPack      ObjectKind = 4 // a pack: header, blobs, footer, trailer
	ObjectNote      ObjectKind = 5 // a note on a snapshot
	ObjectRound     ObjectKind = 6 // a round: a pack whose footer has snapshot records, too
	ObjectTombstone ObjectKind = 7 // names snapshots of rounds that were forgotten
	ObjectAlive     ObjectKind = 8 // what a watch says of itself
)

// Sizes of the format, in bytes.
const (
	HeaderLen  = 4 + 1 + 1 + 2 + 4 + 4 // see Header
	Overhead   = nonceLen + tagLen     // added by sealing
	TrailerLen = nonceLen + 8 + tagLen // see Keys.SealTrailer
)

const (
	magic         = "firn"
	formatVersion = 1
)

// inParts reports whether objects of this kind are sealed part by part, and not as a whole.
func (kind ObjectKind) inParts() bool { return kind == ObjectPack || kind == ObjectRound }

// These texts follow the name in the associated data of the parts of a pack or a round.
const (
	footerPart  = "footer"
	trailerPart = "trailer"
)

// Header returns the first bytes of an object, which are not secret:
//
//	offset  size  field
//	0       4     magic "firn"
//	4       1     object kind
//	5       1     format version, 1
//	6       2     reserved, 0
//	8       4     key epoch, 0
//	12      4     flags, 0
func Header(kind ObjectKind) [HeaderLen]byte {
	h := [HeaderLen]byte{4: byte(kind), 5: formatVersion}
	copy(h[:], magic)
	return h
}

// ParseHeader reads the header that object starts with. It returns [ErrHeader]
// if the header is missing or its kind is unknown. It returns [ErrVersion] if
// the format version is later than 1, or a reserved field, the key epoch or a
// flag is set, since only a later format gives those a meaning.
func ParseHeader(object []byte) (ObjectKind, error) {
	if len(object) < HeaderLen || !bytes.HasPrefix(object, []byte(magic)) || object[5] == 0 {
		return 0, ErrHeader
	}
	kind, version := ObjectKind(object[4]), object[5]
	reserved := binary.LittleEndian.Uint16(object[6:])
	epoch := binary.LittleEndian.Uint32(object[8:])
	flags := binary.LittleEndian.Uint32(object[12:])
	switch {
	case version > formatVersion:
		return 0, fmt.Errorf("%w: format version %d", ErrVersion, version)
	case reserved != 0 || epoch != 0 || flags != 0:
		return 0, fmt.Errorf("%w: key epoch %d, flags %#x", ErrVersion, epoch, flags)
	case kind < ObjectPlan || kind > ObjectAlive:
		return 0, fmt.Errorf("%w: kind %d", ErrHeader, kind)
	}
	return kind, nil
}

// SealObject returns a whole object, sealed with the meta key, to be stored
// under name:
//
//	offset  size  field
//	0       16    header
//	16      24    nonce
//	40      n     ciphertext of plaintext
//	40+n    16    tag
//
// The associated data is header || repository id || name. Without the name the
// storage could serve an old record as a new one. Packs and rounds are not
// sealed as a whole: SealObject panics for [ObjectPack] and [ObjectRound].
func (k *Keys) SealObject(kind ObjectKind, name string, plaintext []byte) []byte {
	if kind.inParts() {
		panic("crypt: internal error: a pack or a round is not sealed as a whole")
	}
	h := Header(kind)
	object := make([]byte, HeaderLen, HeaderLen+Overhead+len(plaintext))
	copy(object, h[:])
	return seal(k.meta, k.random, object, plaintext, k.objectAAD(kind, name, ""))
}

// OpenObject returns the plaintext of the object stored under name. The header
// alone decides on [ErrHeader], for an object of another kind, and on
// [ErrVersion], for one of a later format. Otherwise the error is [ErrAuth] if
// [Keys.SealObject] did not make the object for this kind and name.
func (k *Keys) OpenObject(kind ObjectKind, name string, object []byte) ([]byte, error) {
	got, err := ParseHeader(object)
	if err != nil {
		return nil, err
	}
	if got != kind || kind.inParts() {
		return nil, fmt.Errorf("%w: kind %d, want %d", ErrHeader, got, kind)
	}
	return open(k.meta, nil, object[HeaderLen:], k.objectAAD(kind, name, ""))
}

// SealFooter seals the footer of a pack or a round: nonce || ciphertext || tag.
func (k *Keys) SealFooter(kind ObjectKind, name string, plaintext []byte) []byte {
	return seal(k.meta, k.random, nil, plaintext, k.objectAAD(kind, name, footerPart))
}

// OpenFooter returns the plaintext of a footer, or [ErrAuth] if
// [Keys.SealFooter] did not make it for this kind and name.
func (k *Keys) OpenFooter(kind ObjectKind, name string, sealed []byte) ([]byte, error) {
	return open(k.meta, nil, sealed, k.objectAAD(kind, name, footerPart))
}

// SealTrailer seals the length of the sealed footer of a pack or a round, as a u64,
// into the last [TrailerLen] bytes of the object.
func (k *Keys) SealTrailer(kind ObjectKind, name string, footerLen uint64) []byte {
	plaintext := binary.LittleEndian.AppendUint64(nil, footerLen)
	return seal(k.meta, k.random, nil, plaintext, k.objectAAD(kind, name, trailerPart))
}

// OpenTrailer returns the length in a trailer, or [ErrAuth] if
// [Keys.SealTrailer] did not make it for this kind and name.
func (k *Keys) OpenTrailer(kind ObjectKind, name string, sealed []byte) (uint64, error) {
	if len(sealed) != TrailerLen {
		return 0, ErrAuth
	}
	plaintext, err := open(k.meta, nil, sealed, k.objectAAD(kind, name, trailerPart))
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(plaintext), nil
}

// objectAAD is header || repository id || name || part. Two different inputs
// never make the same bytes: the header holds the kind, packs and rounds always
// have a part, no other kind has one, and neither part is the end of the other.
func (k *Keys) objectAAD(kind ObjectKind, name, part string) []byte {
	h := Header(kind)
	return slices.Concat(h[:], k.repo[:], []byte(name), []byte(part))
}
