package snapshot

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"firn/tags"
)

// NotePrefix is the beginning of the name of every note's object.
const NotePrefix = "meta/note-"

const noteRandomLen = 8 // bytes

// Note holds facts about a snapshot that became known after its record was written. It
// exists because a record never changes. It is encoded and padded like a record. If
// several notes on a snapshot have a field, the newest of them counts for that field.
type Note struct {
	Snapshot ID        `json:"snapshot"`
	Time     time.Time `json:"time"`           // of writing, UTC, in microseconds
	Host     string    `json:"host,omitempty"` // the writer

	Verified *Verification `json:"verified,omitempty"`
	NoUndo   *NoUndo       `json:"no_undo,omitempty"`
	Pin      *Pin          `json:"pin,omitempty"`
	Labels   *Labels       `json:"labels,omitempty"`
	Forgot   *Forgot       `json:"forgot,omitempty"`
	Upkeep   *Upkeep       `json:"upkeep,omitempty"`

	Name   string   `json:"-"` // of the note's object; decides between equal times
	fields []string // names of the fields that are set, including those of newer versions
}

// NoUndo marks a snapshot that a restore took of its target: an undo must not put it back.
type NoUndo struct {
	Time time.Time `json:"time"` // UTC, in microseconds
	// Reason is empty if that restore replaced nothing, so that an undo looks at an older
	// snapshot. Otherwise a later restore replaced a database that is in no snapshot, and
	// Reason says where that database is.
	Reason string `json:"reason,omitempty"`
}

// Pin says whether retention must keep a snapshot. It overrides the snapshot's record.
type Pin struct {
	Time   time.Time `json:"time"` // UTC, in microseconds
	Pinned bool      `json:"pinned"`
}

// Labels are all the tags of a snapshot, in place of those of its record.
type Labels struct {
	Time time.Time `json:"time"` // UTC, in microseconds
	Tags tags.Set  `json:"tags"`
}

// Forgot says that the following snapshots of the same series, up to a number, were
// forgotten, so that they do not count as missing.
type Forgot struct {
	Time     time.Time `json:"time"` // UTC, in microseconds
	Sequence uint64    `json:"sequence"`

	Snapshots []ID `json:"snapshots,omitempty"` // the known snapshots of these, newest first, and the snapshots that they recorded as forgotten
}

// NewNoteName returns a new unique name for a note's object: "meta/note-<id>-<random>"
// (docs/format.md, section 1).
func NewNoteName(id ID) string {
	var random [noteRandomLen]byte
	_, _ = rand.Read(random[:]) // never fails: the runtime ends the program instead
	return fmt.Sprintf("%s%s-%x", NotePrefix, id, random)
}

// ParseNoteName returns the snapshot in a name that [NewNoteName] made, and false for any
// other name.
func ParseNoteName(name string) (ID, bool) {
	rest, ok := strings.CutPrefix(name, NotePrefix)
	id, random, dash := strings.Cut(rest, "-")
	if !ok || !dash || len(random) != 2*noteRandomLen || !isHex(random) || !isHex(id) {
		return ID{}, false
	}
	parsed, err := ParseID(id)
	return parsed, err == nil
}

// note is the JSON document.
type note struct {
	V int `json:"v"`
	Note
}

// Marshal encodes the note for sealing; see [Snapshot.Marshal]. Fields of newer
// versions are lost.
func (n *Note) Marshal() ([]byte, error) {
	doc := note{V: version, Note: n.normal()}
	if err := doc.validate(); err != nil {
		return nil, err
	}
	b, err := encode(doc)
	if err == nil && len(b) > MaxNote {
		return nil, fmt.Errorf("%w: note of %d bytes, want at most %d", ErrFormat, len(b), MaxNote)
	}
	return b, err
}

// UnmarshalNote decodes a note that [Note.Marshal] made; see [Decoder.Note].
func UnmarshalNote(b []byte) (*Note, error) { return new(Decoder).Note(b) }

