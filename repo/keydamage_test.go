package repo_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"firn/crypt"
	"firn/repo"
	"firn/store/storetest"
)

// isCorrupt reports whether err tells of damage.
func isCorrupt(err error) bool {
	_, ok := errors.AsType[*repo.CorruptError](err)
	return ok
}

// damagedSlots returns the kinds of damage to a slot in a store, by name.
func damagedSlots(t testing.TB, slot []byte) map[string][]byte {
	t.Helper()
	foreign := newWorld(t) // that the same key opens
	flipped := bytes.Clone(slot)
	at := bytes.Index(flipped, []byte(`"salt":"`)) + len(`"salt":"`)
	if flipped[at] ^= 1; !bytes.ContainsRune([]byte("+/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"), rune(flipped[at])) {
		flipped[at] ^= 3
	}
	return map[string][]byte{
		"Empty":   {},
		"Junk":    []byte("junk\n"),
		"Bit":     flipped,
		"Foreign": read(t, foreign.st, objectsOf(t, foreign.st, "meta/key-")[0].Name),
	}
}

// TestKeysDamagedInStore manages keys when the slot in use is damaged in the store, and only
// this host's cache opens the repository. No other key is removed or rotated away, another one
// can be added, and a repair puts the slot back.
func TestKeysDamagedInStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoKeys(t, w)
	names := keyNames(t, open(t, w.st))
	inUse := "meta/key-" + names[""]
	for name, slot := range damagedSlots(t, read(t, w.st, inUse)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := cloneStore(t, w.st)
			opts := options(st)
			opts.CacheDir = t.TempDir()
			r, err := repo.Open(t.Context(), opts)
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
			replace(t, st, inUse, slot)
			if r, err = repo.Open(t.Context(), opts); err != nil {
				t.Fatalf("the cache has the slot: %v", err)
			}
			keys, err := r.Keys(t.Context())
			if err != nil || !slices.ContainsFunc(keys, func(k repo.Key) bool { return k.ID == names[""] && k.Err != nil }) {
				t.Errorf("the list of keys hides the damage: %v, %v", keys, err)
			}
			for _, id := range []string{names["second"], names[""]} {
				if _, err := r.RemoveKey(t.Context(), id); !isCorrupt(err) {
					t.Errorf("remove %s: got %v, want damage", id, err)
				}
			}
			if _, _, err := r.RotateKey(t.Context(), crypt.KeyFileOf([]byte{10}).Credential(), ""); !isCorrupt(err) {
				t.Errorf("rotate: got %v, want damage", err)
			}
			if ok, err := r.Opens(t.Context(), testKey); ok {
				t.Errorf("got %t, %v: the store has nothing that the key opens", ok, err)
			}
			if _, err := openBy(t, st, secondKey); err != nil {
				t.Fatalf("the other key: %v", err)
			}
			r.Close()
			if err := diagnoseAndRepair(t.Context(), opts, false); err != nil {
				t.Fatal(err)
			}
			if r, err = repo.Open(t.Context(), opts); err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if _, err := r.RemoveKey(t.Context(), names["second"]); err != nil {
				t.Errorf("remove after the repair: %v", err)
			}
			if _, err := openBy(t, st, testKey); err != nil {
				t.Errorf("without a cache: %v", err)
			}
		})
	}
}

// TestRemoveKeyDamagedMeanwhile damages the slot that stays while the other one is deleted: it
// is put back.
func TestRemoveKeyDamagedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoKeys(t, w)
	names := keyNames(t, open(t, w.st))
	inUse := "meta/key-" + names[""]
	for name, slot := range damagedSlots(t, read(t, w.st, inUse)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := cloneStore(t, w.st)
			hooked := storetest.NewHooked(st, func(op, _ string) {
				if op == "delete" {
					replace(t, st, inUse, slot)
				}
			})
			r, err := openBy(t, hooked, testKey)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.RemoveKey(t.Context(), names["second"]); !isCorrupt(err) {
				t.Errorf("got %v, want damage", err)
			}
			if _, err := openBy(t, st, secondKey); err != nil {
				t.Errorf("no key opens the repository: %v", err)
			}
		})
	}
}
