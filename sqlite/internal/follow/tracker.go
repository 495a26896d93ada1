// Package follow tells which pages of a database in WAL mode have changed since an image of it, without locks and without
// reading pages.
//
// A [Tracker] compares two headers of the WAL-index, and takes in the frames that were written between them. Mostly the WAL
// was appended to (append.go). If it was restarted, the rest of the old generation may still be in the file, behind what
// the new one has overwritten so far (restart.go). Where frames may be missing, the tracker says that it does not know: the
// next image is read whole. docs/design.md, "Following a WAL", has the proofs.
//
// The names of functions in the comments are those of SQLite's wal.c.
package follow

// Changes are the pages that have changed since an image, or the reason why they are not known.
type Changes struct {
	Pages *Pages
	Lost  Rule // why the pages are not known; empty if they are
	Moved bool // something was committed since
}

// Tracker knows which pages have changed since the last stored image, the base, and since the last image that was taken. The
// zero value knows nothing. A Tracker is for one goroutine at a time.
type Tracker struct {
	Probe *Probe // nil but in tests

	Commits int64 // that were seen in frames
	Frames  int64 // that were taken in

	at    Header
	valid bool     // at is a state to go on from
	base  *Changes // since the base; nil before the first
	taken *Changes // since the image that was taken last; nil for none
}

// At returns the header of the state that was seen last.
func (t *Tracker) At() (h Header, valid bool) { return t.at, t.valid }

// Base returns what has changed since the last stored image; nil before the first. It is the tracker's own.
func (t *Tracker) Base() *Changes { return t.base }

// Take begins to count changes since an image of the present state, which has this number of pages. An image that was taken
// before and not stored is forgotten.
func (t *Tracker) Take(pages uint32) {
	t.taken = &Changes{Pages: NewPages(pages)}
	if !t.valid {
		t.taken.Lost = First
	}
}

// Store makes the image that was taken last the base.
func (t *Tracker) Store() {
	if t.taken != nil {
		t.base, t.taken = t.taken, nil
	}
}

// Lose makes the changes unknown until the next image, for a reason.
func (t *Tracker) Lose(reason Rule) {
	t.valid = false
	t.each(func(c *Changes) {
		c.Moved = true
		if c.Lost == "" {
			c.Lost = reason
		}
	})
}

// each calls f for both sets of changes.
func (t *Tracker) each(f func(*Changes)) {
	for _, c := range []*Changes{t.base, t.taken} {
		if c != nil {
			f(c)
		}
	}
}

// add takes a frame in. A frame beyond the database's size is left from a transaction that was rolled back, or was cut off.
func (t *Tracker) add(f frame, pages uint32) {
	t.Frames++
	t.each(func(c *Changes) {
		if f.commit > 0 {
			c.Pages.shrink(f.commit)
		}
		if f.page <= pages {
			c.Pages.add(f)
		}
	})
}

// Poll takes in what was committed up to the state of an open read transaction. Its read mark keeps the WAL from being
// restarted if it has frames, and the file's header shows a restart if it has none.
//
// held says that a connection to the database was open since the last Poll or Peek.
func (t *Tracker) Poll(now Header, f *Frames, held bool) (Rule, error) {
	t.Probe.pause()
	s := t.step(now, f, held)
	rule, err := s.advance()
	if err == nil && rule == Raced {
		t.Lose(Restarted)
		t.at, t.valid, rule = now, true, Restarted
	}
	return rule, err
}

// peeks is how often Peek begins anew if the WAL is restarted meanwhile.
const peeks = 3

// Peeker reads the state of a database from shared memory.
type Peeker struct {
	live live
	seen bool // live has the state of the tracker
}

// NewPeeker returns a peeker for a connection's WAL-index.
func NewPeeker(x Index) *Peeker { return &Peeker{live: live{Index: x}} }

// Peek takes in what was committed, without a lock, a transaction, or, if nothing was, a system call. A connection must have
// been open since the last Poll or Peek. It reads the header from shared memory and frames from the file, and then looks
// whether the WAL was restarted meanwhile.
func (t *Tracker) Peek(p *Peeker, f *Frames) (Rule, error) {
	if !t.valid {
		return Busy, nil
	}
	if p.seen && !p.live.moved() {
		return Same, nil
	}
	p.seen = false
	for range peeks {
		now, ok := p.live.read()
		if !ok {
			return Busy, nil
		}
		t.Probe.pause()
		s := t.step(now, f, true)
		s.live = &p.live
		rule, err := s.advance()
		if rule != Raced || err != nil {
			p.seen = err == nil && rule.Advanced()
			return rule, err
		}
	}
	return Raced, nil
}

func (t *Tracker) step(now Header, f *Frames, held bool) *step {
	f.Probe = t.Probe
	return &step{Tracker: t, old: t.at, now: now, wal: f, held: held}
}
