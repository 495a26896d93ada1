package sqlite

import (
	"maps"
	"sync"
	"time"

	"firn/sqlite/internal/follow"
)

// FollowerState is what a [Follower] has seen so far, for status and metrics.
type FollowerState struct {
	JournalMode string           // as in [Info]; empty before the database was opened
	Held        bool             // a connection is held
	NotHeld     string           // why no connection is held; empty if one is
	Rule        string           // by which the last change was taken in, or after a question mark, why it could not be
	Full        map[string]int64 // number of images that were read whole, by cause
	Commits     int64            // seen
	Frames      int64            // taken in
	Changed     time.Time        // when the last change was noticed
	Err         error            // of the last call that has failed; nil if the last one has not
}

// record is the state of a follower under a lock of its own, so that it can be read while another call hangs.
type record struct {
	mu sync.Mutex
	s  FollowerState
}

func (r *record) state() FollowerState {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.s
	s.Full = maps.Clone(s.Full)
	return s
}

func (r *record) note(rule follow.Rule, commits, frames int64, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.s.Rule, r.s.Commits, r.s.Frames, r.s.Changed = string(rule), commits, frames, now
}

func (r *record) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.s.Err = err
}

func (r *record) mode(mode string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.s.JournalMode = mode
}

func (r *record) holds() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.s.Held, r.s.NotHeld = true, ""
}

func (r *record) unheld(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.s.Held, r.s.NotHeld = false, reason
}

// full counts an image that is read whole.
func (r *record) full(cause string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.s.Full == nil {
		r.s.Full = map[string]int64{}
	}
	r.s.Full[cause]++
}
