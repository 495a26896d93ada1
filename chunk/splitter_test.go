package chunk_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"github.com/restic/chunker"

	"firn/chunk"
)

// standard are the sizes of a new repository, with a polynomial that is not secret.
var standard = chunk.Params{Min: 64 << 10, Max: 512 << 10, AverageBits: 17, Polynomial: 0x3DA3358B4DC173}

// small cuts small images into many chunks.
var small = chunk.Params{Min: 512, Max: 4096, AverageBits: 9, Polynomial: 0x3DA3358B4DC173}

// name stands in for the repository's keyed hash.
func name(kind chunk.Kind, plain []byte) chunk.ID {
	h := sha256.New()
	h.Write([]byte{byte(kind)})
	h.Write(plain)
	return chunk.ID(h.Sum(nil))
}

// pages returns n pages as a database has them: a header, free space, rows at the end.
func pages(seed uint64, n int) []byte {
	const pageSize = 4096
	image := make([]byte, n*pageSize)
	rows := noise(seed, n*pageSize)
	for at := 0; at < len(image); at += pageSize {
		used := 1000 + int(rows[at])*12
		copy(image[at:], []byte{13, 0, 0, 0, byte(used), byte(used >> 8)})
		copy(image[at+pageSize-used:at+pageSize], rows[at+pageSize-used:])
	}
	return image
}

// split cuts what r yields, which should be image, until the end or an error. It
// checks what holds of every chunk, and that nothing is missing at the end.
func split(t testing.TB, r io.Reader, image []byte, params chunk.Params, parent *chunk.List) (chunk.List, error) {
	t.Helper()
	var list chunk.List
	s := chunk.NewSplitter(r, params, parent, name)
	for {
		c, err := s.Next()
		if err == io.EOF && len(image) > 0 {
			t.Fatalf("the chunks end %d bytes early", len(image))
		}
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		if c.Offset != list.Size() || len(c.Data) == 0 || !bytes.HasPrefix(image, c.Data) {
			t.Fatalf("chunk %d: %d bytes at %d are none of the image", list.Len(), len(c.Data), c.Offset)
		}
		image = image[len(c.Data):]
		id := name(chunk.Data, c.Data)
		if !c.ID.IsZero() && c.ID != id {
			t.Fatalf("chunk %d: ID %s, want %s", list.Len(), c.ID, id)
		}
		list.Append(chunk.Entry{ID: id, Span: uint64(len(c.Data))})
	}
}

// cut cuts an image that must come back whole.
func cut(t testing.TB, image []byte, params chunk.Params, parent *chunk.List) chunk.List {
	t.Helper()
	list, err := split(t, bytes.NewReader(image), image, params, parent)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// wantCanonical checks that the sizes are those that the chunker may choose.
func wantCanonical(t testing.TB, list chunk.List, params chunk.Params) {
	t.Helper()
	for i, e := range list.Entries {
		if e.Span > uint64(params.Max) || e.Span < uint64(params.Min) && i < list.Len()-1 {
			t.Errorf("chunk %d of %d has %d bytes", i, list.Len(), e.Span)
		}
	}
}

func equal(a, b chunk.List) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Entries {
		if a.Entries[i] != b.Entries[i] {
			return false
		}
	}
	return true
}

func spans(list chunk.List) []uint64 {
	all := make([]uint64, list.Len())
	for i, e := range list.Entries {
		all[i] = e.Span
	}
	return all
}

