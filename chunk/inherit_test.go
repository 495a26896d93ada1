package chunk_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"firn/chunk"
)

// counted returns a namer, and how many bytes it has named so far.
func counted() (chunk.Namer, *atomic.Int64) {
	var bytes atomic.Int64
	return func(kind chunk.Kind, plain []byte) chunk.ID {
		bytes.Add(int64(len(plain)))
		return name(kind, plain)
	}, &bytes
}

// splice returns image with the n bytes at a place replaced.
func splice(image []byte, at, n int, by []byte) []byte {
	return slices.Concat(image[:at], by, image[at+n:])
}

// shared returns how many of the bytes of list are in chunks of the parent.
func shared(list, parent chunk.List) (bytes uint64) {
	known := make(map[chunk.ID]bool)
	for _, e := range parent.Entries {
		known[e.ID] = true
	}
	for _, e := range list.Entries {
		if known[e.ID] {
			bytes += e.Span
		}
	}
	return bytes
}

func TestInherit(t *testing.T) {
	t.Parallel()
	image := noise(1, 400_000)
	parent := cut(t, image, small, nil)
	middle, end := int(parent.Offset(parent.Len()/2)), len(image)
	inPlace := bytes.Clone(image)
	for at := 0; at < end-8192; at += 40_000 {
		copy(inPlace[at:], noise(uint64(at), 4096))
	}
	for _, test := range []struct {
		name   string
		image  []byte
		same   bool // all boundaries are the parent's
		shared int  // bytes in chunks of the parent, at least
	}{
		{"Unchanged", image, true, end},
		{"FirstByte", splice(image, 0, 1, []byte("x")), true, end - 4096},
		{"LastByte", splice(image, end-1, 1, []byte("x")), false, end - 4096},
		{"PagesInPlace", inPlace, true, end - 11*3*4096},
		{"Insertion", splice(image, middle, 0, []byte("some more bytes")), false, end - 8*4096},
		{"InsertionAtStart", splice(image, 0, 0, []byte("some more bytes")), false, end - 8*4096},
		{"InsertionWithinChunk", splice(image, middle+100, 0, noise(9, 5000)), false, end - 8*4096},
		{"Deletion", splice(image, middle, 3333, nil), false, end - 10*4096},
		{"Grown", splice(image, end, 0, noise(2, 30_000)), false, end - 4096},
		{"GrownByOne", splice(image, end, 0, []byte("x")), false, end - 4096},
		{"Shrunk", image[:middle+100], false, middle},
		{"ShrunkToBoundary", image[:middle], false, middle},
		{"ShrunkByOne", image[:end-1], false, end - 4096},
		{"Emptied", nil, false, 0},
		{"OneByte", image[:1], false, 0},
		{"AllChanged", noise(3, end), false, 0},
		{"Zeros", make([]byte, end), false, 0},
		{"Doubled", append(bytes.Clone(image), image...), false, 2*end - 8*4096},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			list := cut(t, test.image, small, &parent)
			wantCanonical(t, list, small)
			if same := slices.Equal(spans(list), spans(parent)); test.same && !same {
				t.Errorf("cut into %d, want the parent's %d", spans(list), spans(parent))
			}
			if got := shared(list, parent); got < uint64(test.shared) {
				t.Errorf("shares %d bytes with the parent, want at least %d", got, test.shared)
			}
			if again := cut(t, test.image, small, &list); !equal(again, list) {
				t.Errorf("with itself as parent: got %d, want %d", spans(again), spans(list))
			}
		})
	}
}

// Without inheritance these changes would move cuts: a row that fills a page's
// free space ends the zero run that the chunker cut at.
func TestInheritKeepsDriftingCuts(t *testing.T) {
	t.Parallel()
	image := pages(1, 300)
	parent := cut(t, image, standard, nil)
	image = bytes.Clone(image)
	for _, page := range []int{16, 32, 100, 200} { // the first two hold a boundary
		copy(image[page*4096:], noise(uint64(page), 4096))
	}
	if got := cut(t, image, standard, nil); slices.Equal(spans(got), spans(parent)) {
		t.Error("the change moves no cut: it proves nothing")
	}
	if got := cut(t, image, standard, &parent); !slices.Equal(spans(got), spans(parent)) {
		t.Errorf("got %d, want the parent's %d", spans(got), spans(parent))
	}
}

