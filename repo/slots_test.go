package repo_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"testing"

	"firn/crypt"
	"firn/repo"
	"firn/store"
	"firn/store/mem"
)

// plantSlots adds well-formed slots that open nothing, before all others in a listing.
func plantSlots(t *testing.T, st store.Store, n int, kdf string) {
	t.Helper()
	random := func(n int) string {
		b := make([]byte, n)
		rand.Read(b)
		return base64.StdEncoding.EncodeToString(b)
	}
	for i := range n {
		slot := fmt.Sprintf(`{"v":1,"kdf":%s,"salt":"%s","commit":"%s","nonce":"%s","label":"x","created":"2026-01-02T15:04:05Z","ct":"%s"}`+"\n",
			kdf, random(32), random(32), random(24), random(48))
		name := fmt.Sprintf("meta/key-%016x", i)
		if err := st.Put(t.Context(), name, []byte(slot)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { // else the check at the test's end tells of it
			if err := st.Delete(context.Background(), name); err != nil {
				t.Error(err)
			}
		})
	}
}

// Slots that cost as much as a slot may, and as little, and nothing.
const (
	dearSlot  = `"argon2id","t":4,"m_kib":262144,"p":4`
	cheapSlot = `"argon2id","t":1,"m_kib":19456,"p":1`
	fileSlot  = `"hkdf"`
)

// initWithPassword makes a repository that a password and the usual key file open.
func initWithPassword(t *testing.T) (*mem.Store, repo.Options) {
	t.Helper()
	st := mem.New()
	opts := options(st)
	newRepo(t, st)
	if _, err := open(t, st).AddKey(t.Context(), crypt.Password("correct horse battery"), "people"); err != nil {
		t.Fatal(err)
	}
	opts.Credential = crypt.Password("correct horse battery")
	return st, opts
}

// TestPlantedSlots has an attacker's slots before the true ones: more work than is spent on
// trying, were they tried in the order of the listing.
func TestPlantedSlots(t *testing.T) {
	t.Parallel()
	for name, kdf := range map[string]string{"Dear": dearSlot, "KeyFile": fileSlot} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, opts := initWithPassword(t)
			plantSlots(t, st, 62, kdf) // with the two true ones, all that there may be
			openAs(t, opts)
			opts.Credential = options(st).Credential
			openAs(t, opts)
		})
	}
}

// TestTooManySlots plants more slots than a repository has. A host that has opened the
// repository before goes on; another one is told, whatever its credential is.
func TestTooManySlots(t *testing.T) {
	t.Parallel()
	st, opts := initWithPassword(t)
	known := opts
	known.CacheDir = t.TempDir()
	openAs(t, known).Close()
	plantSlots(t, st, 63, cheapSlot)
	openAs(t, known).Close()
	for _, c := range []crypt.Credential{opts.Credential, options(st).Credential, crypt.Password("another horse battery")} {
		opts.Credential = c
		if _, err := repo.Open(t.Context(), opts); !errors.Is(err, repo.ErrTooMany) {
			t.Errorf("%v: got %v, want ErrTooMany", c, err)
		}
	}
	r := openAs(t, known)
	keys, err := r.Keys(t.Context())
	if err != nil || len(keys) != 65 {
		t.Errorf("got %d keys, %v, want all to be listed, so that they can be removed", len(keys), err)
	}
	if _, err := r.AddKey(t.Context(), crypt.KeyFileOf([]byte{7}).Credential(), "one more"); !errors.Is(err, repo.ErrTooMany) {
		t.Errorf("AddKey: got %v, want ErrTooMany", err)
	}
	if _, _, err := r.RotateKey(t.Context(), crypt.KeyFileOf([]byte{7}).Credential(), "one more"); !errors.Is(err, repo.ErrTooMany) {
		t.Errorf("RotateKey: got %v, want ErrTooMany", err)
	}
	found, err := r.Check(t.Context(), repo.CheckOptions{})
	if err != nil || len(found.Findings) != 1 || !errors.Is(found.Findings[0].Err, repo.ErrTooMany) {
		t.Errorf("check: got %+v, %v, want one finding", found, err)
	}
}

// TestRememberedSlotIsAHint opens with a memory of a slot that is another one's, and of
// one that is gone.
func TestRememberedSlotIsAHint(t *testing.T) {
	t.Parallel()
	st, opts := initWithPassword(t)
	opts.CacheDir = t.TempDir()
	openAs(t, opts).Close() // the password's slot is remembered
	file := opts
	file.Credential = options(st).Credential
	r := openAs(t, file)
	keys, err := r.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if k.KDF == crypt.KDFPassword {
			if _, err := r.RemoveKey(t.Context(), k.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.Close()
	if _, err := repo.Open(t.Context(), opts); !errors.Is(err, crypt.ErrWrongKey) {
		t.Errorf("got %v, want ErrWrongKey: the slot is gone", err)
	}
	openAs(t, file)
}
