package crypt_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"firn/crypt"
)

var update = flag.Bool("update", false, "write testdata/golden.txt anew: a change of it is a change of the format")

const (
	objectName = "meta/snap-0123456789abcdef-00112233445566778899aabbccddeeff"
	packName   = "packs/00/00112233445566778899aabbccddeeff"
	roundName  = "meta/round-0123456789abcdef0011223344556677"

	tombstoneName = "meta/gone-00112233445566778899aabbccddeeff"
	aliveName     = "meta/alive-00112233445566778899aabbccddeeff"
)

// goldenKeys use the bytes 40 41 42 ... as their only nonce.
func goldenKeys() *crypt.Keys {
	k := testKeys()
	k.SetRandom(bytes.NewReader(sequence(0x40, 24)))
	return k
}

// TestGolden fixes the bytes of every construction of the format. The secret is
// 00..1f, the repository ID 20..2f, nonces are 40..57, and a slot's salt and
// nonce 40..77.
func TestGolden(t *testing.T) {
	t.Parallel()
	const plaintext = "firn is old snow"
	k := testKeys()
	id := k.BlobID(crypt.Data, []byte(plaintext))
	header := crypt.Header(crypt.ObjectPack)
	mac := k.ConfigMAC([]byte(plaintext))
	seed := make([]byte, 64)
	if _, err := io.ReadFull(k.ChunkerSeed(), seed); err != nil {
		t.Fatal(err)
	}

	var b strings.Builder
	line := func(name string, value []byte) { fmt.Fprintf(&b, "%s %x\n", name, value) }
	line("blob-id", id[:])
	line("blob-data", goldenKeys().SealBlob(nil, crypt.Data, id, []byte(plaintext)))
	line("blob-node", goldenKeys().SealBlob(nil, crypt.Node, id, []byte(plaintext)))
	line("object-snapshot", goldenKeys().SealObject(crypt.ObjectSnapshot, objectName, []byte(plaintext)))
	line("pack-header", header[:])
	line("pack-footer", goldenKeys().SealFooter(crypt.ObjectPack, packName, []byte(plaintext)))
	line("pack-trailer", goldenKeys().SealTrailer(crypt.ObjectPack, packName, 1234567))
	roundHeader := crypt.Header(crypt.ObjectRound)
	line("round-header", roundHeader[:])
	line("round-footer", goldenKeys().SealFooter(crypt.ObjectRound, roundName, []byte(plaintext)))
	line("round-trailer", goldenKeys().SealTrailer(crypt.ObjectRound, roundName, 1234567))
	line("object-tombstone", goldenKeys().SealObject(crypt.ObjectTombstone, tombstoneName, []byte(plaintext)))
	line("object-alive", goldenKeys().SealObject(crypt.ObjectAlive, aliveName, []byte(plaintext)))
	line("config-mac", mac[:])
	line("chunker-seed", seed)
	fmt.Fprintf(&b, "key-file %s\n", testKeyFile())
	fmt.Fprintf(&b, "slot-key-file %s", marshal(t, keyFileSlot(t)))
	fmt.Fprintf(&b, "slot-password %s", marshal(t, passwordSlot(t)))
	compareGolden(t, "testdata/golden.txt", b.String())
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestChunkerSeed checks that the stream is the same in reads of any length,
// and that each reader starts at its beginning. The golden bytes check the
// beginning itself.
func TestChunkerSeed(t *testing.T) {
	t.Parallel()
	k := testKeys()
	want, got := make([]byte, 1<<16), make([]byte, 1<<16)
	if _, err := io.ReadFull(k.ChunkerSeed(), want); err != nil {
		t.Fatal(err)
	}
	r := k.ChunkerSeed()
	for rest := got; len(rest) > 0; {
		n, err := r.Read(rest[:min(7, len(rest))])
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if !bytes.Equal(got, want) {
		t.Error("the stream depends on how it is read")
	}
}

func testKeyFile() crypt.KeyFile { return crypt.KeyFileOf(sequence(0x80, 32)) }

var testCreated = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// keyFileSlot returns a slot of testSecret under testKeyFile.
func keyFileSlot(t testing.TB) *crypt.Slot {
	t.Helper()
	return sealSlot(t, &crypt.Slot{KDF: crypt.KDFKeyFile}, testKeyFile().Credential())
}

// passwordSlot returns a slot of testSecret under the password "correct horse",
// at the lowest allowed cost.
func passwordSlot(t testing.TB) *crypt.Slot {
	t.Helper()
	s := &crypt.Slot{KDF: crypt.KDFPassword, Time: 1, MemoryKiB: 19 << 10, Threads: 1}
	return sealSlot(t, s, crypt.Password("correct horse"))
}

func sealSlot(t testing.TB, s *crypt.Slot, c crypt.Credential) *crypt.Slot {
	t.Helper()
	s.Label, s.Created = `"db1" <ops> été`, testCreated
	if err := s.Seal(bytes.NewReader(sequence(0x40, 32+24)), testSecret(), testRepo(), c); err != nil {
		t.Fatal(err)
	}
	return s
}

func marshal(t testing.TB, s *crypt.Slot) []byte {
	t.Helper()
	b, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