// Every look ahead ends; the last boundary that it can keep is kept.
func TestInheritLooksAheadSoFar(t *testing.T) {
	t.Parallel()
	const reach = 32 // chunks, as many as splitter.go looks ahead
	image := noise(4, 400_000)
	parent := cut(t, image, small, nil)
	for changed, want := range map[int]bool{1: true, reach - 1: true, reach: false} {
		from, to := parent.Offset(10), parent.Offset(10+changed)
		after := splice(image, int(from), int(to-from), noise(5, int(to-from)))
		list := cut(t, after, small, &parent)
		if got := slices.Equal(spans(list), spans(parent)); got != want {
			t.Errorf("%d chunks changed: boundaries kept %t, want %t", changed, got, want)
		}
		if got := shared(list, parent); got < uint64(len(image))-(to-from)-8*4096 {
			t.Errorf("%d chunks changed: shares only %d bytes", changed, got)
		}
	}
}

// An unchanged image needs no chunker and each byte is named once.
func TestInheritNamesOnce(t *testing.T) {
	t.Parallel()
	image := noise(6, 400_000)
	parent := cut(t, image, small, nil)
	changed := splice(image, 200_000, 5, []byte("other"))
	appended := splice(image, len(image), 0, noise(7, 9000))
	for name, image := range map[string][]byte{"Unchanged": image, "InPlace": changed, "Appended": appended} {
		counter, named := counted()
		s := chunk.NewSplitter(bytes.NewReader(image), small, &parent, counter)
		var given int64
		for {
			c, err := s.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if !c.ID.IsZero() {
				given += int64(len(c.Data))
			}
		}
		if named.Load() != given {
			t.Errorf("%s: %d bytes named for %d whose ID is given", name, named.Load(), given)
		}
		if want := int64(len(image) - 3*4096 - 9000); given < want {
			t.Errorf("%s: the IDs of %d bytes are given, want at least %d", name, given, want)
		}
	}
}

// Parents whose chunks are not what they should be cost their use, no more.
func TestInheritForeignParents(t *testing.T) {
	t.Parallel()
	image := noise(8, 100_000)
	own := cut(t, image, small, nil)
	list := func(entries ...chunk.Entry) chunk.List {
		var l chunk.List
		for _, e := range entries {
			l.Append(e)
		}
		return l
	}
	other := cut(t, noise(9, 150_000), small, nil)
	for name, parent := range map[string]chunk.List{
		"Empty":       list(),
		"OtherImage":  other,
		"OneHuge":     list(chunk.Entry{Span: 1 << 61}),
		"ManyHuge":    list(chunk.Entry{Span: 1 << 61}, chunk.Entry{Span: 1 << 61}),
		"HugeAtEnd":   list(append(slices.Clone(own.Entries[:20]), chunk.Entry{Span: 1 << 61})...),
		"LargestSpan": list(chunk.Entry{Span: chunk.MaxPlain}, chunk.Entry{Span: chunk.MaxPlain}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := cut(t, image, small, &parent); !equal(got, own) {
				t.Errorf("got %d, want %d", spans(got), spans(own))
			}
		})
	}
}

// A database that grows a page at a time, each snapshot the parent of the next.
func TestInheritGrowth(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]chunk.Params{"standard": standard, "small": {Min: 4096, Max: 32 << 10, AverageBits: 13, Polynomial: standard.Polynomial}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const step, appends = 4096, 300
			image := noise(10, 40*step+appends*step)
			list := cut(t, image[:40*step], p, nil)
			for i := range appends {
				before := list
				n := (41 + i) * step
				list = cut(t, image[:n], p, &before)
				wantCanonical(t, list, p)
				if got, want := shared(list, before), before.Offset(before.Len()-1); got < want {
					t.Fatalf("append %d: shares %d bytes, want at least %d", i, got, want)
				}
			}
			if want := cut(t, image, p, nil); !equal(list, want) {
				t.Errorf("grown: cut into %d, want %d as at once", spans(list), spans(want))
			}
		})
	}
}

