package index

import (
	"maps"
	"sync"
	"sync/atomic"

	"firn/chunk"
	"firn/pack"
)

// Damage is a set of blobs that were found damaged, each in one pack. It is safe for
// concurrent use.
type Damage struct {
	of    *Damage     // see Fork; nil for none
	some  atomic.Bool // false most often, so that a look takes no lock
	mu    sync.RWMutex
	spots map[spot]bool
}

// spot is one blob in one pack.
type spot struct {
	pack pack.ID
	blob chunk.ID
}

// NewDamage returns an empty set.
func NewDamage() *Damage { return &Damage{spots: make(map[spot]bool)} }

// Fork returns a copy. Changes of the copy change d, too; the copy does not see other changes
// of d. So an operation tells later ones of the damage that it finds, and none changes the
// damage that another one goes by.
func (d *Damage) Fork() *Damage {
	fork := NewDamage()
	fork.Merge(d)
	fork.of = d
	return fork
}

// Merge adds all that another set has.
func (d *Damage) Merge(other *Damage) {
	other.mu.RLock()
	spots := maps.Clone(other.spots)
	other.mu.RUnlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.Copy(d.spots, spots)
	d.some.Store(len(d.spots) > 0)
}

// Replace makes the set that of another one.
func (d *Damage) Replace(other *Damage) {
	d.mu.Lock()
	clear(d.spots)
	d.mu.Unlock()
	d.Merge(other)
}

func (d *Damage) add(s spot) {
	d.mu.Lock()
	d.spots[s] = true
	d.some.Store(true)
	d.mu.Unlock()
	if d.of != nil {
		d.of.add(s)
	}
}

func (d *Damage) remove(s spot) {
	d.mu.Lock()
	delete(d.spots, s)
	d.mu.Unlock()
	if d.of != nil {
		d.of.remove(s)
	}
}

func (d *Damage) has(s spot) bool {
	if !d.some.Load() {
		return false
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.spots[s]
}
