package repo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"firn/crypt"
	"firn/pack"
	"firn/snapshot"
	"firn/store"
)

// How many bytes objects have at most (docs/format.md, section 1, "Sizes"). The store can
// put anything under any name, and nothing of it is authentic before it was read.
const (
	maxConfig = 64 << 10
	maxSealed = 32 << 20 // of a plan and of a partial record: they name a million packs
	// maxNamed is how many packs a plan or a partial record names, so that it stays below
	// maxSealed: each takes 35 bytes.
	maxNamed = 900_000
	// maxListed is how many objects a listing shows at most; one below meta/ is read by
	// every run.
	maxListed     = 1 << 22
	maxListedMeta = 1 << 20
)

// maxSize returns how many bytes an object of this name has at most.
func maxSize(name string) int64 {
	const around = crypt.HeaderLen + crypt.Overhead
	switch {
	case name == configName:
		return maxConfig
	case isKeyName(name):
		return crypt.MaxSlot
	case strings.HasPrefix(name, snapshot.Prefix):
		return around + snapshot.MaxRecord
	case strings.HasPrefix(name, snapshot.NotePrefix):
		return around + snapshot.MaxNote
	case strings.HasPrefix(name, pack.Prefix), strings.HasPrefix(name, pack.RoundPrefix):
		return pack.MaxSize
	}
	return maxSealed
}

// whole reads an object from the store, up to the size that one of its kind can have.
// One that is larger is damaged. All that reads whole objects goes through here.
func whole(ctx context.Context, st store.Store, name string) ([]byte, error) {
	b, err := st.Get(ctx, name, 0, store.AtMost(maxSize(name)))
	if errors.Is(err, store.ErrTooLarge) {
		return nil, &CorruptError{Kind: kindOf(name), Name: name, Err: store.ErrTooLarge}
	}
	return b, err
}

// listed yields the objects of a listing, as far as there can be so many. All that lists
// goes through here.
func listed(ctx context.Context, st store.Store, prefix string) iter.Seq2[store.Object, error] {
	most := maxListed
	if strings.HasPrefix(prefix, metaPrefix) {
		most = maxListedMeta
	}
	return func(yield func(store.Object, error) bool) {
		n := 0
		for o, err := range st.List(ctx, prefix) {
			if n++; n > most {
				yield(store.Object{}, fmt.Errorf("%w: more than %d below %q", ErrTooMany, most, prefix))
				return
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

// kindOf returns the kind of an object for a CorruptError.
func kindOf(name string) string {
	switch {
	case name == configName:
		return "config"
	case isKeyName(name):
		return "key"
	case strings.HasPrefix(name, planPrefix):
		return "plan"
	case strings.HasPrefix(name, snapshot.NotePrefix):
		return "note"
	case strings.HasPrefix(name, pack.Prefix):
		return "pack"
	case strings.HasPrefix(name, pack.RoundPrefix):
		return "round"
	case isTombstone(name):
		return "tombstone"
	case isAlive(name):
		return "sign of life"
	}
	return "record"
}
