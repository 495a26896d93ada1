package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"firn/crypt"
	"firn/pack"
	"firn/snapshot"
)

const (
	// salvagePrefix begins the names of cache entries with sound copies of objects that
	// a check found damaged in the store. A repair needs the copies; under their own
	// names they would hide the damage from backups.
	salvagePrefix = statePrefix + "aside/"
	// returningPrefix begins the names of cache entries with objects that a repair is
	// about to put back: if the repair dies in between, the next one knows that the
	// object is missing for this reason alone.
	returningPrefix = statePrefix + "returning/"
)

// keepDamaged keeps the sound copies that the cache had of objects that are damaged in the
// store.
func (c *check) keepDamaged() {
	cache := c.repo.cache
	damaged := make(map[string]bool)
	for _, f := range c.result.Findings {
		if corrupt, ok := errors.AsType[*CorruptError](f.Err); ok {
			damaged[corrupt.Name] = true
		}
	}
	for id := range c.bad {
		damaged[id.Name()] = true
	}
	for name := range c.copies {
		returned, ok := strings.CutPrefix(name, returningPrefix)
		_, back := cache.Get(returned) // it was just read from the store
		if strings.HasPrefix(name, salvagePrefix) || ok && back {
			cache.Remove(name)
		}
	}
	for name, b := range c.copies {
		name = strings.TrimPrefix(name, salvagePrefix)
		switch {
		case (name == configName || isKeyName(name)) && damaged[name] && c.repo.verify(name, b) == nil:
			cache.Put(name, b) // a copy that opens the repository hides no damage that matters to a backup
		case damaged[name], damaged[planPrefix] && strings.HasPrefix(name, planPrefix):
			cache.Put(salvagePrefix+name, b)
		}
	}
}

// isOwn reports whether a cache entry is this host's own, and no copy from the store.
func isOwn(name string) bool {
	return strings.HasPrefix(name, statePrefix) && !strings.HasPrefix(name, salvagePrefix) && name != tokenEntry
}

// copies are all contents of a cache, by name: some are of objects that are damaged or missing.
type copies map[string][]byte

// of returns the copies of an object that are at hand, sound or not.
func (c copies) of(name string) [][]byte {
	var all [][]byte
	for _, prefix := range []string{"", salvagePrefix, returningPrefix} {
		if b, ok := c[prefix+name]; ok {
			all = append(all, b)
		}
	}
	return all
}

// plans returns the plans of which there are sound copies, by name.
func (c copies) plans(keys *crypt.Keys) map[string]*plan {
	known := make(map[string]*plan)
	for name, b := range c {
		name = strings.TrimPrefix(name, salvagePrefix)
		if p, err := openPlan(keys, name, b); err == nil && strings.HasPrefix(name, planPrefix) {
			known[name] = p
		}
	}
	return known
}

// returning returns the names of the objects that a repair was putting back.
func (c copies) returning() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if name, ok := strings.CutPrefix(name, returningPrefix); ok {
			names = append(names, name)
		}
	}
	return names
}

// entries returns the blobs of a pack whose footer is damaged; nil if they are not known.
func (c copies) entries(keys *crypt.Keys, id pack.ID) []pack.Entry {
	for _, tail := range c.of(id.Name()) {
		if size, b, ok := cutTail(tail); ok {
			if entries, need, err := pack.ParseTail(keys, id, size, b); err == nil && need == 0 {
				return entries
			}
		}
	}
	return nil
}

// soundCopy returns the true bytes of a damaged object, nil if this host has no copy. That
// a copy opens is proof, since one object was ever sealed under the name.
func (r *Repo) soundCopy(ctx context.Context, c copies, name string) ([]byte, error) {
	candidates := c.of(name)
	if kind, ok := objectKind(name); ok {
		// Where only the header is damaged, which is the same for all objects of a
		// kind, the object itself is its copy.
		b, err := whole(ctx, r.store, name)
		if err != nil && !isDamage(err) && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if len(b) >= crypt.HeaderLen {
			header := crypt.Header(kind)
			candidates = append(candidates, slices.Concat(header[:], b[crypt.HeaderLen:]))
		}
	}
	for _, b := range candidates {
		if r.verify(name, b) == nil {
			return b, nil
		}
	}
	return nil, nil
}

// objectKind returns the kind of an object below meta/ that is sealed as a whole.
func objectKind(name string) (crypt.ObjectKind, bool) {
	switch {
	case strings.HasPrefix(name, planPrefix):
		return crypt.ObjectPlan, true
	case strings.HasPrefix(name, snapshot.Prefix):
		return crypt.ObjectSnapshot, true
	case strings.HasPrefix(name, snapshot.NotePrefix):
		return crypt.ObjectNote, true
	case isTombstone(name):
		return crypt.ObjectTombstone, true
	case isAlive(name):
		return crypt.ObjectAlive, true
	}
	return 0, false
}

// verify opens an object below meta/, as its name says how. Of another credential's key slot,
// only the form can be verified.
func (r *Repo) verify(name string, b []byte) error {
	var err error
	switch {
	case name == configName:
		err = r.openConfig(b)
	case isKeyName(name):
		if _, err = r.verifySlot(b, newBudget()); errors.Is(err, crypt.ErrWrongKey) {
			err = nil
		}
	case strings.HasPrefix(name, planPrefix):
		_, err = openPlan(r.keys, name, b)
	case strings.HasPrefix(name, snapshot.Prefix):
		_, err = r.openRecord(new(snapshot.Decoder), name, b)
	case strings.HasPrefix(name, snapshot.NotePrefix):
		_, err = r.openNote(new(snapshot.Decoder), name, b)
	case strings.HasPrefix(name, pack.RoundPrefix):
		_, err = r.openRound(new(snapshot.Decoder), name, int64(len(b)), b)
	case isTombstone(name):
		_, err = r.openTombstone(nil, name, b)
	case isAlive(name):
		_, err = r.openAlive(nil, name, b)
	default:
		err = errors.New("no copies are kept of such objects")
	}
	return err
}

// verifySlot opens a slot, or takes it for another credential's if that costs too much.
func (r *Repo) verifySlot(b []byte, spending *budget) (crypt.Secret, error) {
	credential := r.credential()
	slot, err := crypt.ParseSlot(b)
	if err != nil {
		return crypt.Secret{}, err
	}
	if !spending.spend(slot, credential) {
		return crypt.Secret{}, crypt.ErrWrongKey
	}
	return slot.Open(r.id, credential)
}
