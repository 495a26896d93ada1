package crypt_test

import (
	"bytes"
	"errors"
	"testing"

	"firn/crypt"
)

func TestObject(t *testing.T) {
	t.Parallel()
	k := testKeys()
	for _, kind := range []crypt.ObjectKind{crypt.ObjectPlan, crypt.ObjectPartial, crypt.ObjectSnapshot, crypt.ObjectNote, crypt.ObjectTombstone, crypt.ObjectAlive} {
		for _, n := range []int{0, 1, 1024} {
			plaintext := sequence(0, n)
			object := k.SealObject(kind, objectName, plaintext)
			if got, want := len(object), n+crypt.HeaderLen+crypt.Overhead; got != want {
				t.Errorf("object length: got %d, want %d", got, want)
			}
			if got, err := crypt.ParseHeader(object); got != kind || err != nil {
				t.Errorf("ParseHeader: got %d, %v, want %d", got, err, kind)
			}
			got, err := k.OpenObject(kind, objectName, object)
			if err != nil || !bytes.Equal(got, plaintext) {
				t.Errorf("OpenObject: got %x, %v, want %x", got, err, plaintext)
			}
		}
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	with := func(offset int, value byte) []byte {
		h := crypt.Header(crypt.ObjectPack)
		h[offset] = value
		return h[:]
	}
	tests := []struct {
		name   string
		header []byte
		want   error
	}{
		{"OK", with(0, 'f'), nil},
		{"Empty", nil, crypt.ErrHeader},
		{"Short", with(0, 'f')[:crypt.HeaderLen-1], crypt.ErrHeader},
		{"Magic", with(3, 'm'), crypt.ErrHeader},
		{"MagicAndLaterVersion", append([]byte("age!"), with(5, 2)[4:]...), crypt.ErrHeader},
		{"NoKind", with(4, 0), crypt.ErrHeader},
		{"UnknownKind", with(4, 9), crypt.ErrHeader},
		{"NoVersion", with(5, 0), crypt.ErrHeader},
		{"LaterVersion", with(5, 2), crypt.ErrVersion},
		{"LastVersion", with(5, 255), crypt.ErrVersion},
		{"Reserved", with(7, 1), crypt.ErrVersion},
		{"Epoch", with(8, 1), crypt.ErrVersion},
		{"Flag", with(12, 1), crypt.ErrVersion},
		{"LastFlag", with(15, 0x80), crypt.ErrVersion},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := crypt.ParseHeader(test.header); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestObjectAltered(t *testing.T) {
	t.Parallel()
	k := testKeys()
	object := k.SealObject(crypt.ObjectPlan, objectName, []byte("plaintext"))
	eachAlteration(object, func(altered []byte) {
		got, err := k.OpenObject(crypt.ObjectPlan, objectName, altered)
		inHeader := len(altered) < crypt.HeaderLen || !bytes.Equal(altered[:crypt.HeaderLen], object[:crypt.HeaderLen])
		if got != nil || err == nil || inHeader == errors.Is(err, crypt.ErrAuth) {
			t.Errorf("OpenObject(%x): got %q, %v", altered, got, err)
		}
	})
}

func TestObjectSwapped(t *testing.T) {
	t.Parallel()
	k := testKeys()
	object := k.SealObject(crypt.ObjectSnapshot, objectName, []byte("plaintext"))
	relabelled := bytes.Clone(object)
	relabelled[4] = byte(crypt.ObjectPartial)
	tests := []struct {
		name       string
		keys       *crypt.Keys
		kind       crypt.ObjectKind
		objectName string
		object     []byte
		want       error
	}{
		{"OtherName", k, crypt.ObjectSnapshot, objectName[1:], object, crypt.ErrAuth},
		{"NoName", k, crypt.ObjectSnapshot, "", object, crypt.ErrAuth},
		{"OtherKind", k, crypt.ObjectPartial, objectName, object, crypt.ErrHeader},
		{"OtherKindInHeader", k, crypt.ObjectPartial, objectName, relabelled, crypt.ErrAuth},
		{"OtherRepository", crypt.Derive(testSecret(), crypt.RepositoryID{1}), crypt.ObjectSnapshot, objectName, object, crypt.ErrAuth},
		{"OtherSecret", crypt.Derive(crypt.SecretOf([]byte{1}), testRepo()), crypt.ObjectSnapshot, objectName, object, crypt.ErrAuth},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := test.keys.OpenObject(test.kind, test.objectName, test.object); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// TestPackIsNoObject checks that a pack or a round is never opened as an object. Otherwise
// it could have a name under which an object is also a footer.
func TestPackIsNoObject(t *testing.T) {
	t.Parallel()
	k := testKeys()
	for _, kind := range []crypt.ObjectKind{crypt.ObjectPack, crypt.ObjectRound} {
		header := crypt.Header(kind)
		object := append(header[:], k.SealFooter(kind, packName, []byte("entries"))...)
		if _, err := k.OpenObject(kind, packName+"footer", object); !errors.Is(err, crypt.ErrHeader) {
			t.Errorf("OpenObject of kind %d: got %v, want ErrHeader", kind, err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("SealObject sealed kind %d as a whole", kind)
				}
			}()
			k.SealObject(kind, packName, nil)
		}()
	}
}

func TestFooter(t *testing.T) {
	t.Parallel()
	k := testKeys()
	footer := k.SealFooter(crypt.ObjectPack, packName, []byte("entries"))
	if got, err := k.OpenFooter(crypt.ObjectPack, packName, footer); err != nil || string(got) != "entries" {
		t.Errorf("OpenFooter: got %q, %v", got, err)
	}
	refused := func(k *crypt.Keys, name string, sealed []byte) {
		t.Helper()
		if got, err := k.OpenFooter(crypt.ObjectPack, name, sealed); got != nil || !errors.Is(err, crypt.ErrAuth) {
			t.Errorf("OpenFooter(%q, %x): got %q, %v, want ErrAuth", name, sealed, got, err)
		}
	}
	eachAlteration(footer, func(altered []byte) { refused(k, packName, altered) })
	refused(k, packName+"0", footer)
	refused(crypt.Derive(testSecret(), crypt.RepositoryID{1}), packName, footer)
	refused(k, packName, k.SealTrailer(crypt.ObjectPack, packName, 7))
	refused(k, packName, k.SealFooter(crypt.ObjectRound, packName, []byte("entries")))
	refused(k, packName, k.SealObject(crypt.ObjectPlan, packName, nil)[crypt.HeaderLen:])
}

func TestTrailer(t *testing.T) {
	t.Parallel()
	k := testKeys()
	for _, n := range []uint64{0, 1, 1<<64 - 1} {
		trailer := k.SealTrailer(crypt.ObjectPack, packName, n)
		if got, err := k.OpenTrailer(crypt.ObjectPack, packName, trailer); err != nil || got != n {
			t.Errorf("OpenTrailer: got %d, %v, want %d", got, err, n)
		}
		if len(trailer) != crypt.TrailerLen || crypt.TrailerLen != 48 {
			t.Errorf("trailer length: got %d, want 48", len(trailer))
		}
	}
	refused := func(k *crypt.Keys, name string, sealed []byte) {
		t.Helper()
		if _, err := k.OpenTrailer(crypt.ObjectPack, name, sealed); !errors.Is(err, crypt.ErrAuth) {
			t.Errorf("OpenTrailer(%q, %x): got %v, want ErrAuth", name, sealed, err)
		}
	}
	trailer := k.SealTrailer(crypt.ObjectPack, packName, 1234)
	eachAlteration(trailer, func(altered []byte) { refused(k, packName, altered) })
	refused(k, packName+"0", trailer)
	refused(crypt.Derive(testSecret(), crypt.RepositoryID{1}), packName, trailer)
	refused(k, packName, k.SealFooter(crypt.ObjectPack, packName, make([]byte, 8)))
	refused(k, packName, k.SealTrailer(crypt.ObjectRound, packName, 1234))
}

func TestConfigMAC(t *testing.T) {
	t.Parallel()
	k := testKeys()
	config := []byte(`{"version":1}`)
	mac := k.ConfigMAC(config)
	if err := k.CheckConfigMAC(config, mac[:]); err != nil {
		t.Errorf("CheckConfigMAC: %v", err)
	}
	refused := func(k *crypt.Keys, config, mac []byte) {
		t.Helper()
		if err := k.CheckConfigMAC(config, mac); !errors.Is(err, crypt.ErrAuth) {
			t.Errorf("CheckConfigMAC(%q, %x): got %v, want ErrAuth", config, mac, err)
		}
	}
	eachAlteration(mac[:], func(altered []byte) { refused(k, config, altered) })
	eachAlteration(config, func(altered []byte) { refused(k, altered, mac[:]) })
	refused(crypt.Derive(testSecret(), crypt.RepositoryID{1}), config, mac[:])
	id := k.BlobID(crypt.BlobKind(config[0]), config[1:]) // the same message under the ID key
	refused(k, config, id[:])
}

// FuzzOpenObject looks for panics, and for objects that open although they
// differ from the sealed one. An accepted header must have only one spelling.
func FuzzOpenObject(f *testing.F) {
	k := goldenKeys()
	object := k.SealObject(crypt.ObjectSnapshot, objectName, []byte("plaintext"))
	f.Add(object)
	f.Add(object[:crypt.HeaderLen])
	f.Fuzz(func(t *testing.T, b []byte) {
		if kind, err := crypt.ParseHeader(b); err == nil {
			if want := crypt.Header(kind); !bytes.HasPrefix(b, want[:]) {
				t.Errorf("ParseHeader accepted %x", b)
			}
		}
		if _, err := k.OpenObject(crypt.ObjectSnapshot, objectName, b); (err == nil) != bytes.Equal(b, object) {
			t.Errorf("OpenObject(%x): %v", b, err)
		}
	})
}
