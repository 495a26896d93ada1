package repo_test

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/restic/chunker"
	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"

	"firn/store"
)

// The worked example of docs/format.md is read from the document, and computed from the key file in it and the golden
// repository, by code that shares nothing with firn's. Both must be the same.
const (
	formatDocument = "../docs/format.md"
	exampleHeading = "## 10. "
	exampleIndent  = 14  // columns of the names, and of lines that go on
	exampleWidth   = 112 // of a value
)

// A value of the example is a line "name value" in a fenced block; further
// lines of it are indented.
var exampleValue = regexp.MustCompile(`(?m)^([A-Za-z]\S*(?: \S+)*) +(\S+(?:\n {14}\S+)*)$`)

var exampleBlock = regexp.MustCompile("(?s)```\n.*?```\n")

func TestFormatDocumentExample(t *testing.T) {
	b, err := os.ReadFile(formatDocument)
	if err != nil {
		t.Fatal(err)
	}
	before, section, ok := strings.Cut(string(b), exampleHeading)
	if !ok {
		t.Fatalf("%s has no section %q", formatDocument, exampleHeading)
	}
	x := &example{t: t, st: goldenStore(t), values: make(map[string]string)}
	x.compute([32]byte(goldenKeyBytes()))
	x.describeRounds(section)
	seen := 0
	rendered := exampleBlock.ReplaceAllStringFunc(section, func(block string) string {
		return exampleValue.ReplaceAllStringFunc(block, func(line string) string {
			parts := exampleValue.FindStringSubmatch(line)
			name := strings.TrimSpace(parts[1])
			got, want := strings.Join(strings.Fields(parts[2]), ""), x.values[name]
			seen++
			if got != want && !*updateGolden {
				t.Errorf("%s: the document says\n%s\nbut it is\n%s", name, got, want)
			}
			return renderExample(name, want)
		})
	})
	if seen != len(x.values) {
		t.Errorf("the document has %d values, want these %d: %q", seen, len(x.values), x.order)
	}
	if *updateGolden {
		if err := os.WriteFile(formatDocument, []byte(before+exampleHeading+rendered), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func renderExample(name, value string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s", exampleIndent, name)
	for i := 0; i < len(value); i += exampleWidth {
		if i > 0 {
			fmt.Fprintf(&b, "\n%*s", exampleIndent, "")
		}
		b.WriteString(value[i:min(len(value), i+exampleWidth)])
	}
	return b.String()
}

// example computes the values of the worked example.
type example struct {
	t      *testing.T
	st     store.Store
	values map[string]string
	order  []string // names, as they were computed

	repo       []byte // the repository's ID
	id, name   []byte // K_id, K_name
	data, meta cipher.AEAD
}

func (x *example) put(name, value string) {
	x.values[name] = value
	x.order = append(x.order, name)
}

func (x *example) putHex(name string, value []byte) { x.put(name, hex.EncodeToString(value)) }

func (x *example) compute(key [32]byte) {
	x.put("key file", bech32("firn-key-", key[:]))
	x.keys(x.secret(key))
	records := x.records()
	first, second := records[0], records[1]
	x.firstPack("packs/" + first.Packs[0][:2] + "/" + first.Packs[0])
	x.delta("packs/" + second.Packs[0][:2] + "/" + second.Packs[0])
	x.plan()
}

// must returns a function that returns v, or ends the test.
func must[T any](x *example) func(v T, err error) T {
	return func(v T, err error) T {
		x.t.Helper()
		if err != nil {
			x.t.Fatal(err)
		}
		return v
	}
}

func (x *example) get(name string) []byte {
	x.t.Helper()
	return must[[]byte](x)(x.st.Get(x.t.Context(), name, 0, -1))
}

func (x *example) list(prefix string) (names []string) {
	for o, err := range x.st.List(x.t.Context(), prefix) {
		names = append(names, must[store.Object](x)(o, err).Name)
	}
	return names
}

func (x *example) decode(b []byte, v any) {
	x.t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		x.t.Fatal(err)
	}
}

// open undoes seal: nonce || ciphertext || tag.
func (x *example) open(aead cipher.AEAD, sealed, aad []byte) []byte {
	x.t.Helper()
	return must[[]byte](x)(aead.Open(nil, sealed[:24], sealed[24:], aad))
}

func (x *example) aead(key []byte) cipher.AEAD {
	return must[cipher.AEAD](x)(chacha20poly1305.NewX(key))
}

func (x *example) derive(secret, salt []byte, label string, n int) []byte {
	return must[[]byte](x)(hkdf.Key(sha256.New, secret, salt, "firn/1/"+label, n))
}

func mac(key, b []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(b)
	return h.Sum(nil)
}

// secret opens the slot of the key file.
func (x *example) secret(key [32]byte) []byte {
	config := x.get("meta/config")
	x.put("config", string(config))
	var head struct{ Config struct{ ID string } }
	x.decode(config, &head)
	x.repo = must[[]byte](x)(hex.DecodeString(head.Config.ID))
	for _, name := range x.list("meta/key-") {
		var slot exampleSlot
		text := x.get(name)
		x.decode(text, &slot)
		if slot.KDF != "hkdf" {
			continue
		}
		x.put("slot", strings.TrimSuffix(string(text), "\n"))
		both := x.derive(key[:], slot.Salt, "slot", 64)
		x.putHex("slot key", both[:32])
		if !hmac.Equal(both[32:], slot.Commit) {
			x.t.Error("the slot does not belong to the key file")
		}
		aad := slot.aad(x.repo)
		x.putHex("slot AAD", aad)
		secret := must[[]byte](x)(x.aead(both[:32]).Open(nil, slot.Nonce, slot.CT, aad))
		x.putHex("R", secret)
		return secret
	}
	x.t.Fatal("no slot of a key file")
	return nil
}

type exampleSlot struct {
	V                       uint32
	KDF, Label              string
	Salt, Commit, Nonce, CT []byte
	Created                 time.Time
}

func (s *exampleSlot) aad(repo []byte) []byte {
	field := func(f []byte) []byte { return append(u32(len(f)), f...) }
	return slices.Concat([]byte("slot"), repo, u32(int(s.V)), field([]byte(s.KDF)), u32(0), u32(0), u32(0),
		field(s.Salt), field(s.Commit), field(s.Nonce), field([]byte(s.Label)),
		binary.LittleEndian.AppendUint64(nil, uint64(s.Created.Unix())))
}

func u32(n int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }

func (x *example) keys(secret []byte) {
	keys := make(map[string][]byte)
	for _, label := range []string{"id", "data", "meta", "config", "chunker", "name"} {
		keys[label] = x.derive(secret, x.repo, label, 32)
		x.putHex("K_"+label, keys[label])
	}
	x.name = keys["name"]
	x.id, x.data, x.meta = keys["id"], x.aead(keys["data"]), x.aead(keys["meta"])
	var file struct {
		Config json.RawMessage
		MAC    string
	}
	x.decode(x.get("meta/config"), &file)
	if got := hex.EncodeToString(mac(keys["config"], file.Config)); got != file.MAC {
		x.t.Errorf("config: mac %s, want %s", got, file.MAC)
	}
	stream := must[*chacha20.Cipher](x)(chacha20.NewUnauthenticatedCipher(keys["chunker"], make([]byte, 12)))
	for {
		b := make([]byte, 8)
		stream.XORKeyStream(b, b)
		p := chunker.Pol(binary.LittleEndian.Uint64(b)&(1<<54-1) | 1<<53 | 1)
		if p.Irreducible() {
			x.put("polynomial", fmt.Sprintf("%014x", uint64(p)))
			return
		}
	}
}

// header returns a sealed object's header.
func header(kind byte) []byte {
	return []byte{'f', 'i', 'r', 'n', kind, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
}

func (x *example) aad(kind byte, name, part string) []byte {
	return slices.Concat(header(kind), x.repo, []byte(name), []byte(part))
}

// framed returns the document in a frame, without the newline at its end.
func (x *example) framed(plain []byte) string {
	n := binary.LittleEndian.Uint32(plain)
	text := must[[]byte](x)(must[*zstd.Decoder](x)(zstd.NewReader(nil)).DecodeAll(plain[4:4+n], nil))
	return strings.TrimSuffix(string(text), "\n")
}

type exampleRecord struct {
	Environment string
	Packs       []string
}

// records returns the two records of the example, the first one first.
func (x *example) records() (found []exampleRecord) {
	for _, name := range slices.Backward(x.list("meta/snap-")) { // oldest first
		object := x.get(name)
		plain := x.open(x.meta, object[16:], x.aad(3, name, ""))
		text := x.framed(plain)
		var r exampleRecord
		x.decode([]byte(text), &r)
		if r.Environment != "example" {
			continue
		}
		found = append(found, r)
		if len(found) == 1 {
			x.put("record", name)
			x.putHex("record AAD", x.aad(3, name, ""))
			x.putHex("record object", object[:48])
			x.putHex("record plain", plain[:16])
			x.put("record JSON", text)
		}
	}
	return found
}

// footer returns the entries of a pack.
func (x *example) footer(name string, object []byte) []byte {
	trailer := x.open(x.meta, object[len(object)-48:], x.aad(4, name, "trailer"))
	start := len(object) - 48 - int(binary.LittleEndian.Uint64(trailer))
	return x.open(x.meta, object[start:len(object)-48], x.aad(4, name, "footer"))
}

// payload returns the payload of the blob of an entry.
func (x *example) payload(object, entry []byte) (aad, payload []byte) {
	aad = slices.Concat([]byte("blob"), x.repo, entry[:33])
	offset, length := binary.LittleEndian.Uint32(entry[33:]), binary.LittleEndian.Uint32(entry[37:])
	key := x.data
	if entry[0] == 2 {
		key = x.meta
	}
	return aad, x.open(key, object[offset:offset+length], aad)
}

// wantBlob checks that an entry's ID is that of plain.
func (x *example) wantBlob(entry, plain []byte) {
	x.t.Helper()
	if !hmac.Equal(mac(x.id, slices.Concat(entry[:1], plain)), entry[1:33]) {
		x.t.Errorf("a blob of %d bytes is not what its ID names", len(plain))
	}
}

func (x *example) firstPack(name string) {
	object := x.get(name)
	x.put("pack", name)
	x.putHex("pack object", object[:48])
	x.putHex("trailer", x.open(x.meta, object[len(object)-48:], x.aad(4, name, "trailer")))
	footer := x.footer(name, object)
	chunk, node := footer[:46], footer[46:]
	x.putHex("entry 1", chunk)
	x.putHex("entry 2", node)
	aad, payload := x.payload(object, chunk)
	x.putHex("chunk AAD", aad)
	x.wantBlob(chunk, payload[5:])
	if string(payload[5:]) != string(goldenNoise(192)) {
		x.t.Error("the chunk is not the image that the document describes")
	}
	_, payload = x.payload(object, node)
	x.putHex("node payload", payload)
	x.wantBlob(node, payload[5:])
}

// delta decodes the chunk of the second snapshot.
func (x *example) delta(name string) {
	object := x.get(name)
	entry := x.footer(name, object)[:79]
	x.putHex("delta entry", entry)
	_, payload := x.payload(object, entry)
	x.putHex("delta payload", payload)
	d := must[*zstd.Decoder](x)(zstd.NewReader(nil, zstd.WithDecoderDictRaw(0, goldenNoise(192))))
	defer d.Close()
	x.wantBlob(entry, must[[]byte](x)(d.DecodeAll(payload[5:], nil)))
}

func (x *example) plan() {
	name := x.list("meta/gc-")[0]
	object := x.get(name)
	x.put("plan", name)
	if got, want := name[len(name)-16:], hex.EncodeToString(mac(x.name, []byte(name[:len(name)-16]))[:8]); got != want {
		x.t.Errorf("plan %s ends with %s, want %s", name, got, want)
	}
	x.putHex("plan object", object)
	x.put("plan JSON", string(x.open(x.meta, object[16:], x.aad(1, name, ""))))
	sum := sha256.Sum256([]byte(name))
	x.putHex("token", sum[:16])
}

// bech32 is BIP-173, from its text: the bits in groups of five, and behind them the
// remainder of what the prefix and they make as a polynomial.
func bech32(prefix string, b []byte) string {
	var bits strings.Builder
	for _, c := range b {
		fmt.Fprintf(&bits, "%08b", c)
	}
	var data []int
	for padded := bits.String() + strings.Repeat("0", (5-len(b)*8%5)%5); len(padded) > 0; padded = padded[5:] {
		n, _ := strconv.ParseInt(padded[:5], 2, 8)
		data = append(data, int(n))
	}
	sum := 1
	for _, v := range slices.Concat(halves(prefix, 5), []int{0}, halves(prefix, 0), data, make([]int, 6)) {
		top := sum >> 25
		sum = sum&(1<<25-1)<<5 ^ v
		for i, g := range []int{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			sum ^= g * (top >> i & 1)
		}
	}
	sum ^= 1
	for shift := 25; shift >= 0; shift -= 5 {
		data = append(data, sum>>shift&31)
	}
	text := prefix + "1"
	for _, v := range data {
		text += string("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[v])
	}
	return text
}

// halves returns the upper or lower bits of letters.
func halves(s string, shift int) (out []int) {
	for _, c := range []byte(s) {
		out = append(out, int(c)>>shift&31)
	}
	return out
}
