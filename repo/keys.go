package repo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"firn/crypt"
	"firn/objectcache"
)

// keyPrefix begins the names of key slots: meta/key-<16 hex>.
const keyPrefix = metaPrefix + "key-"

func isKeyName(name string) bool { return strings.HasPrefix(name, keyPrefix) }

func newKeyName() string { return newName(keyPrefix, 8) }

// Key describes a key slot: one way to open the repository.
type Key struct {
	ID      string // 16 hex digits
	Label   string
	KDF     string // argon2id for a password, hkdf for a key file
	Created time.Time
	InUse   bool  // it has opened the repository
	Err     error // not nil if the slot is damaged
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

// errReplaced is the cause for a slot that this host has read otherwise: each is written once.
var errReplaced = errors.New("it is not what this host has read or written under that name before")

// storedSlot reads a slot as the store has it, with an error, too, if the cache knows it otherwise. The copy
// in the cache opens the repository for this host alone, so it proves nothing when keys are to be deleted.
func (r *Repo) storedSlot(ctx context.Context, name string) (*crypt.Slot, error) {
	b, err := whole(ctx, r.store, name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	slot, err := crypt.ParseSlot(b)
	if err != nil {
		return nil, damaged("key", name, err)
	}
	copied, ok := r.cache.Get(name)
	if !ok { // a copy that is there may be the only good one
		r.cache.Put(name, b)
	} else if !bytes.Equal(copied, b) {
		return slot, damaged("key", name, errReplaced)
	}
	return slot, nil
}

// Keys lists the key slots as the store has them, oldest first.
func (r *Repo) Keys(ctx context.Context) ([]Key, error) {
	objects, err := collect(ctx, r.store, keyPrefix)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	if len(objects) > maxListedSlots {
		return nil, fmt.Errorf("list keys: %w", tooManySlots(len(objects)))
	}
	keys, opener := make([]Key, 0, len(objects)), r.opener()
	for _, o := range objects {
		key := Key{ID: strings.TrimPrefix(o.Name, keyPrefix), InUse: o.Name == opener}
		slot, err := r.storedSlot(ctx, o.Name)
		if errors.Is(err, fs.ErrNotExist) { // removed since the listing
			continue
		}
		key.Err = err
		if slot != nil {
			key.Label, key.KDF, key.Created = slot.Label, slot.KDF, slot.Created
		}
		keys = append(keys, key)
	}
	slices.SortStableFunc(keys, func(a, b Key) int { return a.Created.Compare(b.Created) })
	return keys, nil
}

// AddKey makes a slot for another credential and returns its ID. It tries the repository's own
// credential again first, since only a holder of a valid key may add another one. It reads
// the new slot back and opens it.
func (r *Repo) AddKey(ctx context.Context, c crypt.Credential, label string) (string, error) {
	secret, err := r.secret(ctx)
	if err != nil {
		return "", err
	}
	id, err := putSlot(ctx, r.opts, secret, r.id, c, label)
	if err != nil {
		return "", err
	}
	if err := r.tryKey(ctx, id, c, secret); err != nil {
		return "", fmt.Errorf("try new key %s: %w", id, err)
	}
	return id, nil
}

// secret opens a slot once more with the credential of [Open].
func (r *Repo) secret(ctx context.Context) (crypt.Secret, error) {
	listing, err := collect(ctx, r.store, keyPrefix)
	if err != nil {
		return crypt.Secret{}, fmt.Errorf("list keys: %w", err)
	}
	if len(listing) >= maxSlots {
		return crypt.Secret{}, fmt.Errorf("add key: %w", tooManySlots(len(listing)+1))
	}
	return r.openSlots(ctx, r.id, slotNames(listing), r.credential())
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

// Opens reports whether a credential opens the repository now. The error is not nil if that
// could not be found out. It is the store's slots that count, not their copies in the cache.
func (r *Repo) Opens(ctx context.Context, c crypt.Credential) (bool, error) {
	other := &Repo{opts: r.opts, store: r.store, cache: objectcache.Open(""), id: r.id, unlocked: c}
	_, err := other.secret(ctx)
	if errors.Is(err, crypt.ErrWrongKey) {
		return false, nil
	}
	return err == nil, err
}

// RemoveKey deletes the slot whose ID starts with prefix. The error matches
// fs.ErrNotExist if there is none, [ErrLastKey] if no other one would be left, and
// [ErrUnproven] if it is the only one that the credential of [Open] opens: the store can
// hold slots that open with nothing, and these look like others. It is a [CorruptError] if
// the slots that would stay are damaged in the store, whatever the cache has of them.
// A user that has opened the repository with the removed key, or has a copy of the slot, can
// still open it.
func (r *Repo) RemoveKey(ctx context.Context, prefix string) (Key, error) {
	keys, err := r.Keys(ctx)
	if err != nil {
		return Key{}, err
	}
	var found, others []Key
	for _, k := range keys {
		if strings.HasPrefix(k.ID, prefix) {
			found = append(found, k)
		} else {
			others = append(others, k)
		}
	}
	switch {
	case len(found) == 0 || prefix == "":
		return Key{}, fmt.Errorf("key %q: %w", prefix, fs.ErrNotExist)
	case len(found) > 1:
		return Key{}, fmt.Errorf("key %q is ambiguous: %s and %s", prefix, found[0].ID, found[1].ID)
	case !usable(others):
		return Key{}, fmt.Errorf("remove key %s: %w", found[0].ID, cmp.Or(damageOf(others), ErrLastKey))
	}
	c := r.credential()
	secret, proven, err := r.proven(ctx, found[0], c)
	if err == nil {
		err = r.removeSlots(ctx, found, proven, secret, c)
	}
	if err != nil {
		return Key{}, fmt.Errorf("remove key %s: %w", found[0].ID, err)
	}
	return found[0], nil
}

// proven returns the slots of the store that stay and that a credential opens, and the secret in them.
func (r *Repo) proven(ctx context.Context, without Key, c crypt.Credential) (crypt.Secret, []Key, error) {
	secret, opened, err := r.opened(ctx, c)
	if err != nil {
		return secret, nil, err
	}
	opened = slices.DeleteFunc(opened, func(k Key) bool { return k.ID == without.ID })
	if len(opened) == 0 {
		return secret, nil, ErrUnproven
	}
	return secret, opened, nil
}

// usable reports whether any of the keys is undamaged.
func usable(keys []Key) bool {
	return slices.ContainsFunc(keys, func(k Key) bool { return k.Err == nil })
}

// damageOf joins the errors of damaged keys.
func damageOf(keys []Key) error {
	var all error
	for _, k := range keys {
		all = errors.Join(all, k.Err)
	}
	return all
}

// removeSlots deletes slots, and makes sure that one is left that is proven to open. Two
// processes that remove each other's key at the same time have both seen a slot that would
// stay. The one that looks last sees that none opens, and puts its own back. No store could
// do that in one step.
func (r *Repo) removeSlots(ctx context.Context, keys, proven []Key, secret crypt.Secret, c crypt.Credential) error {
	names := make([]string, len(keys))
	var copies [][]byte
	for i, k := range keys {
		names[i] = keyPrefix + k.ID
		b, err := r.store.Get(ctx, names[i], 0, -1)
		if err == nil && k.KDF != "" {
			copies = append(copies, b)
		} else if k.KDF != "" && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read %s: %w", names[i], err)
		}
	}
	err := r.remove(ctx, names...)
	ctx, cancel := lastChance(ctx)
	defer cancel()
	stays := r.oneOpens(ctx, proven, secret, c)
	if stays == nil {
		r.cache.Erase(names...)
		return err
	}
	ctx, cancel = lastChance(ctx)
	defer cancel()
	for _, b := range copies { // under new names: one is used once
		err = errors.Join(err, r.store.Put(ctx, newKeyName(), b))
	}
	return errors.Join(stays, err)
}

// oneOpens returns nil if one of the slots, as the store has them, opens with the credential.
// The error matches [ErrLastKey] if the store has none of them.
func (r *Repo) oneOpens(ctx context.Context, keys []Key, secret crypt.Secret, c crypt.Credential) error {
	problem := ErrLastKey
	for _, k := range keys {
		err := r.tryKey(ctx, k.ID, c, secret)
		if err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			problem = err
		}
	}
	return problem
}

// lastChance returns ctx, or in place of one that was told to end, one for last attempts.
func lastChance(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() == nil {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(context.WithoutCancel(ctx), lastAttempt)
}

// RotateKey replaces the slots that the credential of [Open] opens by one new slot for another
// credential, which then is the handle's. The zero credential stands for the same one, with a
// new salt and the costs of today. With an empty label the old label stays. The secret of the
// repository does not change: see [Repo.RemoveKey].
//
// The new slot is read back and opened before an old one is deleted. After an error
// there may be both.
func (r *Repo) RotateKey(ctx context.Context, c crypt.Credential, label string) (added string, removed []Key, err error) {
	was := r.credential()
	secret, old, err := r.opened(ctx, was)
	if err != nil {
		return "", nil, err
	}
	if label == "" {
		label = old[0].Label
	}
	if c.KDF() == "" {
		c = was
	}
	if added, err = putSlot(ctx, r.opts, secret, r.id, c, label); err != nil {
		return "", nil, err
	}
	if err := r.tryKey(ctx, added, c, secret); err != nil {
		return "", nil, fmt.Errorf("try new key %s: %w", added, err)
	}
	r.setCredential(c)
	if err := r.removeSlots(ctx, old, []Key{{ID: added}}, secret, c); err != nil {
		return added, nil, fmt.Errorf("key %s is there, but the old one could not be removed: %w", added, err)
	}
	return added, old, nil
}

// opened returns the slots of the store that a credential opens, at least one, and the secret in
// them. If it opens none, the damage of others is the error, as one of these may be its own.
func (r *Repo) opened(ctx context.Context, c crypt.Credential) (secret crypt.Secret, opened []Key, err error) {
	keys, err := r.Keys(ctx)
	if err != nil {
		return secret, nil, err
	}
	if len(keys) >= maxSlots {
		return secret, nil, tooManySlots(len(keys) + 1)
	}
	var damage error
	spending := newBudget()
	for _, k := range keys {
		s, err := r.openStored(ctx, k, spending, c)
		switch {
		case err == nil:
			secret, opened = s, append(opened, k)
		case isDamage(err) || errors.Is(err, ErrVersion):
			damage = errors.Join(damage, err)
		case !errors.Is(err, crypt.ErrWrongKey) && !errors.Is(err, fs.ErrNotExist):
			return secret, nil, err
		}
	}
	if len(opened) == 0 {
		return secret, nil, cmp.Or(damage, crypt.ErrWrongKey) // another one has removed it
	}
	return secret, opened, nil
}

// openStored tries a credential on a slot as the store has it.
func (r *Repo) openStored(ctx context.Context, k Key, spending *budget, c crypt.Credential) (crypt.Secret, error) {
	slot, err := r.storedSlot(ctx, keyPrefix+k.ID)
	if slot == nil {
		return crypt.Secret{}, err
	}
	secret, openErr := trySlot(slot, keyPrefix+k.ID, r.id, spending, c)
	if openErr != nil && err != nil { // the copy of it may open
		return secret, err
	}
	return secret, openErr
}

// tryKey opens a slot as the store has it.
func (r *Repo) tryKey(ctx context.Context, id string, c crypt.Credential, want crypt.Secret) error {
	b, err := whole(ctx, r.store, keyPrefix+id)
	if err != nil {
		return err
	}
	slot, err := crypt.ParseSlot(b)
	if err != nil {
		return damaged("key", keyPrefix+id, err)
	}
	secret, err := slot.Open(r.id, c)
	if errors.Is(err, crypt.ErrWrongKey) || err == nil && !secret.Equal(want) { // the credential was its own
		err = errReplaced
	}
	if err != nil {
		return damaged("key", keyPrefix+id, err)
	}
	return nil
}
