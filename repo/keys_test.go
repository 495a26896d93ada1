package repo_test

import (
	"context"
	"encoding/base64"
	"errors"
	"iter"
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
// one: the second comes in before each request of the first. One of them must fail.
func TestRemoveKeysAtOnce(t *testing.T) {
	t.Parallel()
	made := newWorld(t)
	twoKeys(t, made)
	names := keyNames(t, open(t, made.st))
	done := true
	for i := 0; done; i++ {
		st := cloneStore(t, made.st)
		var other error
		opened, n := false, 0
		done = false
		hooked := storetest.NewHooked(st, func(string, string) {
			if !opened || done {
				return
			}
			if n++; n <= i {
				return
			}
			done = true
			r, err := openBy(t, st, secondKey)
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
		if done && err == nil && other == nil {
			t.Errorf("request %d: both keys were removed", i)
		}
		_, first := openBy(t, st, testKey)
		_, second := openBy(t, st, secondKey)
		if first != nil && second != nil {
			t.Errorf("request %d: no key opens the repository: %v, %v", i, first, second)
		}
		if !done && i < 6 {
			t.Errorf("the other run came in before %d requests only", i)
		}
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

// plant puts a slot into the store that is well-formed, and opens with nothing.
func plant(t testing.TB, st store.Store, kdf string) {
	t.Helper()
	line := `{"v":1,"kdf":"` + kdf + `",`
	if kdf == crypt.KDFPassword {
		line += `"t":1,"m_kib":19456,"p":1,`
	}
	text := func(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }
	line += `"salt":"` + text(32) + `","commit":"` + text(32) + `","nonce":"` + text(24) +
		`","label":"recovery key","created":"2026-01-02T15:04:05Z","ct":"` + text(48) + `"}` + "\n"
	if err := st.Put(t.Context(), "meta/key-00000000000000aa", []byte(line)); err != nil {
		t.Fatal(err)
	}
}

// TestRemoveKeyBesidePlanted removes keys where the store has made one up. The key that is known to open the repository
// stays, of whichever kind the other one is.
func TestRemoveKeyBesidePlanted(t *testing.T) {
	t.Parallel()
	for _, kdf := range []string{crypt.KDFKeyFile, crypt.KDFPassword} {
		t.Run(kdf, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			twoKeys(t, w)
			plant(t, w.st, kdf)
			r := open(t, w.st)
			names := keyNames(t, r)
			if _, err := r.RemoveKey(t.Context(), names[""]); !errors.Is(err, repo.ErrUnproven) {
				t.Fatalf("the key in use: got %v, want %v", err, repo.ErrUnproven)
			}
			if _, err := r.RemoveKey(t.Context(), names["second"]); err != nil {
				t.Fatal(err)
			}
			if _, err := r.RemoveKey(t.Context(), names[""]); !errors.Is(err, repo.ErrUnproven) {
				t.Fatalf("the last key: got %v, want %v", err, repo.ErrUnproven)
			}
			if _, err := r.RemoveKey(t.Context(), names["recovery key"]); err != nil {
				t.Fatal(err)
			}
			w.verify(t)
		})
	}
}

// TestRemoveKeysAtOnceBesidePlanted has two runs remove each other's key. A slot that opens nothing does not count as one
// that stays.
func TestRemoveKeysAtOnceBesidePlanted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoKeys(t, w)
	plant(t, w.st, crypt.KDFKeyFile)
	names := keyNames(t, open(t, w.st))
	done := false
	hooked := storetest.NewHooked(w.st, func(op, name string) {
		if done || op != "delete" {
			return
		}
		done = true
		r, err := openBy(t, w.st, secondKey)
		if err == nil {
			_, err = r.RemoveKey(t.Context(), names[""])
		}
		if err != nil {
			t.Error(err)
		}
	})
	r, err := openBy(t, hooked, testKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.RemoveKey(t.Context(), names["second"]); !errors.Is(err, repo.ErrLastKey) {
		t.Errorf("got %v, want %v", err, repo.ErrLastKey)
	}
	if _, err := openBy(t, w.st, secondKey); err != nil {
		t.Errorf("no key opens the repository: %v", err)
	}
}

// TestOpenWhileRotated has keys replaced between the listing that a run opens by and its
// reading of the slots: once, by another one that opens with the same, and all the time. In the
// midst of a listing, it shows neither.
func TestOpenWhileRotated(t *testing.T) {
	t.Parallel()
	for name, often := range map[string]int{"Once": 1, "Thrice": 3, "Always": 1 << 30} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			left := often
			hooked := storetest.NewHooked(w.st, func(op, name string) {
				if op != "get" || !strings.HasPrefix(name, "meta/key-") || left == 0 {
					return
				}
				left--
				if _, _, err := open(t, w.st).RotateKey(t.Context(), crypt.Credential{}, ""); err != nil {
					t.Error(err)
				}
			})
			_, err := openBy(t, hooked, testKey)
			if want := often > 3; errors.Is(err, repo.ErrUnsettled) != want || (err != nil) != want {
				t.Errorf("got %v", err)
			}
			if _, err := openBy(t, w.st, secondKey); !errors.Is(err, crypt.ErrWrongKey) {
				t.Errorf("another key: got %v", err)
			}
		})
	}
}

// midway is a store whose first listing is under way while act comes in between: it shows no change by act.
type midway struct {
	store.Store
	act func()
}

func (s *midway) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		var objects []store.Object
		for o, err := range s.Store.List(ctx, prefix) {
			if err != nil {
				yield(o, err)
				return
			}
			objects = append(objects, o)
		}
		if s.act != nil {
			s.act()
			s.act = nil
		}
		for _, o := range objects {
			if _, err := s.Get(ctx, o.Name, 0, -1); err == nil && !yield(o, nil) {
				return
			}
		}
	}
}

// TestOpenRotatedMidway has the key replaced in the midst of the listing, which then shows
// neither the old slot nor the new one.
func TestOpenRotatedMidway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	st := &midway{w.st, func() {
		if _, _, err := open(t, w.st).RotateKey(t.Context(), crypt.Credential{}, ""); err != nil {
			t.Error(err)
		}
	}}
	if _, err := openBy(t, st, testKey); err != nil {
		t.Error(err)
	}
	if _, err := openBy(t, w.st, secondKey); !errors.Is(err, crypt.ErrWrongKey) {
		t.Errorf("another key: got %v", err)
	}
}

// TestOpens tries keys on an open repository.
func TestOpens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoKeys(t, w)
	r := open(t, w.st)
	opens := func(c crypt.Credential, want bool) {
		t.Helper()
		if got, err := r.Opens(t.Context(), c); err != nil || got != want {
			t.Errorf("got %t, %v, want %t", got, err, want)
		}
	}
	opens(testKey, true)
	opens(secondKey, true)
	opens(crypt.KeyFileOf([]byte{8}).Credential(), false)
	if _, err := r.RemoveKey(t.Context(), keyNames(t, r)["second"]); err != nil {
		t.Fatal(err)
	}
	opens(secondKey, false)
	if _, _, err := r.RotateKey(t.Context(), crypt.Password("a longer secret"), ""); err != nil {
		t.Fatal(err)
	}
	opens(testKey, false)
}
