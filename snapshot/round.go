package snapshot

import (
	"encoding/json"
	"fmt"
)

// roundRecords is the JSON document with the records of a round, which is framed and padded like that of one record
// (docs/format.md, section 5).
type roundRecords[T any] struct {
	V         int `json:"v"`
	Snapshots []T `json:"snapshots"`
}

// MarshalRound encodes the records of the snapshots of a round; see [Snapshot.Marshal]. There must be one at least, and no
// two may have the same ID.
func MarshalRound(list []*Snapshot) ([]byte, error) {
	doc := roundRecords[record]{V: version, Snapshots: make([]record, len(list))}
	for i, s := range list {
		doc.Snapshots[i] = record{V: version, Snapshot: s.normal()}
		if err := s.validate(); err != nil {
			return nil, err
		}
	}
	if err := distinct(list); err != nil {
		return nil, err
	}
	return encode(doc)
}

// Round decodes records that [MarshalRound] made, in their order. Its errors and the bound on its memory are those of
// [Decoder.Snapshot].
func (d *Decoder) Round(b []byte) ([]*Snapshot, error) {
	plain, err := d.unframe(b)
	if err != nil {
		return nil, err
	}
	var doc roundRecords[roundMember]
	err = json.Unmarshal(plain, &doc)
	if err := checkVersion(plain, doc.V, err); err != nil {
		return nil, err
	}
	list := make([]*Snapshot, len(doc.Snapshots))
	for i, raw := range doc.Snapshots {
		if list[i], err = d.document(raw); err != nil {
			return nil, fmt.Errorf("snapshot %d of the round: %w", i+1, err)
		}
	}
	if err := distinct(list); err != nil {
		return nil, err
	}
	return list, nil
}

// leastRecord is less than any record has, in bytes of JSON: an ID and a root have 96 digits. It bounds how many records
// a document can have.
const leastRecord = 128

// roundMember is the JSON of one record, and a newline.
type roundMember []byte

// UnmarshalJSON copies the JSON.
func (m *roundMember) UnmarshalJSON(b []byte) error {
	if len(b) < leastRecord {
		return fmt.Errorf("a record of %d bytes", len(b))
	}
	*m = append(append(make([]byte, 0, len(b)+1), b...), '\n')
	return nil
}

// distinct returns an error for an empty list, and for one with an ID twice.
func distinct(list []*Snapshot) error {
	if len(list) == 0 {
		return fmt.Errorf("%w: a round without snapshots", ErrFormat)
	}
	ids := make(map[ID]bool, len(list))
	for _, s := range list {
		if ids[s.ID] {
			return fmt.Errorf("%w: a round with snapshot %s twice", ErrFormat, s.ID)
		}
		ids[s.ID] = true
	}
	return nil
}