func decodeNote(plain []byte) (*Note, error) {
	doc, fields := note{}, map[string]json.RawMessage{}
	err := json.Unmarshal(plain, &doc)
	if err == nil {
		err = json.Unmarshal(plain, &fields)
	}
	if err := checkVersion(plain, doc.V, err); err != nil {
		return nil, err
	}
	n := doc.normal()
	for name, value := range fields {
		if !slices.Contains([]string{"v", "snapshot", "time", "host"}, name) && string(value) != "null" {
			n.fields = append(n.fields, name)
		}
	}
	if err := n.validate(); err != nil {
		return nil, err
	}
	return &n, nil
}

// normal returns a copy with the times in the precision of the format.
func (n *Note) normal() Note {
	c := *n
	c.Verified, c.NoUndo, c.Pin, c.Labels, c.Forgot = copied(n.Verified), copied(n.NoUndo), copied(n.Pin), copied(n.Labels), copied(n.Forgot)
	c.Upkeep = copied(n.Upkeep)
	c.Time = stamp(n.Time)
	for _, t := range c.fieldTimes() {
		*t = stamp(*t)
	}
	if c.Verified != nil {
		c.Verified = c.Verified.normal()
	}
	return c
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// fieldTimes returns the times in the fields of the note that are set.
func (n *Note) fieldTimes() []*time.Time {
	var times []*time.Time
	if n.Verified != nil {
		times = append(times, n.Verified.times()...)
	}
	if n.NoUndo != nil {
		times = append(times, &n.NoUndo.Time)
	}
	if n.Pin != nil {
		times = append(times, &n.Pin.Time)
	}
	if n.Labels != nil {
		times = append(times, &n.Labels.Time)
	}
	if n.Forgot != nil {
		times = append(times, &n.Forgot.Time)
	}
	if n.Upkeep != nil {
		times = append(times, n.Upkeep.times()...)
	}
	return times
}

func (n *Note) validate() error {
	if n.Snapshot.IsZero() {
		return fmt.Errorf("%w: no ID", ErrFormat)
	}
	for _, t := range append(n.fieldTimes(), &n.Time) {
		if t.IsZero() || !validTime(*t) {
			return fmt.Errorf("%w: no time, or one out of range", ErrFormat)
		}
	}
	return nil
}

// after reports whether n is newer than other, and so overrides it.
func (n *Note) after(other *Note) bool {
	if c := n.Time.Compare(other.Time); c != 0 {
		return c > 0
	}
	return n.Name > other.Name
}

// Replaces reports whether the other note can be deleted without loss: n is on the same
// snapshot, is newer, and has all of its fields. Both notes must come from [UnmarshalNote]
// and have their names.
func (n *Note) Replaces(other *Note) bool {
	missing := func(field string) bool { return !slices.Contains(n.fields, field) }
	return n.Snapshot == other.Snapshot && n.after(other) && !slices.ContainsFunc(other.fields, missing)
}

// Learn sets the fields of the snapshot that come from notes, and clears those that no
// note has. Notes on other snapshots are ignored. The order of the notes does not matter.
// A note on pins or tags overrides the record.
func (s *Snapshot) Learn(notes []*Note) {
	s.Verified, s.NoUndo, s.Forgotten, s.Upkeep = s.Proof, nil, nil, nil
	if n := s.newestNote(notes, func(n *Note) bool { return n.Verified != nil }); n != nil {
		s.Verified = n.Verified
	}
	if n := s.newestNote(notes, func(n *Note) bool { return n.NoUndo != nil }); n != nil {
		s.NoUndo = n.NoUndo
	}
	if n := s.newestNote(notes, func(n *Note) bool { return n.Pin != nil }); n != nil {
		s.Pinned = n.Pin.Pinned
	}
	if n := s.newestNote(notes, func(n *Note) bool { return n.Labels != nil }); n != nil {
		s.Tags = n.Labels.Tags
	}
	if n := s.newestNote(notes, func(n *Note) bool { return n.Forgot != nil }); n != nil {
		s.Forgotten = n.Forgot
	}
	if n := s.newestNote(notes, func(n *Note) bool { return n.Upkeep != nil }); n != nil {
		s.Upkeep = n.Upkeep
	}
}

// newestNote returns the newest note on the snapshot that has a field, or nil.
func (s *Snapshot) newestNote(notes []*Note, has func(*Note) bool) *Note {
	var found *Note
	for _, n := range notes {
		if n.Snapshot == s.ID && has(n) && (found == nil || n.after(found)) {
			found = n
		}
	}
	return found
}
