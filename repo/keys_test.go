package repo_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/crypt"
	"firn/repo"
	"firn/store"
	"firn/store/storetest"
)

var secondKey = crypt.KeyFileOf([]byte{9}).Credential()

func openBy(t testing.TB, st store.Store, c crypt.Credential) (*repo.Repo, error) {
	t.Helper()
	opts := options(st)
	opts.Credential = c
	return repo.Open(context.Background(), opts)
}

// keyNames returns the IDs of the keys by their labels.
func keyNames(t testing.TB, r *repo.Repo) map[string]string {
	t.Helper()
	keys, err := r.Keys(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]string)
	for _, k := range keys {
		names[k.Label] = k.ID
	}
	return names
}

// TestRemoveKeysAtOnce has two runs remove each other's key, each having seen the other
// one. One of them must fail, whichever comes first with what.
func TestRemoveKeysAtOnce(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"get", "delete", "list"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			twoKeys(t, w)
			names := keyNames(t, open(t, w.st))
			var other error
			opened, begun, done := false, false, false
			hooked := storetest.NewHooked(w.st, func(op, name string) {
				begun = begun || opened && op == "get" && strings.HasSuffix(name, names["second"]) // the lookups before it are over
				if done || !begun || op != when || !strings.HasPrefix(name, "meta/key-") {
					return
				}
				done = true
				r, err := openBy(t, w.st, secondKey)
				if err == nil {
					_, err = r.RemoveKey(t.Context(), names[""])
				}
				other = err
			})
			r, err := openBy(t, hooked, testKey)
			if err != nil {
				t.Fatal(err)
			}
			opened = true
			_, err = r.RemoveKey(t.Context(), names["second"])
			if !done {
				t.Fatal("the other run did not come in between")
			}
			if err == nil && other == nil {
				t.Error("both keys were removed")
			}
			if got := len(objectsOf(t, w.st, "meta/key-")); got == 0 {
				t.Fatal("no key is left")
			}
			_, first := openBy(t, w.st, testKey)
			_, second := openBy(t, w.st, secondKey)
			if first != nil && second != nil {
				t.Errorf("nobody can open the repository: %v, %v", first, second)
			}
		})
	}
}

// TestRemoveKeyCache looks for a removed slot in the cache, which passwords could be
// tried on.
func TestRemoveKeyCache(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoKeys(t, w)
	id := keyNames(t, open(t, w.st))["second"]
	opts := options(w.st)
	opts.CacheDir = t.TempDir()
	for _, there := range []bool{true, false} {
		r, err := repo.Open(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		keyNames(t, r)
		if !there {
			if _, err := r.RemoveKey(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		r.Close()
		b, err := os.ReadFile(filepath.Join(opts.CacheDir, "objects"))
		if err != nil || strings.Contains(string(b), id) != there {
			t.Errorf("slot in the cache: want %t, %v", there, err)
		}
	}
}

// TestRotateKey replaces a key by another one, a password, and by itself.
func TestRotateKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		to    crypt.Credential
		label string
	}{
		{"Same", crypt.Credential{}, ""},
		{"KeyFile", crypt.KeyFileOf([]byte{10}).Credential(), "third"},
		{"Password", crypt.Password("a longer secret"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			twoKeys(t, w)
			before := keyNames(t, open(t, w.st))
			r, err := openBy(t, w.st, secondKey)
			if err != nil {
				t.Fatal(err)
			}
			added, removed, err := r.RotateKey(t.Context(), tt.to, tt.label)
			if err != nil || len(removed) != 1 || removed[0].ID != before["second"] {
				t.Fatalf("got %v, %v, want %s removed", removed, err, before["second"])
			}
			label := tt.label
			if label == "" {
				label = "second"
			}
			after := keyNames(t, open(t, w.st))
			if len(after) != 2 || after[label] != added || after[""] != before[""] {
				t.Errorf("got %v, want %s in place of the one of %v", after, added, before)
			}
			same := tt.to.KDF() == ""
			if _, err := openBy(t, w.st, tt.to); (err != nil) != same {
				t.Errorf("the new key: %v", err)
			}
			if _, err := openBy(t, w.st, secondKey); (err == nil) != same {
				t.Errorf("the old key: %v", err)
			}
		})
	}
}

// TestRotateKeyRemoved rotates a key that another run has removed meanwhile.
func TestRotateKeyRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoKeys(t, w)
	r, err := openBy(t, w.st, secondKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, w.st).RemoveKey(t.Context(), keyNames(t, r)["second"]); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.RotateKey(t.Context(), secondKey, ""); !errors.Is(err, crypt.ErrWrongKey) {
		t.Errorf("got %v, want the wrong key", err)
	}
}