// Insertions and deletions over many generations do not wear the chunks down.
func TestInheritGenerations(t *testing.T) {
	t.Parallel()
	image := noise(11, 200_000)
	list := cut(t, image, small, nil)
	for i := range 200 {
		at := (i * 7919) % (len(image) - 5000)
		switch i % 4 {
		case 0:
			image = splice(image, at, 0, noise(uint64(i), 700))
		case 1:
			image = splice(image, at, 700, nil)
		case 2:
			image = image[:len(image)-3000]
		case 3:
			image = splice(image, len(image), 0, noise(uint64(i), 3000))
		}
		before := list
		list = cut(t, image, small, &before)
		wantCanonical(t, list, small)
		if got, want := shared(list, before), uint64(len(image)-12*4096); got < want {
			t.Fatalf("generation %d: shares %d bytes, want at least %d", i, got, want)
		}
	}
}

// Whatever the parent, the chunks make up the image, in pieces that are not too
// large and none empty, and images cut once are cut the same way again.
func TestSplitterProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		image := drawImage(t, "image")
		parent := drawParent(t, image)
		var list chunk.List
		largest := uint64(small.Max)
		if parent != nil {
			for _, e := range parent.Entries {
				largest = max(largest, e.Span)
			}
		}
		s := chunk.NewSplitter(bytes.NewReader(image), small, parent, name)
		for rest := image; ; {
			c, err := s.Next()
			if err == io.EOF {
				if len(rest) > 0 {
					t.Fatalf("ends %d bytes early", len(rest))
				}
				break
			}
			if err != nil || len(c.Data) == 0 || uint64(len(c.Data)) > largest || c.Offset != list.Size() || !bytes.HasPrefix(rest, c.Data) {
				t.Fatalf("chunk of %d bytes at %d is none of the image: %v", len(c.Data), c.Offset, err)
			}
			rest = rest[len(c.Data):]
			id := name(chunk.Data, c.Data)
			if !c.ID.IsZero() && c.ID != id {
				t.Fatalf("chunk at %d: ID %s, want %s", c.Offset, c.ID, id)
			}
			list.Append(chunk.Entry{ID: id, Span: uint64(len(c.Data))})
		}
	})
}

// drawImage makes an image of runs of noise and zeros, some of them repeated.
func drawImage(t *rapid.T, label string) []byte {
	var image []byte
	for i := range rapid.IntRange(0, 12).Draw(t, label+" runs") {
		seed := rapid.Uint64Range(0, 5).Draw(t, fmt.Sprint(label, " seed ", i))
		run := make([]byte, rapid.IntRange(0, 9000).Draw(t, fmt.Sprint(label, " length ", i)))
		if seed > 0 {
			copy(run, noise(seed, len(run)))
		}
		image = append(image, run...)
	}
	return image
}

// drawParent makes a list of what the image may have been, or of its own bytes
// cut anywhere, or of nothing that ever was.
func drawParent(t *rapid.T, image []byte) *chunk.List {
	before := image
	switch rapid.SampledFrom([]string{"none", "same", "edited", "other"}).Draw(t, "parent") {
	case "none":
		return nil
	case "edited":
		at := rapid.IntRange(0, len(image)).Draw(t, "at")
		n := rapid.IntRange(0, len(image)-at).Draw(t, "removed")
		before = splice(image, at, n, drawImage(t, "insert"))
	case "other":
		before = drawImage(t, "before")
	}
	list := &chunk.List{}
	for i := 0; len(before) > 0; i++ {
		n := min(len(before), rapid.IntRange(1, 6000).Draw(t, fmt.Sprint("span ", i)))
		e := chunk.Entry{ID: name(chunk.Data, before[:n]), Span: uint64(n)}
		if rapid.IntRange(0, 9).Draw(t, fmt.Sprint("wrong ", i)) == 0 {
			e.ID[0]++
		}
		list.Append(e)
		before = before[n:]
	}
	return list
}
