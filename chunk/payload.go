package chunk

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"firn/chunk/delta"
)

// A payload is the encoded form of a blob, before it is sealed into a pack
// (docs/format.md, section 3):
//
//	offset  size  field
//	0       1     codec: 0 raw, 1 zstd frame, 2 zstd frame with a base
//	1       4     plaintext length, little-endian
//	5       n     body
const (
	codecOffset   = 0
	lengthOffset  = 1
	payloadHeader = 5
)

// Codec tells how a payload's body encodes its plaintext.
type Codec uint8

// The codecs.
const (
	Raw   Codec = 0 // the plaintext itself
	Zstd  Codec = 1 // one zstd frame
	Delta Codec = 2 // one zstd frame whose raw-content dictionary is the base's plaintext
)

// MaxDepth is how many deltas may stand on one another: a delta on a whole
// blob has depth 1. See docs/design.md, "Deltas".
const MaxDepth = 3

// ErrPayload is returned when a payload does not follow the format or does not
// decode to the length that it declares.
var ErrPayload = errors.New("malformed blob payload")

// dictionaryID is the one that firn gives its raw dictionaries; frames do not store a zero ID.
const dictionaryID = 0

// maxWindow lets a frame look back over the largest plaintext and its base.
const maxWindow = 2 * MaxPlain

// DecodeRoom is how many bytes behind its output the decoder may write to, if they
// are there.
const DecodeRoom = 16

// Encoder turns plaintexts into payloads. It is for one goroutine; it keeps
// some megabytes of tables, so reuse it.
type Encoder struct {
	whole  *zstd.Encoder
	search *delta.Search
}

// NewEncoder returns an encoder.
func NewEncoder() (*Encoder, error) {
	whole, err := newZstdEncoder()
	if err != nil {
		return nil, err
	}
	return &Encoder{whole: whole, search: delta.NewSearch()}, nil
}

// newZstdEncoder leaves out zstd's own checksum: blobs are authenticated, and
// their ID is computed again after decoding.
func newZstdEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil,
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false),
		zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(1<<20))
}

// Encode appends the payload of plain to dst: a zstd frame, or the plaintext
// itself where that is not larger.
func (e *Encoder) Encode(dst, plain []byte) []byte {
	start := len(dst)
	dst = appendHeader(dst, Zstd, len(plain))
	dst = e.whole.EncodeAll(plain, dst)
	if len(dst)-start-payloadHeader < len(plain) {
		return dst
	}
	return append(appendHeader(dst[:start], Raw, len(plain)), plain...)
}

// EncodeDelta appends the payload of plain as a delta on base to dst.
func (e *Encoder) EncodeDelta(dst, plain, base []byte) []byte {
	return e.search.Append(appendHeader(dst, Delta, len(plain)), plain, base)
}

// Patch is how a plaintext differs from a base byte by byte, at the same places.
// The zero Patch is ready for Compare; reuse it.
type Patch struct{ delta.Patch }

// Append appends the payload of a small patch to dst: a [Delta] on the base.
func (p *Patch) Append(dst []byte) []byte { return p.Patch.Append(appendHeader(dst, Delta, p.Len())) }

func appendHeader(dst []byte, codec Codec, plain int) []byte {
	dst = append(dst, byte(codec))
	return binary.LittleEndian.AppendUint32(dst, uint32(plain))
}

// PayloadCodec returns the codec of a payload and the length of its plaintext.
func PayloadCodec(payload []byte) (Codec, int, error) {
	if len(payload) < payloadHeader {
		return 0, 0, fmt.Errorf("%w: %d bytes", ErrPayload, len(payload))
	}
	codec := Codec(payload[codecOffset])
	length := binary.LittleEndian.Uint32(payload[lengthOffset:])
	if codec > Delta {
		return 0, 0, fmt.Errorf("%w: unknown codec %d", ErrPayload, codec)
	}
	if length > MaxPlain {
		return 0, 0, fmt.Errorf("%w: plaintext of %d bytes", ErrPayload, length)
	}
	return codec, int(length), nil
}

// Decoder turns payloads into plaintexts. It is for one goroutine.
type Decoder struct {
	whole *zstd.Decoder
	delta *zstd.Decoder
}

// NewDecoder returns a decoder.
func NewDecoder() (*Decoder, error) {
	whole, err := newZstdDecoder()
	if err != nil {
		return nil, err
	}
	delta, err := newZstdDecoder()
	if err != nil {
		return nil, err
	}
	return &Decoder{whole: whole, delta: delta}, nil
}

// newZstdDecoder decodes only into the room that it is given, so that a hostile
// frame cannot make it allocate more than the length its payload declares.
func newZstdDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxWindow(maxWindow),
		zstd.WithDecoderMaxMemory(maxWindow),
		zstd.WithDecodeAllCapLimit(true))
}

// Decode appends the plaintext of a payload to dst. The base is the plaintext
// of the base blob and must be nil unless the codec is [Delta]. A wrong base
// decodes to wrong bytes without an error: compute the ID of the result.
func (d *Decoder) Decode(dst, payload, base []byte) ([]byte, error) {
	codec, length, err := PayloadCodec(payload)
	if err != nil {
		return nil, err
	}
	if (codec == Delta) != (base != nil) {
		return nil, fmt.Errorf("%w: codec %d and base do not fit", ErrPayload, codec)
	}
	start := len(dst)
	dst = grow(dst, length+DecodeRoom)
	dst, err = d.body(dst, payload[payloadHeader:], codec, base)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrPayload, err)
	}
	if len(dst)-start != length {
		return nil, fmt.Errorf("%w: %d bytes where %d are declared", ErrPayload, len(dst)-start, length)
	}
	return dst, nil
}

// body decodes within the capacity of dst. With DecodeRoom in it to spare, the library
// does without a check at each copy, which takes a fifth less time.
func (d *Decoder) body(dst, body []byte, codec Codec, base []byte) ([]byte, error) {
	switch codec {
	case Raw:
		if len(body) > cap(dst)-len(dst) {
			return nil, zstd.ErrDecoderSizeExceeded
		}
		return append(dst, body...), nil
	case Zstd:
		return d.whole.DecodeAll(body, dst)
	}
	if err := d.delta.ResetWithOptions(nil, zstd.WithDecoderDictRaw(dictionaryID, base)); err != nil {
		return nil, err
	}
	return d.delta.DecodeAll(body, dst)
}

// grow returns dst with exactly n bytes of room behind it.
func grow(dst []byte, n int) []byte {
	if cap(dst)-len(dst) < n {
		grown := make([]byte, len(dst), len(dst)+n)
		copy(grown, dst)
		return grown
	}
	return dst[: len(dst) : len(dst)+n]
}
