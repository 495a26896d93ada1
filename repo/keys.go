package repo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"firn/crypt"
)

// keyPrefix begins the names of key slots: meta/key-<16 hex>.
const keyPrefix = metaPrefix + "key-"

func isKeyName(name string) bool { return strings.HasPrefix(name, keyPrefix) }

func newKeyName() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, see its documentation
	return fmt.Sprintf("%s%x", keyPrefix, random)
}

// Key describes a key slot: one way to open the repository.
type Key struct {
	ID      string // 16 hex digits
	Label   string
	KDF     string // argon2id for a password, hkdf for a key file
	Created time.Time
	Err     error // not nil if the slot is damaged
}

// openSlots tries the credential on every slot. A damaged slot does not hide
// the others; it is reported only if none opens.
func (r *Repo) openSlots(ctx context.Context, id crypt.RepositoryID) (crypt.Secret, error) {
	problem, unreachable := crypt.ErrWrongKey, false
	for _, o := range r.listing {
		if !isKeyName(o.Name) {
			continue
		}
		secret, err := r.openSlot(ctx, o.Name, id)
		if err == nil {
			return secret, nil
		}
		if errors.Is(err, crypt.ErrWrongKey) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if !isDamage(err) && !errors.Is(err, ErrVersion) && !unreachable {
			problem, unreachable = err, true // nobody can tell whether the key is wrong
		} else {
			problem = errors.Join(problem, err)
		}
	}
	return crypt.Secret{}, problem
}

func (r *Repo) openSlot(ctx context.Context, name string, id crypt.RepositoryID) (crypt.Secret, error) {
	slot, err := r.slot(ctx, name)
	if err != nil {
		return crypt.Secret{}, err
	}
	secret, err := slot.Open(id, r.opts.Credential)
	if err != nil && !errors.Is(err, crypt.ErrWrongKey) {
		return crypt.Secret{}, damaged("key", name, err)
	}
	return secret, err
}

func (r *Repo) slot(ctx context.Context, name string) (*crypt.Slot, error) {
	return read(ctx, r, name, func(b []byte) (*crypt.Slot, error) {
		slot, err := crypt.ParseSlot(b)
		if err != nil {
			return nil, damaged("key", name, err)
		}
		return slot, nil
	})
}

// Keys lists the key slots, oldest first.
func (r *Repo) Keys(ctx context.Context) ([]Key, error) {
	objects, err := collect(r.store.List(ctx, keyPrefix))
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	keys := make([]Key, 0, len(objects))
	for _, o := range objects {
		key := Key{ID: strings.TrimPrefix(o.Name, keyPrefix)}
		if slot, err := r.slot(ctx, o.Name); err != nil {
			key.Err = err
		} else {
			key.Label, key.KDF, key.Created = slot.Label, slot.KDF, slot.Created
		}
		keys = append(keys, key)
	}
	slices.SortStableFunc(keys, func(a, b Key) int { return a.Created.Compare(b.Created) })
	return keys, nil
}

// AddKey makes a slot for another credential and returns its ID. The one that
// the repository was opened with is tried again first: only who can open the
// repository may add a way to open it.
func (r *Repo) AddKey(ctx context.Context, c crypt.Credential, label string) (string, error) {
	secret, err := r.secret(ctx)
	if err != nil {
		return "", err
	}
	return putSlot(ctx, r.opts, secret, r.id, c, label)
}

// secret opens a slot once more with the credential of [Open].
func (r *Repo) secret(ctx context.Context) (crypt.Secret, error) {
	listing, err := collect(r.store.List(ctx, keyPrefix))
	if err != nil {
		return crypt.Secret{}, fmt.Errorf("list keys: %w", err)
	}
	r.listing = listing
	defer func() { r.listing = nil }() // it holds keys only
	return r.openSlots(ctx, r.id)
}

// putSlot writes a new key slot.
func putSlot(ctx context.Context, opts Options, secret crypt.Secret, id crypt.RepositoryID, c crypt.Credential, label string) (string, error) {
	slot, err := crypt.NewSlot(secret, id, c, label, opts.now())
	if err != nil {
		return "", fmt.Errorf("make key: %w", err)
	}
	b, err := slot.Marshal()
	if err != nil {
		return "", fmt.Errorf("encode key: %w", err)
	}
	name := newKeyName()
	if err := opts.Store.Put(ctx, name, b); err != nil {
		return "", fmt.Errorf("write key: %w", err)
	}
	return strings.TrimPrefix(name, keyPrefix), nil
}

// RemoveKey deletes the slot whose ID starts with prefix. The error matches
// fs.ErrNotExist if there is none, [ErrLastKey] if no other one would be left.
// Whoever has opened the repository with that key, or has a copy of the slot,
// can still open it.
func (r *Repo) RemoveKey(ctx context.Context, prefix string) (Key, error) {
	keys, err := r.Keys(ctx)
	if err != nil {
		return Key{}, err
	}
	usable := 0
	var found []Key
	for _, k := range keys {
		if strings.HasPrefix(k.ID, prefix) {
			found = append(found, k)
		} else if k.Err == nil {
			usable++
		}
	}
	switch {
	case len(found) == 0 || prefix == "":
		return Key{}, fmt.Errorf("key %q: %w", prefix, fs.ErrNotExist)
	case len(found) > 1:
		return Key{}, fmt.Errorf("key %q is ambiguous: %s and %s", prefix, found[0].ID, found[1].ID)
	case usable == 0:
		return Key{}, fmt.Errorf("remove key %s: %w", found[0].ID, ErrLastKey)
	}
	if err := r.remove(ctx, keyPrefix+found[0].ID); err != nil {
		return Key{}, fmt.Errorf("remove key %s: %w", found[0].ID, err)
	}
	return found[0], nil
}
