// Package pull has databases of other hosts backed up here: firn there, as an agent that ssh starts, reads the database, and
// firn here cuts, encrypts and stores it. Neither keys nor the credentials of the store are on the other host. docs/pull.md
// has the protocol. This package has the puller's end, and the messages of both.
package pull

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"firn/pipe"
	"firn/report"
	"firn/snapshot"
	"firn/sqlite"
)

// protocol is the version of the protocol. Both sides must speak the same one.
const protocol = 1

// Greeting returns the first line of an agent, or what a puller expects of it. The version is that of the program.
func Greeting(version string) pipe.Greeting {
	return pipe.Greeting{Service: "agent", Protocol: protocol, Firn: version}
}

// The paths of requests. The bodies of all but PathImage are one JSON value each way.
const (
	PathDescribe = "/describe" // OpenRequest -> Described
	PathImage    = "/image"    // a stream of frames each way
	PathLook     = "/look"     // LookRequest -> LookAnswer
	PathStored   = "/stored"   // StoredRequest -> {}
	PathRelease  = "/release"  // ReleaseRequest -> {}
	PathTarget   = "/target"   // TargetRequest -> TargetAnswer
	PathRestore  = "/restore"  // a stream of frames each way
)

// OpenRequest asks for an image of a database.
type OpenRequest struct {
	Database    string        `json:"database"` // absolute path, or one that begins with ~/
	Compact     bool          `json:"compact,omitempty"`
	HoldWriters bool          `json:"hold_writers,omitempty"`
	Timeout     time.Duration `json:"timeout,omitempty"` // for locks; nanoseconds
	Follow      bool          `json:"follow,omitempty"`  // by the follower of an earlier [LookRequest]
	State       string        `json:"state,omitempty"`   // 16 hexadecimal digits that stand for the puller; the agent keeps row counters under them
}

// Described is an image of a database.
type Described struct {
	snapshot.Image
	ID int64 `json:"id,omitempty"` // of the image, for [StoredRequest]
}

// LookRequest asks whether a database has changed since the image that was stored last, and has the agent follow it.
type LookRequest struct {
	Database string `json:"database"`
	Hold     bool   `json:"hold,omitempty"` // keep a connection open between two looks
}

// ReleaseRequest ends the holding of a database's connection, or the following.
type ReleaseRequest struct {
	Database string `json:"database"`
	End      bool   `json:"end,omitempty"`
}

// LookAnswer says what the follower of a database knows.
type LookAnswer struct {
	Changed bool  `json:"changed"`
	State   State `json:"state"`
}

// State is a [sqlite.FollowerState].
type State struct {
	JournalMode string           `json:"journal_mode,omitempty"`
	Held        bool             `json:"held,omitempty"`
	NotHeld     string           `json:"not_held,omitempty"`
	Rule        string           `json:"rule,omitempty"`
	Full        map[string]int64 `json:"full,omitempty"`
	Commits     int64            `json:"commits,omitempty"`
	Frames      int64            `json:"frames,omitempty"`
	Changed     time.Time        `json:"changed,omitzero"`
}

// StateOf returns a state as it goes over the wire.
func StateOf(s sqlite.FollowerState) State {
	return State{s.JournalMode, s.Held, s.NotHeld, s.Rule, s.Full, s.Commits, s.Frames, s.Changed}
}

// state returns the state as the follower of this host.
func (s State) state() sqlite.FollowerState {
	return sqlite.FollowerState{
		JournalMode: clean(s.JournalMode), Held: s.Held, NotHeld: clean(s.NotHeld), Rule: clean(s.Rule), Full: s.Full,
		Commits: s.Commits, Frames: s.Frames, Changed: s.Changed,
	}
}

// StoredRequest says that an image was stored.
type StoredRequest struct {
	Database string `json:"database"`
	ID       int64  `json:"id"`
}

// mostText is how many bytes of a text of the other side are shown.
const mostText = 2000

// clean makes a text of the other side fit for one line on a terminal.
func clean(text string) string {
	return report.Clean(strings.ReplaceAll(text[:min(len(text), mostText)], "\n", "; "))
}

// mostPages is the number of pages that SQLite's file format allows.
const mostPages = 1<<32 - 2

// check returns an error unless the other side has described an image that can be. It removes what is this side's to say.
func (d *Described) check(compact bool) error {
	i := &d.Image
	size := i.PageSize
	switch {
	case size < 512 || size > 65536 || size&(size-1) != 0:
		return fmt.Errorf("%w: pages of %d bytes", ErrFrame, size)
	case i.PageCount < 1 || i.PageCount > mostPages || i.Size != i.PageCount*int64(size):
		return fmt.Errorf("%w: %d pages of %d bytes are %d bytes", ErrFrame, i.PageCount, size, i.Size)
	case i.JournalMode != "wal" && i.JournalMode != "delete":
		return fmt.Errorf("%w: journal mode %q", ErrFrame, clean(i.JournalMode))
	case len(i.SchemaHash) > 64 || clean(i.SchemaHash) != i.SchemaHash:
		return fmt.Errorf("%w: the hash of the schema", ErrFrame)
	case len(i.Fingerprint) > 4<<10:
		return fmt.Errorf("%w: a fingerprint of %d bytes", ErrFrame, len(i.Fingerprint))
	}
	var print sqlite.Fingerprint
	if len(i.Fingerprint) > 0 && json.Unmarshal(i.Fingerprint, &print) != nil {
		return fmt.Errorf("%w: the fingerprint", ErrFrame)
	}
	for _, t := range i.Tables {
		if len(t.Name) > mostText || t.Rows < -1 {
			return fmt.Errorf("%w: the rows of a table", ErrFrame)
		}
	}
	i.Export = snapshot.ExportPages
	if compact {
		i.Export = snapshot.ExportCompact
	}
	*i = snapshot.Image{
		Size: i.Size, PageSize: size, PageCount: i.PageCount, JournalMode: i.JournalMode, UserVersion: i.UserVersion,
		ApplicationID: i.ApplicationID, SchemaHash: i.SchemaHash, RowCount: i.RowCount, Tables: i.Tables, TableMarks: i.TableMarks,
		Export: i.Export, Fingerprint: i.Fingerprint, Access: i.Access,
	}
	return nil
}

// errClosed is returned by an image after its end.
var errClosed = errors.New("the image is closed")
