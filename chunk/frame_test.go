package chunk_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"firn/chunk"
)

func newFrameEncoder(t testing.TB) *chunk.FrameEncoder {
	t.Helper()
	e, err := chunk.NewFrameEncoder()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// plaintexts are of the sizes where frames differ.
func plaintexts() map[string][]byte {
	all := map[string][]byte{"empty": nil}
	for _, n := range []int{1, 255, 256, 1024, 1025, 65536, 128<<10 + 1, 512 << 10, 1<<20 + 1, chunk.MaxPlain} {
		all[fmt.Sprintf("text of %d", n)] = text(uint64(n), n)
		all[fmt.Sprintf("noise of %d", n)] = noise(uint64(n), n)
		all[fmt.Sprintf("zeros of %d", n)] = make([]byte, n)
	}
	return all
}

func TestFrame(t *testing.T) {
	t.Parallel()
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	e := newFrameEncoder(t)
	for name, plain := range plaintexts() {
		frame, ok := bytes.CutPrefix(e.Encode([]byte("kept"), plain), []byte("kept"))
		got, err := decoder.DecodeAll(frame, nil)
		if !ok || err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s does not come back: %v", name, err)
		}
		var h zstd.Header
		if err := h.Decode(frame); err != nil {
			t.Fatal(err)
		}
		if !h.HasFCS || h.FrameContentSize != uint64(len(plain)) || h.HasCheckSum != (len(plain) > 0) {
			t.Errorf("%s: got header %+v, want a size and a checksum", name, h)
		}
	}
}

// A frame depends on nothing but its plaintext: not on what the encoder did before,
// nor on what it does meanwhile.
func TestFrameIsFunction(t *testing.T) {
	t.Parallel()
	used := newFrameEncoder(t)
	var running sync.WaitGroup
	for name, plain := range plaintexts() {
		want := newFrameEncoder(t).Encode(nil, plain)
		for range 3 {
			running.Go(func() {
				if !bytes.Equal(used.Encode(nil, plain), want) {
					t.Errorf("%s: a used encoder makes another frame", name)
				}
			})
		}
	}
	running.Wait()
}

// A stored frame becomes the one that its plaintext would be encoded to.
func TestReframe(t *testing.T) {
	t.Parallel()
	stored, _ := codecs(t)
	e := newFrameEncoder(t)
	done := 0
	for name, plain := range plaintexts() {
		payload := stored.Encode(nil, plain)
		frame, ok := chunk.Reframe([]byte("kept"), payload, plain)
		if want := append([]byte("kept"), e.Encode(nil, plain)...); ok && !bytes.Equal(frame, want) {
			t.Errorf("%s: got a frame of %d bytes, want that of the encoder, of %d", name, len(frame), len(want))
		}
		if codec, _, err := chunk.PayloadCodec(payload); !ok && err == nil && codec == chunk.Zstd && len(plain) >= 256 {
			t.Errorf("%s: its frame is not used", name)
		}
		if ok {
			done++
		}
	}
	if done < 10 {
		t.Errorf("%d frames used, which says little", done)
	}
}

func TestReframeRefuses(t *testing.T) {
	t.Parallel()
	stored, _ := codecs(t)
	plain := text(1, 300_000)
	good := stored.Encode(nil, plain)
	delta := stored.EncodeDelta(nil, plain, text(2, 300_000))
	with := func(options ...zstd.EOption) []byte {
		w, err := zstd.NewWriter(nil, options...)
		if err != nil {
			t.Fatal(err)
		}
		return w.EncodeAll(plain, bytes.Clone(good[:5]))
	}
	for name, payload := range map[string][]byte{
		"Nothing":   nil,
		"Raw":       stored.Encode(nil, noise(1, 1000)),
		"Delta":     delta,
		"Other":     stored.Encode(nil, plain[1:]),
		"Checksum":  with(),
		"Cut":       good[:len(good)-1],
		"More":      append(bytes.Clone(good), 0),
		"TwoFrames": append(bytes.Clone(good), good[5:]...),
		"Skippable": append(bytes.Clone(good), 0x5e, 0x2a, 0x4d, 0x18, 0, 0, 0, 0),
		"Header":    good[:8],
	} {
		if got, ok := chunk.Reframe(nil, payload, plain); ok || len(got) > 0 {
			t.Errorf("%s: got a frame of %d bytes", name, len(got))
		}
	}
	if _, ok := chunk.Reframe(nil, good, plain); !ok {
		t.Error("OK: got no frame")
	}
}

func TestSeekTable(t *testing.T) {
	t.Parallel()
	var table chunk.SeekTable
	table.Add(0x1234, 0x10000)
	table.Add(9, 1)
	got := hex.EncodeToString(table.Append([]byte{0xaa}))
	want := "aa" + "5e2a4d18" + "19000000" +
		"34120000" + "00000100" + "09000000" + "01000000" +
		"02000000" + "00" + "b1ea928f"
	if got != want {
		t.Errorf("got  %s,\nwant %s", got, want)
	}
}

// FuzzReframe takes payloads over that decode, and expects their plaintext.
func FuzzReframe(f *testing.F) {
	stored, _ := codecs(f)
	for _, n := range []int{0, 300, 70_000, 200_000} {
		f.Add(stored.Encode(nil, text(1, n)))
	}
	f.Add(stored.Encode(nil, make([]byte, 1000)))
	f.Fuzz(func(t *testing.T, payload []byte) {
		_, decoder := codecs(t)
		plain, err := decoder.Decode(nil, payload, nil)
		if err != nil {
			chunk.Reframe(nil, payload, payload)
			return
		}
		frame, ok := chunk.Reframe(nil, payload, plain)
		if !ok {
			return
		}
		d, err := zstd.NewReader(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if got, err := d.DecodeAll(frame, nil); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%x becomes %x, which decodes to %d bytes or others, %v", payload, frame, len(got), err)
		}
	})
}
