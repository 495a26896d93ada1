package repo

import (
	"context"
	"slices"

	"firn/crypt"
	"firn/store"
)

// These methods guard the state that the operations of one handle share.

// credential returns the credential of [Open], until [Repo.RotateKey] replaces it.
func (r *Repo) credential() crypt.Credential {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unlocked
}

func (r *Repo) setCredential(c crypt.Credential) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unlocked = c
}

// takeOpening returns the listing of meta/ that [Open] has made, once, and nil after that.
func (r *Repo) takeOpening() []store.Object {
	r.mu.Lock()
	defer r.mu.Unlock()
	objects := r.youngOpening()
	r.opening = nil
	return objects
}

// peekOpening is takeOpening for a caller that leaves the listing there.
func (r *Repo) peekOpening() []store.Object {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.youngOpening()
}

// youngOpening returns the listing of [Open], nil once it is too old. The lock is held.
func (r *Repo) youngOpening() []store.Object {
	if age := r.opts.now().Sub(r.openedAt); age < 0 || age > openingLife {
		return nil
	}
	return r.opening
}

// Refresh has the next operation list the repository anew. Without it, the first operation may show what was there some seconds
// ago, when the repository was opened.
func (r *Repo) Refresh() { r.dropOpening() }

// dropOpening is called before anything is written or deleted that a listing shows.
func (r *Repo) dropOpening() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opening = nil
}

// lastListing returns the newest listing that an operation has made; nil for none.
func (r *Repo) lastListing() *listing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lastSeen
}

// saw makes a listing the last one, if it began after that.
func (r *Repo) saw(l *listing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l != nil && (r.lastSeen == nil || l.began >= r.lastSeen.began) {
		r.lastSeen = l
	}
}

// noted adds a note to the last listing, and takes away the notes that it has replaced.
func (r *Repo) noted(note store.Object, replaced []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lastSeen == nil {
		return
	}
	l := *r.lastSeen // operations may be reading the old one
	l.notes = slices.DeleteFunc(append(slices.Clone(l.notes), note), func(o store.Object) bool { return slices.Contains(replaced, o.Name) })
	r.lastSeen = &l
}

// sawRound adds a round that was stored to the last listing.
func (r *Repo) sawRound(o store.Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lastSeen == nil {
		return
	}
	l := *r.lastSeen // operations may be reading the old one
	l.rounds = append([]store.Object{o}, l.rounds...)
	r.lastSeen = &l
}

// turn is a lock that is waited for as long as a context allows. It holds one value while
// it is taken.
type turn chan struct{}

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) giveBack() { <-t }
