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

// kinds returns all damage by its kind: that of one kind of object after the other.
func kinds() map[string]doer {
	all := map[string]doer{
		"round-foreign": replaceForeign(pack.RoundPrefix),

		"alive-flipped": change("meta/alive-", flip(-10)),
		"alive-header":  change("meta/alive-", flip(6)),
		"alive-empty":   change("meta/alive-", empty),
		"alive-foreign": replaceForeign("meta/alive-"),

		"plan-flipped": change("meta/gc-", flip(-10)),
		"plan-missing": drop("meta/gc-"),
		"key-flipped":  change("meta/key-", flip(2)),
		"key-foreign":  replaceForeign("meta/key-"),

		"config":         change("meta/config", flip(-10)),
		"config-missing": drop("meta/config"),
	}
	addPackKinds(all, "pack", pack.Prefix)
	addPackKinds(all, "round", pack.RoundPrefix)
	addSealedKinds(all, "tombstone", "meta/gone-")
	addSealedKinds(all, "record", "meta/snap-")
	addSealedKinds(all, "note", "meta/note-")
	return all
}

// addPackKinds adds the damage of objects with blobs and a footer.
func addPackKinds(all map[string]doer, name, prefix string) {
	maps.Copy(all, map[string]doer{
		name + "-missing":  drop(prefix),
		name + "-cut":      change(prefix, func(b []byte) []byte { return b[:len(b)/2] }),
		name + "-empty":    change(prefix, empty),
		name + "-garbage":  change(prefix, func(b []byte) []byte { return bytes.Repeat([]byte{0xa5}, len(b)) }),
		name + "-header":   change(prefix, flip(1)),
		name + "-trailer":  change(prefix, flip(-10)),
		name + "-footer":   change(prefix, flip(-crypt.TrailerLen-10)),
		name + "-data":     flipBlob(prefix, chunk.Data),
		name + "-node":     flipBlob(prefix, chunk.Node),
		name + "s-swapped": swap(prefix),
	})
}

// addSealedKinds adds the damage of objects that are sealed as a whole, of which a repository may have many.
func addSealedKinds(all map[string]doer, name, prefix string) {
	maps.Copy(all, map[string]doer{
		name + "-flipped":  change(prefix, flip(-10)),
		name + "-header":   change(prefix, flip(6)), // as if of a later version
		name + "-empty":    change(prefix, empty),
		name + "-foreign":  replaceForeign(prefix),
		name + "s-swapped": swap(prefix),
	})
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
