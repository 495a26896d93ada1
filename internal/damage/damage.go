// Package damage breaks repositories for tests, with one kind of damage at a time. The
// engine must notice and repair the damage, and the command line must report it. The
// package knows the format of docs/format.md and opens an object before it breaks the
// object, so that the damage hits the intended part.
package damage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"firn/chunk"
	"firn/crypt"
	"firn/pack"
	"firn/store"
)

// Target is a repository that can be broken.
type Target struct {
	// Foreign is another repository that the same credential opens, for the kinds
	// that take objects from there.
	Foreign store.Store

	store store.Store
	keys  *crypt.Keys
}

// Open opens the repository in st with a credential.
func Open(ctx context.Context, st store.Store, c crypt.Credential) (*Target, error) {
	keys, err := Keys(ctx, st, c)
	if err != nil {
		return nil, err
	}
	return &Target{store: st, keys: keys}, nil
}

// Keys returns the keys of the repository in st.
func Keys(ctx context.Context, st store.Store, c crypt.Credential) (*crypt.Keys, error) {
	b, err := st.Get(ctx, "meta/config", 0, -1)
	if err != nil {
		return nil, err
	}
	var file struct {
		Config struct {
			ID crypt.RepositoryID `json:"id"`
		} `json:"config"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, err
	}
	slots, err := list(ctx, st, "meta/key-")
	if err != nil {
		return nil, err
	}
	for _, o := range slots {
		if b, err = st.Get(ctx, o.Name, 0, -1); err != nil {
			return nil, err
		}
		slot, err := crypt.ParseSlot(b)
		if err != nil {
			return nil, err
		}
		if secret, err := slot.Open(file.Config.ID, c); err == nil {
			return crypt.Derive(secret, file.Config.ID), nil
		}
	}
	return nil, crypt.ErrWrongKey
}

// Kinds returns the names of all kinds of damage.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds())) }

// Do does damage of one kind, and returns the names of the damaged objects.
func (t *Target) Do(ctx context.Context, kind string) ([]string, error) {
	do, ok := kinds()[kind]
	if !ok {
		return nil, fmt.Errorf("there is no damage %q, but %q", kind, Kinds())
	}
	names, err := do(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("do damage %s: %w", kind, err)
	}
	return names, nil
}

type doer func(context.Context, *Target) ([]string, error)

func kinds() map[string]doer {
	return map[string]doer{
		"pack-missing":  drop(pack.Prefix),
		"pack-cut":      change(pack.Prefix, func(b []byte) []byte { return b[:len(b)/2] }),
		"pack-empty":    change(pack.Prefix, empty),
		"pack-garbage":  change(pack.Prefix, func(b []byte) []byte { return bytes.Repeat([]byte{0xa5}, len(b)) }),
		"pack-header":   change(pack.Prefix, flip(1)),
		"pack-trailer":  change(pack.Prefix, flip(-10)),
		"pack-footer":   change(pack.Prefix, flip(-crypt.TrailerLen-10)),
		"pack-data":     flipBlob(pack.Prefix, chunk.Data),
		"pack-node":     flipBlob(pack.Prefix, chunk.Node),
		"packs-swapped": swap(pack.Prefix),

		"round-missing":  drop(pack.RoundPrefix),
		"round-cut":      change(pack.RoundPrefix, func(b []byte) []byte { return b[:len(b)/2] }),
		"round-empty":    change(pack.RoundPrefix, empty),
		"round-garbage":  change(pack.RoundPrefix, func(b []byte) []byte { return bytes.Repeat([]byte{0xa5}, len(b)) }),
		"round-header":   change(pack.RoundPrefix, flip(1)),
		"round-trailer":  change(pack.RoundPrefix, flip(-10)),
		"round-footer":   change(pack.RoundPrefix, flip(-crypt.TrailerLen-10)),
		"round-data":     flipBlob(pack.RoundPrefix, chunk.Data),
		"round-node":     flipBlob(pack.RoundPrefix, chunk.Node),
		"round-foreign":  replaceForeign(pack.RoundPrefix),
		"rounds-swapped": swap(pack.RoundPrefix),

		"tombstone-flipped":  change("meta/gone-", flip(-10)),
		"tombstone-header":   change("meta/gone-", flip(6)),
		"tombstone-empty":    change("meta/gone-", empty),
		"tombstone-foreign":  replaceForeign("meta/gone-"),
		"tombstones-swapped": swap("meta/gone-"),

		"alive-flipped": change("meta/alive-", flip(-10)),
		"alive-header":  change("meta/alive-", flip(6)),
		"alive-empty":   change("meta/alive-", empty),
		"alive-foreign": replaceForeign("meta/alive-"),

		"record-flipped":  change("meta/snap-", flip(-10)),
		"record-header":   change("meta/snap-", flip(6)), // as if of a later version
		"record-empty":    change("meta/snap-", empty),
		"record-foreign":  replaceForeign("meta/snap-"),
		"records-swapped": swap("meta/snap-"),

		"note-flipped":  change("meta/note-", flip(-10)),
		"note-header":   change("meta/note-", flip(6)),
		"note-empty":    change("meta/note-", empty),
		"note-foreign":  replaceForeign("meta/note-"),
		"notes-swapped": swap("meta/note-"),

		"plan-flipped": change("meta/gc-", flip(-10)),
		"plan-missing": drop("meta/gc-"),
		"key-flipped":  change("meta/key-", flip(2)),
		"key-foreign":  replaceForeign("meta/key-"),

		"config":         change("meta/config", flip(-10)),
		"config-missing": drop("meta/config"),
	}
}

func empty([]byte) []byte { return nil }

// flip returns a function that changes a bit of the byte at a position. A negative position
// counts from the end.
func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte {
		if at < 0 {
			b[len(b)+at] ^= 1
		} else {
			b[at] ^= 1
		}
		return b
	}
}

// change is damage that changes the largest object of a prefix by a function.
func change(prefix string, with func([]byte) []byte) doer {
	return func(ctx context.Context, t *Target) ([]string, error) {
		name, b, err := t.choose(ctx, prefix)
		if err != nil {
			return nil, err
		}
		return []string{name}, t.replace(ctx, name, with(b))
	}
}

func drop(prefix string) doer {
	return func(ctx context.Context, t *Target) ([]string, error) {
		name, _, err := t.choose(ctx, prefix)
		if err != nil {
			return nil, err
		}
		return []string{name}, t.store.Delete(ctx, name)
	}
}

// flipBlob changes a bit of the first blob of a kind in a pack or a round.
func flipBlob(prefix string, kind chunk.Kind) doer {
	return func(ctx context.Context, t *Target) ([]string, error) {
		name, b, err := t.choose(ctx, prefix)
		if err != nil {
			return nil, err
		}
		id, _ := pack.ParseName(name)
		entries, _, err := pack.ParseTail(t.keys, id, int64(len(b)), b)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(entries, func(e pack.Entry) bool { return e.Kind == kind })
		b[entries[at].Offset+entries[at].Length/2] ^= 1
		return []string{name}, t.replace(ctx, name, b)
	}
}

// swap exchanges the contents of two objects.
func swap(prefix string) doer {
	return func(ctx context.Context, t *Target) ([]string, error) {
		objects, err := list(ctx, t.store, prefix)
		if err != nil {
			return nil, err
		}
		var contents [2][]byte
		names := []string{objects[0].Name, objects[1].Name}
		for i, name := range names {
			if contents[i], err = t.store.Get(ctx, name, 0, -1); err != nil {
				return nil, err
			}
		}
		for i, name := range names {
			if err := t.replace(ctx, name, contents[1-i]); err != nil {
				return nil, err
			}
		}
		return names, nil
	}
}

// replaceForeign replaces an object by an object of the other repository.
func replaceForeign(prefix string) doer {
	return func(ctx context.Context, t *Target) ([]string, error) {
		other := &Target{store: t.Foreign}
		_, foreign, err := other.choose(ctx, prefix)
		if err != nil {
			return nil, err
		}
		name, _, err := t.choose(ctx, prefix)
		if err != nil {
			return nil, err
		}
		return []string{name}, t.replace(ctx, name, foreign)
	}
}

// choose returns the largest object of a prefix. Of several objects of that size, it returns
// the last.
func (t *Target) choose(ctx context.Context, prefix string) (string, []byte, error) {
	objects, err := list(ctx, t.store, prefix)
	if err != nil {
		return "", nil, err
	}
	var largest store.Object
	for _, o := range objects {
		if o.Size >= largest.Size {
			largest = o
		}
	}
	b, err := t.store.Get(ctx, largest.Name, 0, -1)
	return largest.Name, b, err
}

func (t *Target) replace(ctx context.Context, name string, b []byte) error {
	if err := t.store.Delete(ctx, name); err != nil {
		return err
	}
	return t.store.Put(ctx, name, b)
}

func list(ctx context.Context, st store.Store, prefix string) ([]store.Object, error) {
	var objects []store.Object
	for o, err := range st.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}
