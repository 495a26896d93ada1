package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"firn/host"
	"firn/site"
)

// Log is the log of what was changed through the server, by whom, and how that ended. Each line is an [Event] in JSON. Nothing in
// firn changes a line again.
type Log struct {
	mu   sync.Mutex
	file *os.File
}

// Event is a line of a [Log].
type Event struct {
	ID          string    `json:"id,omitempty"` // of the change: its lines have the same
	Time        time.Time `json:"time"`
	Who         string    `json:"who"`                   // the name of a token, or of a sign-in
	From        string    `json:"from"`                  // the address
	What        string    `json:"what"`                  // such as "restore"
	Environment string    `json:"environment,omitempty"` // "" for the whole repository
	Source      string    `json:"source,omitempty"`      // the environment of the snapshot, if it is another one
	Snapshot    string    `json:"snapshot,omitempty"`
	Token       string    `json:"token,omitempty"` // the name of a token that is made or removed
	Stage       string    `json:"stage"`           // "begun" or "ended"
	Done        string    `json:"done,omitempty"`  // what was done, in a sentence
	Error       string    `json:"error,omitempty"`
	Code        int       `json:"code,omitempty"` // the exit code of the command that does the same
}

// The stages of a change.
const (
	begun = "begun"
	ended = "ended"
)

// OpenLog opens the log in a folder, and makes the folder private.
func OpenLog(dir string) (*Log, error) {
	if err := host.MakePrivateFolder(dir); err != nil {
		return nil, fmt.Errorf("folder of the log: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "audit.jsonl"), os.O_RDWR|os.O_CREATE|os.O_APPEND, site.PrivateMode)
	if err != nil {
		return nil, fmt.Errorf("open log of changes: %w", err)
	}
	l := &Log{file: f}
	if err := l.endLine(); err != nil {
		return nil, fmt.Errorf("log of changes: %w", errors.Join(err, f.Close()))
	}
	return l, nil
}

// endLine ends a line that a kill or a full disk has cut, so that it does not spoil the next one.
func (l *Log) endLine() error {
	info, err := l.file.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := l.file.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = l.file.Write([]byte("\n"))
	return err
}

// Begin appends that a change begins. A change whose begin cannot be logged must not begin.
func (l *Log) Begin(e Event) error {
	e.Stage = begun
	return l.add(e)
}

// End appends how a change has ended.
func (l *Log) End(e Event) error {
	e.Stage = ended
	return l.add(e)
}

// add appends an event, which is on the disk when add returns.
func (l *Log) add(e Event) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.endLine(); err != nil { // a full disk may have cut the one before
		return fmt.Errorf("log of changes: %w", err)
	}
	if _, err := l.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("log of changes: %w", err)
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("log of changes: %w", err)
	}
	return nil
}

// Close closes the file.
func (l *Log) Close() error { return l.file.Close() }
