package snapshot

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
)

// A record or a note before sealing (docs/format.md, section 5):
//
//	offset  size  field
//	0       4     n, length of the frame
//	4       n     one zstd frame that declares its content size: JSON
//	4+n           zeros, to the next multiple of 1024
//
// The padding hides how much a snapshot's metadata changed.

const (
	version = 1 // "v" in the JSON

	lengthLen = 4
	padding   = 1024
	maxJSON   = 16 << 20 // a record of a 1 TiB first backup has 2.5 MiB
)

// The largest sizes of the encoded forms, in bytes.
const (
	MaxRecord = 17 << 20 // maxJSON if it does not compress, its frame and its padding
	MaxNote   = 1 << 20  // a note is about one snapshot and is read by a person
)

var (
	// ErrFormat is returned, wrapped with the reason, for bytes that are not a
	// record or a note, and for a record or a note that lacks a required field.
	ErrFormat = errors.New("malformed record")
	// ErrVersion is returned for a record or a note that a newer firn made.
	ErrVersion = errors.New("record of a newer version of firn")
)

// record is the JSON document. The version comes first, so that it can be read
// even if every other field changes.
type record struct {
	V int `json:"v"`
	Snapshot
}

// Marshal encodes the record for sealing. Times are stored in UTC, truncated to
// microseconds. It returns [ErrFormat] for a record that [Unmarshal] would refuse.
// It does not change s.
func (s *Snapshot) Marshal() ([]byte, error) {
	rec := record{V: version, Snapshot: s.normal()}
	if err := rec.validate(); err != nil {
		return nil, err
	}
	return encode(rec)
}

// encode turns a document into the bytes to seal.
func encode(document any) ([]byte, error) {
	var plain bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(document); err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	if plain.Len() > maxJSON {
		return nil, fmt.Errorf("%w: %d bytes of JSON, want at most %d", ErrFormat, plain.Len(), maxJSON)
	}
	return frame(plain.Bytes())
}

// frame compresses a document, and adds the length before it and the padding
// behind it.
func frame(plain []byte) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithSingleSegment(true), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("compress record: %w", err)
	}
	b := w.EncodeAll(plain, make([]byte, lengthLen, padding))
	binary.LittleEndian.PutUint32(b, uint32(len(b)-lengthLen))
	return append(b, make([]byte, -len(b)&(padding-1))...), nil
}

// Unmarshal decodes a record that [Snapshot.Marshal] made; see [Decoder.Snapshot].
func Unmarshal(b []byte) (*Snapshot, error) { return new(Decoder).Snapshot(b) }

// decode decodes a document in any spelling.
func decode(plain []byte) (*Snapshot, error) {
	rec := record{}
	err := json.Unmarshal(plain, &rec)
	if err := checkVersion(plain, rec.V, err); err != nil {
		return nil, err
	}
	s := rec.normal()
	s.SetProof(s.Proof)
	return &s, nil
}

// checkVersion returns the error for a document of version v whose decoding ended
// with err. If decoding failed, checkVersion decodes the version alone, because a
// newer firn may have changed the type of any other field.
func checkVersion(plain []byte, v int, err error) error {
	if err != nil {
		var only struct{ V int }
		_ = json.Unmarshal(plain, &only) // the first error counts
		v = only.V
	}
	switch {
	case v > version:
		return fmt.Errorf("%w: version %d, this one knows %d", ErrVersion, v, version)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrFormat, err)
	case v < version:
		return fmt.Errorf("%w: version %d", ErrFormat, v)
	}
	return nil
}

// normal returns a copy with the times in the precision of the format, and the
// fingerprint without insignificant space, so that equal records encode alike.
func (s *Snapshot) normal() Snapshot {
	n := *s
	n.Time = stamp(s.Time)
	if s.Proof != nil {
		n.Proof = s.Proof.normal()
	}
	n.Images = slices.Clone(s.Images)
	for i := range n.Images {
		img := &n.Images[i]
		img.ReadAt = stamp(img.ReadAt)
		var compact bytes.Buffer
		if json.Compact(&compact, img.Fingerprint) == nil { // otherwise the encoder reports the error
			img.Fingerprint = compact.Bytes()
		}
	}
	return n
}

func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// validate checks the properties that the rest of firn relies on.
func (s *Snapshot) validate() error {
	switch {
	case s.ID.IsZero():
		return fmt.Errorf("%w: no ID", ErrFormat)
	case len(s.Images) != 1:
		return fmt.Errorf("%w: %d images, want one", ErrFormat, len(s.Images))
	case !utf8.ValidString(s.Environment) || !utf8.ValidString(s.Database):
		return fmt.Errorf("%w: environment or database is not UTF-8", ErrFormat)
	case s.Time.IsZero() || !validTime(s.Time):
		return fmt.Errorf("%w: no time, or one out of range", ErrFormat)
	case s.Added < 0 || s.Chunks < 0 || s.ChunksNew < 0:
		return fmt.Errorf("%w: negative count", ErrFormat)
	case s.Duration < 0 || math.IsNaN(s.Duration) || math.IsInf(s.Duration, 0):
		return fmt.Errorf("%w: duration %v", ErrFormat, s.Duration)
	}
	return errors.Join(s.Original.validate(), s.Images[0].validate(), s.Proof.validate())
}

func (i *Image) validate() error {
	switch {
	case i.Root.IsZero():
		return fmt.Errorf("%w: image without a root", ErrFormat)
	case i.Levels < 0 || i.Size < 0 || i.PageSize < 0 || i.PageCount < 0:
		return fmt.Errorf("%w: negative size", ErrFormat)
	case i.RowCount != nil && *i.RowCount < 0, slices.ContainsFunc(i.Tables, func(t TableRows) bool { return t.Rows < 0 }):
		return fmt.Errorf("%w: negative number of rows", ErrFormat)
	case !validTime(i.ReadAt):
		return fmt.Errorf("%w: read time out of range", ErrFormat)
	case i.Access != nil && i.Access.Mode > 0o777:
		return fmt.Errorf("%w: mode %o", ErrFormat, i.Access.Mode)
	case i.Tables != nil && i.TableMarks != nil:
		return fmt.Errorf("%w: tables and their marks", ErrFormat)
	}
	return i.TableMarks.validate()
}

// validTime reports whether t has a form in RFC 3339.
func validTime(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }
