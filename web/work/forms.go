package work

// forms are the IDs of jobs that forms may begin. Only so many of them are remembered: the oldest one makes way for a new one.
type forms struct {
	known map[string]bool
	ring  []string
	next  int
}

func newForms(most int) *forms {
	return &forms{known: make(map[string]bool), ring: make([]string, most)}
}

// add returns a new ID.
func (f *forms) add() string {
	id := NewID()
	f.remove(f.ring[f.next])
	f.ring[f.next], f.known[id] = id, true
	f.next = (f.next + 1) % len(f.ring)
	return id
}

// knows reports whether an ID was given out, and has neither been used nor made way for a newer one.
func (f *forms) knows(id string) bool { return f.known[id] }

// remove forgets an ID.
func (f *forms) remove(id string) { delete(f.known, id) }
