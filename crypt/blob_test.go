package crypt_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"firn/crypt"
)

// testSecret and testRepo are fixed, because golden bytes depend on them.
func testSecret() crypt.Secret          { return crypt.SecretOf(sequence(0, 32)) }
func testRepo() (id crypt.RepositoryID) { copy(id[:], sequence(0x20, len(id))); return id }

func testKeys() *crypt.Keys { return crypt.Derive(testSecret(), testRepo()) }

// sequence returns the n bytes first, first+1, ...
func sequence(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

// eachAlteration calls refused with every copy of b that has one bit flipped, is
// cut short, or is longer by a byte.
func eachAlteration(b []byte, refused func(altered []byte)) {
	for i := range len(b) * 8 {
		altered := bytes.Clone(b)
		altered[i/8] ^= 1 << (i % 8)
		refused(altered)
	}
	for n := range b {
		refused(b[:n:n])
	}
	refused(append(bytes.Clone(b), 0))
	refused(append([]byte{0}, b...))
}

func TestBlob(t *testing.T) {
	t.Parallel()
	k := testKeys()
	for _, n := range []int{0, 1, 63, 64, 65, 4096, 1 << 20} {
		for _, kind := range []crypt.BlobKind{crypt.Data, crypt.Node} {
			payload := sequence(byte(kind), n)
			id := k.BlobID(kind, payload)
			sealed := k.SealBlob([]byte("before"), kind, id, payload)
			if got, want := len(sealed), len("before")+n+crypt.Overhead; got != want {
				t.Fatalf("sealed length: got %d, want %d", got, want)
			}
			got, err := k.OpenBlob([]byte("dst"), kind, id, sealed[len("before"):])
			if err != nil || !bytes.Equal(got, append([]byte("dst"), payload...)) {
				t.Fatalf("OpenBlob of %d bytes: got %d bytes, %v", n, len(got), err)
			}
		}
	}
}

func TestBlobAltered(t *testing.T) {
	t.Parallel()
	k := testKeys()
	id := k.BlobID(crypt.Data, []byte("payload"))
	sealed := k.SealBlob(nil, crypt.Data, id, []byte("payload"))
	eachAlteration(sealed, func(altered []byte) {
		got, err := k.OpenBlob(nil, crypt.Data, id, altered)
		if !errors.Is(err, crypt.ErrAuth) || got != nil {
			t.Errorf("OpenBlob(%x): got %q, %v, want ErrAuth", altered, got, err)
		}
	})
}

func TestBlobSwapped(t *testing.T) {
	t.Parallel()
	k := testKeys()
	id, other := k.BlobID(crypt.Node, []byte("payload")), k.BlobID(crypt.Node, []byte("other"))
	sealed := k.SealBlob(nil, crypt.Node, id, []byte("payload"))
	tests := []struct {
		name string
		keys *crypt.Keys
		kind crypt.BlobKind
		id   [32]byte
	}{
		{"OtherID", k, crypt.Node, other},
		{"OtherKind", k, crypt.Data, id},
		{"UnknownKind", k, 3, id}, // the key is the same, so this tests the kind itself
		{"OtherRepository", crypt.Derive(testSecret(), crypt.RepositoryID{1}), crypt.Node, id},
		{"OtherSecret", crypt.Derive(crypt.SecretOf([]byte{1}), testRepo()), crypt.Node, id},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := test.keys.OpenBlob(nil, test.kind, test.id, sealed); !errors.Is(err, crypt.ErrAuth) {
				t.Errorf("got %v, want ErrAuth", err)
			}
		})
	}
}

func TestBlobID(t *testing.T) {
	t.Parallel()
	k := testKeys()
	id := k.BlobID(crypt.Data, []byte("payload"))
	if k.BlobID(crypt.Data, []byte("payload")) != id {
		t.Error("the ID changed from call to call")
	}
	if crypt.Derive(testSecret(), testRepo()).BlobID(crypt.Data, []byte("payload")) != id {
		t.Error("the ID changed from derivation to derivation")
	}
	if k.BlobID(crypt.Node, []byte("payload")) == id {
		t.Error("the ID does not depend on the kind")
	}
	if crypt.Derive(testSecret(), crypt.RepositoryID{1}).BlobID(crypt.Data, []byte("payload")) == id {
		t.Error("the ID does not depend on the repository")
	}
}

func TestNoncesDiffer(t *testing.T) {
	t.Parallel()
	k := testKeys()
	a := k.SealBlob(nil, crypt.Data, [32]byte{}, []byte("payload"))
	b := k.SealBlob(nil, crypt.Data, [32]byte{}, []byte("payload"))
	if bytes.Equal(a[:24], b[:24]) {
		t.Errorf("both nonces are %x", a[:24])
	}
}

// TestConcurrent finds faults by wrong results, and under the race detector.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	k := testKeys()
	var wg sync.WaitGroup
	for g := range 8 {
		payload := sequence(byte(g), 1000+g)
		want := testKeys().BlobID(crypt.Data, payload)
		wg.Go(func() {
			for range 100 {
				id := k.BlobID(crypt.Data, payload)
				got, err := k.OpenBlob(nil, crypt.Data, want, k.SealBlob(nil, crypt.Data, id, payload))
				if err != nil || !bytes.Equal(got, payload) {
					t.Errorf("goroutine %d: got %d bytes, %v", g, len(got), err)
				}
				k.ConfigMAC(payload)
				k.ChunkerSeed().Read(make([]byte, 8))
			}
		})
	}
	wg.Wait()
}

func benchmark(b *testing.B, f func(k *crypt.Keys, payload []byte)) {
	k, payload := testKeys(), sequence(0, 128<<10)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		f(k, payload)
	}
}

func BenchmarkBlobID(b *testing.B) {
	benchmark(b, func(k *crypt.Keys, payload []byte) { k.BlobID(crypt.Data, payload) })
}

func BenchmarkSealBlob(b *testing.B) {
	dst := make([]byte, 0, 129<<10)
	benchmark(b, func(k *crypt.Keys, payload []byte) { k.SealBlob(dst, crypt.Data, [32]byte{}, payload) })
}

func BenchmarkOpenBlob(b *testing.B) {
	sealed := testKeys().SealBlob(nil, crypt.Data, [32]byte{}, sequence(0, 128<<10))
	dst := make([]byte, 0, 128<<10)
	benchmark(b, func(k *crypt.Keys, _ []byte) { k.OpenBlob(dst, crypt.Data, [32]byte{}, sealed) })
}