// The cuts are part of the format: with others, repositories would store every
// database anew.
func TestSplitterGolden(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		image  []byte
		params chunk.Params
		want   []uint64
	}{
		{"Noise", noise(1, 2<<20), standard, []uint64{129228, 116413, 287532, 94886, 154569, 197966, 270009, 161046, 197279, 185111, 140768, 162345}},
		{"Pages", pages(1, 90), standard, []uint64{65606, 65536, 65536, 65536, 65536, 40890}},
		{"Zeros", make([]byte, 300_000), standard, []uint64{65536, 65536, 65536, 65536, 37856}},
		{"Small", noise(2, 12_000), small, []uint64{653, 744, 1791, 760, 682, 679, 1645, 692, 785, 730, 988, 978, 873}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			list := cut(t, test.image, test.params, nil)
			wantCanonical(t, list, test.params)
			if want := reference(t, test.image, test.params); fmt.Sprint(spans(list)) != fmt.Sprint(want) {
				t.Errorf("got %d, restic/chunker cuts %d", spans(list), want)
			}
			if got := spans(list); fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

// reference returns the sizes of the chunks that restic/chunker cuts by itself.
func reference(t *testing.T, image []byte, p chunk.Params) []uint64 {
	t.Helper()
	c := chunker.NewWithBoundaries(bytes.NewReader(image), p.Polynomial, uint(p.Min), uint(p.Max))
	c.SetAverageBits(p.AverageBits)
	var sizes []uint64
	for {
		next, err := c.Next(nil)
		if err == io.EOF {
			return sizes
		}
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, uint64(next.Length))
	}
}

func TestDerivePolynomialGolden(t *testing.T) {
	t.Parallel()
	got, err := chunk.DerivePolynomial(bytes.NewReader(noise(1, 1<<20)))
	if want := "0x30e2e2979e3a1f"; err != nil || got.String() != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := chunk.DerivePolynomial(iotest.ErrReader(io.ErrClosedPipe)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("from a broken seed: got %v, want the seed's error", err)
	}
}

func TestSplitterSizes(t *testing.T) {
	t.Parallel()
	const buffer = 512 << 10 // what the chunker reads at once
	for _, p := range []chunk.Params{small, standard} {
		whole := noise(3, 2*buffer+5)
		for _, n := range []int{
			0, 1, 63, 64, 65, p.Min - 1, p.Min, p.Min + 1, 2*p.Min - 1, 2 * p.Min, 2*p.Min + 1,
			p.Max - 1, p.Max, p.Max + 1, 2 * p.Max, 2*p.Max + 1, buffer - 1, buffer, buffer + 1, 2*buffer + 5,
		} {
			for kind, image := range map[string][]byte{"noise": whole[:n], "zeros": make([]byte, n)} {
				t.Run(fmt.Sprintf("len=%d,min=%d,%s", n, p.Min, kind), func(t *testing.T) {
					t.Parallel()
					list := cut(t, image, p, nil)
					wantCanonical(t, list, p)
					if again := cut(t, image, p, &list); !equal(again, list) {
						t.Errorf("with itself as parent: got %d, want %d", spans(again), spans(list))
					}
				})
			}
		}
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	if err := standard.Validate(); err != nil {
		t.Error(err)
	}
	for name, edit := range map[string]func(*chunk.Params){
		"MinTooSmall":   func(p *chunk.Params) { p.Min = 511 },
		"MaxBelowMin":   func(p *chunk.Params) { p.Max = p.Min - 1 },
		"MaxTooLarge":   func(p *chunk.Params) { p.Max = chunk.MaxPlain + 1 },
		"Zero":          func(p *chunk.Params) { *p = chunk.Params{} },
		"FewBits":       func(p *chunk.Params) { p.AverageBits = 7 },
		"ManyBits":      func(p *chunk.Params) { p.AverageBits = 23 },
		"NoPolynomial":  func(p *chunk.Params) { p.Polynomial = 0 },
		"LowPolynomial": func(p *chunk.Params) { p.Polynomial = 0x3DA3358B4D },
	} {
		p := standard
		edit(&p)
		if err := p.Validate(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// shapes are the ways in which a reader may hand out the same bytes.
func shapes() map[string]func(io.Reader) io.Reader {
	return map[string]func(io.Reader) io.Reader{
		"Plain":   func(r io.Reader) io.Reader { return r },
		"OneByte": iotest.OneByteReader,
		"Half":    iotest.HalfReader,
		"DataErr": iotest.DataErrReader,
		"Idle":    func(r io.Reader) io.Reader { return &idle{r: r} },
	}
}

// idle reads nothing every other time.
type idle struct {
	r    io.Reader
	busy bool
}

func (r *idle) Read(p []byte) (int, error) {
	if r.busy = !r.busy; r.busy {
		return 0, nil
	}
	return r.r.Read(p)
}

func TestSplitterReaders(t *testing.T) {
	t.Parallel()
	image := noise(4, 700_000)
	want := cut(t, image, small, nil)
	changed := bytes.Clone(image)
	copy(changed[300_000:], "changed")
	wantChanged := cut(t, changed, small, &want)
	for name, shape := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := split(t, shape(bytes.NewReader(image)), image, small, nil)
			if err != nil || !equal(got, want) {
				t.Errorf("without a parent: other chunks, %v", err)
			}
			got, err = split(t, shape(bytes.NewReader(changed)), changed, small, &want)
			if err != nil || !equal(got, wantChanged) {
				t.Errorf("with a parent: other chunks, %v", err)
			}
		})
	}
}

// A source that breaks must not look like one that ends: all chunks before the
// error are those of the whole image, and the error comes back, again and again.
func TestSplitterReaderFails(t *testing.T) {
	t.Parallel()
	image := noise(5, 700_000)
	whole := cut(t, image, small, nil)
	for name, failure := range map[string]error{
		"Other":         errors.New("disk on fire"),
		"Timeout":       iotest.ErrTimeout,
		"UnexpectedEOF": io.ErrUnexpectedEOF,
		"WrappedEOF":    fmt.Errorf("read page 7: %w", io.EOF),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, n := range []int{0, 1, 511, 512, 513, 5_000, 524_287, 524_288, 524_289, int(whole.Offset(3)), len(image)} {
				for _, parent := range []*chunk.List{nil, &whole} {
					wantFailure(t, image[:n], failure, parent, whole, i%2 == 0)
				}
			}
		})
	}
}

