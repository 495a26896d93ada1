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

// NotePrefix starts the name of every note's object.
const NotePrefix = "meta/note-"

const (
	noteRandomLen = 8        // bytes
	maxProblem    = 64 << 10 // bytes of what is told to people of a verification
)

// Note tells what was learnt about a snapshot after its record was written, which
// never changes. It is encoded and padded as a record is. Of several notes on one
// snapshot, the newest that has a field counts for it.
type Note struct {
	Snapshot ID        `json:"snapshot"`
	Time     time.Time `json:"time"`           // of writing, UTC, in microseconds
	Host     string    `json:"host,omitempty"` // that wrote it

	Verified *Verification `json:"verified,omitempty"`
	NoUndo   *NoUndo       `json:"no_undo,omitempty"`
	Pin      *Pin          `json:"pin,omitempty"`
	Labels   *Labels       `json:"labels,omitempty"`
	Forgot   *Forgot       `json:"forgot,omitempty"`
	Upkeep   *Upkeep       `json:"upkeep,omitempty"`

	Name  string   `json:"-"` // of its object; it decides between equal times
	tells []string // names of the fields that it has, those of newer versions too
}

// Verification is the outcome of restoring a snapshot and looking whether the
// database in it is sound.
type Verification struct {
	Time    time.Time `json:"time"` // UTC, in microseconds
	How     string    `json:"how"`  // what was looked at
	Problem string    `json:"problem,omitempty"`
	// Unchecked says what could not be looked at, because it takes the application's own
	// SQLite: the rest is sound, or has the problem.
	Unchecked string `json:"unchecked,omitempty"`
}

// Sound reports whether the snapshot was verified and nothing was wrong with it.
func (v *Verification) Sound() bool { return v != nil && v.Problem == "" }

// NoUndo says of a snapshot that a restore took of its target that an undo must not
// put it back.
type NoUndo struct {
	Time time.Time `json:"time"` // UTC, in microseconds
	// Reason is empty if that restore replaced nothing, so that an older one counts.
	// Else what was replaced later is in no snapshot, and this is where it went.
	Reason string `json:"reason,omitempty"`
}

// Pin says whether retention must leave a snapshot alone, whatever its record says.
type Pin struct {
	Time   time.Time `json:"time"` // UTC, in microseconds
	Pinned bool      `json:"pinned"`
}

// Labels are all the tags of a snapshot, in place of those of its record.
type Labels struct {
	Time time.Time `json:"time"` // UTC, in microseconds
	Tags tags.Set  `json:"tags"`
}

// Forgot says that snapshots which followed in the same series were forgotten, and are not
// missing: those up to a number.
type Forgot struct {
	Time     time.Time `json:"time"` // UTC, in microseconds
	Sequence uint64    `json:"sequence"`

	Snapshots []ID `json:"snapshots,omitempty"` // of them those that are known, the newest first, and what they knew to have gone
}

// NewNoteName returns the name of an object for a note, which no other had:
// "meta/note-<id>-<random>" (docs/format.md, section 1).
func NewNoteName(id ID) string {
	var random [noteRandomLen]byte
	_, _ = rand.Read(random[:]) // never fails: the runtime ends the program instead
	return fmt.Sprintf("%s%s-%x", NotePrefix, id, random)
}

// ParseNoteName returns the snapshot that a name of [NewNoteName] is of, and
// false for any other name.
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

// UnmarshalNote decodes what [Note.Marshal] made; see [Decoder.Note].
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
			n.tells = append(n.tells, name)
		}
	}
	if err := n.validate(); err != nil {
		return nil, err
	}
	return &n, nil
}

// normal returns a copy with the times as the format has them.
func (n *Note) normal() Note {
	c := *n
	c.Verified, c.NoUndo, c.Pin, c.Labels, c.Forgot = copied(n.Verified), copied(n.NoUndo), copied(n.Pin), copied(n.Labels), copied(n.Forgot)
	c.Upkeep = copied(n.Upkeep)
	c.Time = stamp(n.Time)
	for _, t := range c.toldAt() {
		*t = stamp(*t)
	}
	if v := c.Verified; v != nil { // a hostile database has long names
		v.Problem, v.Unchecked = shortened(v.Problem), shortened(v.Unchecked)
	}
	return c
}

func shortened(problem string) string {
	if len(problem) <= maxProblem {
		return problem
	}
	return strings.ToValidUTF8(problem[:maxProblem], "") + " ..."
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// toldAt returns the times in the fields that the note has.
func (n *Note) toldAt() []*time.Time {
	var times []*time.Time
	if n.Verified != nil {
		times = append(times, &n.Verified.Time)
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
	for _, t := range append(n.toldAt(), &n.Time) {
		if t.IsZero() || !validTime(*t) {
			return fmt.Errorf("%w: no time, or one out of range", ErrFormat)
		}
	}
	return nil
}

// after reports whether n counts before other.
func (n *Note) after(other *Note) bool {
	if c := n.Time.Compare(other.Time); c != 0 {
		return c > 0
	}
	return n.Name > other.Name
}

// Replaces reports whether nothing is lost without the other note: n is on the
// same snapshot, counts before it, and has all of its fields. Both must come from
// [UnmarshalNote], and have their names.
func (n *Note) Replaces(other *Note) bool {
	missing := func(field string) bool { return !slices.Contains(n.tells, field) }
	return n.Snapshot == other.Snapshot && n.after(other) && !slices.ContainsFunc(other.tells, missing)
}

// Learn fills in what notes tell of the snapshot, and nothing else of what notes
// tell. Notes on others are passed over; the order does not matter. What the record
// says of pins and tags is lost if notes say otherwise.
func (s *Snapshot) Learn(notes []*Note) {
	s.Verified, s.NoUndo, s.Forgotten, s.Upkeep = nil, nil, nil, nil
	if n := s.counting(notes, func(n *Note) bool { return n.Verified != nil }); n != nil {
		s.Verified = n.Verified
	}
	if n := s.counting(notes, func(n *Note) bool { return n.NoUndo != nil }); n != nil {
		s.NoUndo = n.NoUndo
	}
	if n := s.counting(notes, func(n *Note) bool { return n.Pin != nil }); n != nil {
		s.Pinned = n.Pin.Pinned
	}
	if n := s.counting(notes, func(n *Note) bool { return n.Labels != nil }); n != nil {
		s.Tags = n.Labels.Tags
	}
	if n := s.counting(notes, func(n *Note) bool { return n.Forgot != nil }); n != nil {
		s.Forgotten = n.Forgot
	}
	if n := s.counting(notes, func(n *Note) bool { return n.Upkeep != nil }); n != nil {
		s.Upkeep = n.Upkeep
	}
}

// counting returns the note on the snapshot that counts for a field, nil if none has it.
func (s *Snapshot) counting(notes []*Note, has func(*Note) bool) *Note {
	var found *Note
	for _, n := range notes {
		if n.Snapshot == s.ID && has(n) && (found == nil || n.after(found)) {
			found = n
		}
	}
	return found
}
