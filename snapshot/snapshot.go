// Package snapshot defines the record of a snapshot, with its source, its time and its image in the
// repository, and the notes on a snapshot, with facts that became known later. It encodes and
// decodes both (docs/format.md, section 5), names their objects, and finds the snapshot that a user
// means. It does no I/O: the caller seals and stores the bytes.
package snapshot

import (
	"encoding/json"
	"time"

	"firn/chunk"
	"firn/tags"
)

// Snapshot is the record of one snapshot. Its JSON field names are part of the
// repository format: fields may be added, never renamed or given new meaning.
type Snapshot struct {
	ID          ID        `json:"id"`
	Environment string    `json:"environment"`
	Database    string    `json:"database"` // name, not path
	Host        string    `json:"host,omitempty"`
	Tags        tags.Set  `json:"tags,omitempty"`
	Time        time.Time `json:"time"`               // of the image, UTC, in microseconds
	Duration    float64   `json:"duration,omitempty"` // of the run, in seconds
	Tool        string    `json:"tool,omitempty"`     // name and version of the program
	Images      []Image   `json:"images"`             // exactly one in this version

	Parent   ID     `json:"parent,omitzero"`    // the snapshot whose chunks and boundaries the run reused
	Sequence uint64 `json:"sequence,omitempty"` // counts up within the environment
	Previous ID     `json:"previous,omitzero"`  // the newest earlier snapshot of the same environment and database

	// ReplacedBy is set on a snapshot that a restore took of its target. It names the snapshot that
	// was then restored, which the next backup continues.
	ReplacedBy ID `json:"replaced_by,omitzero"`

	Original *Origin `json:"original,omitempty"`  // the original of a copy; nil if this is no copy
	CopiedBy string  `json:"copied_by,omitempty"` // the host that copied it; Host, Time, Tags and the image are the original's

	Added     int64    `json:"added"`               // bytes the repository grew by
	Chunks    int      `json:"chunks"`              // chunks of the image
	ChunksNew int      `json:"chunks_new"`          // the new ones, stored by this run
	Packs     []string `json:"packs,omitempty"`     // names of packs written by this run
	Token     string   `json:"token,omitempty"`     // garbage collection plans the run has seen
	Forgot    []ID     `json:"forgot,omitempty"`    // snapshots this run's retention removes
	Unchanged bool     `json:"unchanged,omitempty"` // same image as Previous; no page was read
	Pinned    bool     `json:"pinned,omitempty"`    // retention never removes it; see [Note.Pin] too
	Suspect   []string `json:"suspect,omitempty"`   // why its image is probably a mistake, see [Guard]

	// Proof is what the run that took the snapshot found out about its image. Nil: it did not look. A note may know better, see
	// Verified.
	Proof *Verification `json:"verified,omitempty"`

	// Round is the round that the record is a part of, zero for a record with an object of its own. The record does not
	// hold it. Its digits are those in the name of the round's object.
	Round ID `json:"-"`

	// These fields come from notes, see [Snapshot.Learn]. The record does not hold them.
	Verified   *Verification `json:"-"` // Proof where no note has one; nil: never verified
	NoUndo     *NoUndo       `json:"-"` // nil: an undo may put it back
	Forgotten  *Forgot       `json:"-"` // set if following snapshots were forgotten while this was the newest left
	Upkeep     *Upkeep       `json:"-"` // of the whole repository; nil if no note on this snapshot has it
	NoteUnread bool          `json:"-"` // a note could not be read, so its facts are unknown
}

// The ways in which an image is taken of its source.
const (
	ExportPages   = "pages"   // page by page
	ExportCompact = "compact" // by VACUUM INTO
	ExportStream  = "stream"  // byte by byte, from a source that is no database
)

// Image is one database image of a snapshot, with the facts that are known without reading it.
type Image struct {
	Root   chunk.ID `json:"root"`   // of the tree of its chunks
	Levels int      `json:"levels"` // of that tree
	Size   int64    `json:"size"`   // bytes

	PageSize      int    `json:"page_size,omitempty"` // bytes
	PageCount     int64  `json:"page_count,omitempty"`
	JournalMode   string `json:"journal_mode,omitempty"`
	UserVersion   int32  `json:"user_version,omitempty"`
	ApplicationID int32  `json:"application_id,omitempty"`
	SchemaHash    string `json:"schema_hash,omitempty"`

	RowCount *int64      `json:"rows,omitempty"`  // in all tables; nil: not known, see [Image.Rows]
	Tables   []TableRows `json:"tables,omitzero"` // all tables, by name; nil if they are not known, or too many

	TableMarks tableMarks `json:"table_marks,omitempty"` // of the names, if Tables is nil because there are too many

	Export      string          `json:"export,omitempty"`      // how it was read: pages, compact, or stream if it is not a database
	Fingerprint json.RawMessage `json:"fingerprint,omitempty"` // of the source, to notice that nothing changed
	ReadAt      time.Time       `json:"read_at,omitzero"`      // when the pages were last read, UTC, in microseconds

	Access *Access `json:"access,omitempty"` // of the source's file; nil if it is not known
}

// Access is the owner and mode of a database file, so that a restore can make a lost file anew for
// the same user.
type Access struct {
	UID  uint32 `json:"uid"`
	GID  uint32 `json:"gid"`
	Mode uint32 `json:"mode"` // the nine permission bits
}

// Image returns the snapshot's one image. It panics if the snapshot has none; [Unmarshal] never
// returns such a snapshot.
func (s *Snapshot) Image() *Image { return &s.Images[0] }