func wantFailure(t *testing.T, start []byte, failure error, parent *chunk.List, whole chunk.List, withData bool) {
	t.Helper()
	r := io.MultiReader(bytes.NewReader(start), iotest.ErrReader(failure))
	if withData {
		r = &failWithData{start, failure}
	}
	var list chunk.List
	s := chunk.NewSplitter(r, small, parent, name)
	c, err := s.Next()
	for ; err == nil; c, err = s.Next() {
		list.Append(chunk.Entry{ID: name(chunk.Data, c.Data), Span: uint64(len(c.Data))})
	}
	if err != failure {
		t.Errorf("after %d bytes: got error %v, want %v", len(start), err, failure)
	}
	if list.Len() > whole.Len() || !equal(list, chunk.List{Entries: whole.Entries[:list.Len()]}) {
		t.Errorf("after %d bytes: chunks that the image does not have", len(start))
	}
	if _, again := s.Next(); again != failure {
		t.Errorf("after %d bytes: got error %v the second time, want %v", len(start), again, failure)
	}
}

// failWithData fails in the same call that returns the last bytes.
type failWithData struct {
	rest    []byte
	failure error
}

func (r *failWithData) Read(p []byte) (int, error) {
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	if len(r.rest) == 0 {
		return n, r.failure
	}
	return n, nil
}

func TestSplitterReaderWithoutProgress(t *testing.T) {
	t.Parallel()
	image := noise(6, 5000)
	r := io.MultiReader(bytes.NewReader(image), stuck{})
	if _, err := split(t, r, image, small, nil); err != io.ErrNoProgress {
		t.Errorf("got error %v, want %v", err, io.ErrNoProgress)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestSplitterEnd(t *testing.T) {
	t.Parallel()
	image := noise(7, 3000)
	list := cut(t, image, small, nil)
	for _, parent := range []*chunk.List{nil, &list} {
		s := chunk.NewSplitter(bytes.NewReader(image), small, parent, name)
		for range list.Len() {
			if _, err := s.Next(); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			if _, err := s.Next(); err != io.EOF {
				t.Errorf("after the last chunk: got error %v, want %v", err, io.EOF)
			}
		}
	}
}

// Data stays what it was until the next call, however the window moves.
func TestSplitterDataValid(t *testing.T) {
	t.Parallel()
	image := noise(8, 300_000)
	parent := cut(t, image, small, nil)
	copy(image[100_000:], "changed")
	s := chunk.NewSplitter(iotest.HalfReader(bytes.NewReader(image)), small, &parent, name)
	for {
		c, err := s.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(c.Data, image[c.Offset:][:len(c.Data)]) {
			t.Fatalf("chunk at %d does not hold the image's bytes", c.Offset)
		}
	}
}
