package chunk_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"firn/chunk"
)

// entries returns a list of n chunks with IDs that depend on seed.
func entries(seed uint64, n int) chunk.List {
	var l chunk.List
	ids := noise(seed, n*chunk.IDLen)
	for i := range n {
		e := chunk.Entry{Span: uint64(i%1000 + 1)}
		copy(e.ID[:], ids[i*chunk.IDLen:])
		l.Append(e)
	}
	return l
}

// nodes holds plaintexts of nodes by ID.
type nodes map[chunk.ID][]byte

func (m nodes) emit(n chunk.NewNode) error {
	m[n.ID] = bytes.Clone(n.Plain)
	return nil
}

func (m nodes) read(ids []chunk.ID) ([][]byte, error) {
	plains := make([][]byte, len(ids))
	for i, id := range ids {
		plain, ok := m[id]
		if !ok {
			return nil, fmt.Errorf("no node %s", id)
		}
		plains[i] = plain
	}
	return plains, nil
}

func build(t testing.TB, list chunk.List) (*chunk.Tree, nodes) {
	t.Helper()
	all := make(nodes)
	tree, err := chunk.Build(list, name, all.emit)
	if err != nil {
		t.Fatal(err)
	}
	return tree, all
}

func TestTreeRoundTrip(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 31, 32, 33, 511, 512, 513, 5000, 100_000} {
		t.Run(fmt.Sprintf("entries=%d", n), func(t *testing.T) {
			t.Parallel()
			list := entries(uint64(n), n)
			tree, all := build(t, list)
			back, err := chunk.Load(tree.Root(), tree.Height(), list.Size(), uint64(list.Len()), all.read)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(back.Chunks().Entries, list.Entries) || back.Chunks().Size() != list.Size() {
				t.Error("other chunks come back")
			}
			if back.Height() != tree.Height() || back.Root() != tree.Root() {
				t.Errorf("got root %s of height %d, want %s of %d", back.Root(), back.Height(), tree.Root(), tree.Height())
			}
			for level := range tree.Levels {
				if !equal(back.Levels[level], tree.Levels[level]) {
					t.Errorf("other entries of level %d come back", level)
				}
			}
			wantHeight(t, tree, n)
		})
	}
}

// wantHeight checks the nodes' sizes and that the tree is no higher than they allow.
func wantHeight(t *testing.T, tree *chunk.Tree, n int) {
	t.Helper()
	if n <= 32 && tree.Height() != 1 || n > 512 && tree.Height() < 2 || tree.Height() > 4 {
		t.Errorf("height %d for %d entries", tree.Height(), n)
	}
	for level := 1; level < len(tree.Levels); level++ {
		above, below := tree.Levels[level].Len(), tree.Levels[level-1].Len()
		if above > below/32+1 || above < below/512 {
			t.Errorf("%d nodes for %d entries", above, below)
		}
	}
}

// The encoding of nodes and the rule where they end are part of the format.
func TestTreeGolden(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0:    "25dfd29c09617dcc9852281c030e5b3037a338a4712a42a21c907f259c6412a0",
		1:    "f195d1136df97bb948bcf2a695d941a72544397eb11ca42893af8d3e4ca14ff5",
		5000: "fbb358cfe77dd24990f0c4412e3fb6812ce1808601204d06b4fa34bf44e912cc",
	} {
		tree, _ := build(t, entries(1, n))
		if got := tree.Root().String(); got != want {
			t.Errorf("root of %d entries: got %s, want %s", n, got, want)
		}
	}
	_, all := build(t, listOf(258))
	want := append([]byte{1}, make([]byte, 40)...)
	want[33], want[34] = 2, 1
	for _, plain := range all {
		if !bytes.Equal(plain, want) {
			t.Errorf("got node %x, want %x", plain, want)
		}
	}
}

// Nodes come children first, each once at its place, with the bytes it covers.
func TestBuildEmits(t *testing.T) {
	t.Parallel()
	list := entries(2, 3000)
	seen := make(map[chunk.ID]bool)
	at := make(map[int]uint64)
	tree, err := chunk.Build(list, name, func(n chunk.NewNode) error {
		level, below, err := chunk.DecodeNode(n.Plain)
		if err != nil || level != n.Level || n.Offset != at[n.Level] || n.ID != name(chunk.Node, n.Plain) {
			t.Errorf("node %s of level %d at %d: decodes as level %d, %v", n.ID, n.Level, n.Offset, level, err)
		}
		for _, e := range below {
			if n.Level > 1 && !seen[e.ID] {
				t.Errorf("node %s comes before its child %s", n.ID, e.ID)
			}
		}
		seen[n.ID] = true
		at[n.Level] += n.Span
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for level := 1; level <= tree.Height(); level++ {
		if at[level] != list.Size() {
			t.Errorf("nodes of level %d cover %d bytes, want %d", level, at[level], list.Size())
		}
	}
	broken := errors.New("no room")
	if _, err := chunk.Build(list, name, func(chunk.NewNode) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got error %v, want that of emit", err)
	}
}

func TestTreeIDs(t *testing.T) {
	t.Parallel()
	tree, nodes := build(t, entries(3, 2000))
	all := slices.Collect(tree.IDs())
	if len(all) != 2000+len(nodes) {
		t.Errorf("got %d blobs, want 2000 chunks and %d nodes", len(all), len(nodes))
	}
	for i, id := range all {
		if _, isNode := nodes[id]; isNode != (i >= 2000) {
			t.Errorf("blob %d of %d: is a node: %t", i, len(all), isNode)
		}
	}
	for id := range tree.IDs() {
		if id != all[0] {
			t.Errorf("got %s first, want %s", id, all[0])
		}
		break
	}
}

// A changed chunk changes the nodes above it and no others; one more or one
// less changes those around it, because nodes end by content.
func TestTreeChangesOnePath(t *testing.T) {
	t.Parallel()
	list := entries(4, 20_000)
	before, old := build(t, list)
	again, _ := build(t, entries(4, 20_000))
	if again.Root() != before.Root() {
		t.Error("equal lists have different roots")
	}
	edit := func(edit func(e []chunk.Entry) []chunk.Entry) (l chunk.List) {
		for _, e := range edit(slices.Clone(list.Entries)) {
			l.Append(e)
		}
		return l
	}
	for name, test := range map[string]struct {
		list  chunk.List
		limit int // new nodes of a level
	}{
		"Changed": {edit(func(e []chunk.Entry) []chunk.Entry { e[9000].ID[31]++; return e }), 1},
		"Inserted": {edit(func(e []chunk.Entry) []chunk.Entry {
			return slices.Insert(e, 9000, chunk.Entry{ID: chunk.ID{1}, Span: 5})
		}), 12},
		"Removed":  {edit(func(e []chunk.Entry) []chunk.Entry { return slices.Delete(e, 9000, 9001) }), 12},
		"Appended": {edit(func(e []chunk.Entry) []chunk.Entry { return append(e, chunk.Entry{ID: chunk.ID{1}, Span: 5}) }), 1},
	} {
		after, all := build(t, test.list)
		fresh := make(map[int]int)
		for id, plain := range all {
			if _, ok := old[id]; !ok {
				fresh[int(plain[0])]++
			}
		}
		if after.Root() == before.Root() || len(fresh) != after.Height() {
			t.Errorf("%s: new nodes %v in a tree of height %d", name, fresh, after.Height())
		}
		for level, n := range fresh {
			if n > test.limit {
				t.Errorf("%s: %d new nodes of level %d, want at most %d", name, n, level, test.limit)
			}
		}
	}
}

// node encodes a node as Build does, whatever it is told.
func node(level int, list ...chunk.Entry) []byte {
	plain := []byte{byte(level)}
	for _, e := range list {
		plain = append(plain, e.ID[:]...)
		plain = binary.LittleEndian.AppendUint64(plain, e.Span)
	}
	return plain
}

func TestDecodeNodeRefuses(t *testing.T) {
	t.Parallel()
	e := chunk.Entry{ID: chunk.ID{1}, Span: 9}
	for name, plain := range map[string][]byte{
		"Empty":      {},
		"LevelZero":  node(0, e),
		"LevelNine":  node(9, e),
		"Cut":        node(1, e)[:40],
		"ByteMore":   append(node(1, e), 0),
		"ZeroSpan":   node(1, e, chunk.Entry{ID: e.ID}),
		"HugeChunk":  node(1, chunk.Entry{Span: chunk.MaxPlain + 1}),
		"HugeNode":   node(2, chunk.Entry{Span: 1<<62 + 1}),
		"TooMany":    node(1, slices.Repeat([]chunk.Entry{e}, 513)...),
		"Everything": bytes.Repeat([]byte{255}, 41),
	} {
		if _, _, err := chunk.DecodeNode(plain); !errors.Is(err, chunk.ErrTree) {
			t.Errorf("%s: got %v, want ErrTree", name, err)
		}
	}
	for _, plain := range [][]byte{node(1), node(8, e), node(1, slices.Repeat([]chunk.Entry{e}, 512)...), node(1, chunk.Entry{Span: chunk.MaxPlain})} {
		if _, _, err := chunk.DecodeNode(plain); err != nil {
			t.Errorf("node of %d bytes refused: %v", len(plain), err)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	list := entries(5, 2000)
	tree, all := build(t, list)
	first := tree.Levels[1].Entries[0].ID
	_, below, err := chunk.DecodeNode(all[first])
	if err != nil {
		t.Fatal(err)
	}
	// replaced serves another plaintext for the first node of level 1.
	replaced := func(plain []byte) func([]chunk.ID) ([][]byte, error) {
		return func(ids []chunk.ID) ([][]byte, error) {
			plains, err := all.read(ids)
			if i := slices.Index(ids, first); i >= 0 {
				plains[i] = plain
			}
			return plains, err
		}
	}
	longer := slices.Clone(below)
	longer[0].Span++
	size, height := list.Size(), tree.Height()
	for name, test := range map[string]struct {
		height int
		size   uint64
		read   func([]chunk.ID) ([][]byte, error)
	}{
		"HeightZero":  {0, size, all.read},
		"HeightNine":  {9, size, all.read},
		"Lower":       {height - 1, size, all.read},
		"Higher":      {height + 1, size, all.read},
		"SizeLess":    {height, size - 1, all.read},
		"SizeMore":    {height, size + 1, all.read},
		"SizeZero":    {height, 0, all.read},
		"SizeMinus":   {height, 1<<64 - 1, all.read},
		"WrongLevel":  {height, size, replaced(node(2, below...))},
		"WrongSpan":   {height, size, replaced(node(1, longer...))},
		"EntryLess":   {height, size, replaced(node(1, below[1:]...))},
		"EntryMore":   {height, size, replaced(node(1, append(below, below[0])...))},
		"NoEntries":   {height, size, replaced(node(1))},
		"ZeroSpan":    {height, size, replaced(node(1, append(below, chunk.Entry{})...))},
		"TooMany":     {height, size, replaced(node(1, slices.Repeat(below[:1], 513)...))},
		"Cut":         {height, size, replaced(all[first][:100])},
		"Missing":     {height, size, replaced(nil)},
		"NodesLess":   {height, size, func(ids []chunk.ID) ([][]byte, error) { p, err := all.read(ids); return p[:len(p)-1], err }},
		"NodesMore":   {height, size, func(ids []chunk.ID) ([][]byte, error) { p, err := all.read(ids); return append(p, p[0]), err }},
		"NothingRead": {height, size, func([]chunk.ID) ([][]byte, error) { return nil, nil }},
	} {
		if _, err := chunk.Load(tree.Root(), test.height, test.size, 2000, test.read); !errors.Is(err, chunk.ErrTree) {
			t.Errorf("%s: got %v, want ErrTree", name, err)
		}
	}
	broken := errors.New("disk on fire")
	if _, err := chunk.Load(tree.Root(), height, size, 2000, func([]chunk.ID) ([][]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v, want the error of read", err)
	}
}

// sharing returns the root of a tree of this height in which each node refers to the one
// below it fan times, and the last one to one chunk.
func sharing(height, fan int, span uint64) (root chunk.ID, size, chunks uint64, all nodes) {
	all, size, chunks = make(nodes), span, 1
	below := chunk.Entry{ID: chunk.ID{0xc}, Span: span}
	for level := 1; level <= height; level++ {
		plain := node(level, slices.Repeat([]chunk.Entry{below}, fan)...)
		size, chunks = size*uint64(fan), chunks*uint64(fan)
		below = chunk.Entry{ID: name(chunk.Node, plain), Span: size}
		all[below.ID] = plain
	}
	return below.ID, size, chunks, all
}

// TestLoadShared loads trees of a few nodes that refer to one another over and over: a
// list is made of no more than the chunks that the record has, nor of more than zeros have.
func TestLoadShared(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		height, fan int
		chunks      uint64 // that the record says; 0 for those that there are
		refused     bool
	}{
		"Zeros":     {2, 512, 0, false},
		"Doubled":   {8, 2, 0, false},
		"RecordOne": {2, 512, 1, true},
		"OneLess":   {2, 512, 512*512 - 1, true},
		"OneMore":   {2, 512, 512*512 + 1, true},
		"Eightfold": {8, 64, 0, true}, // 2^48 chunks in 2.6 KB
		"Widest":    {6, 512, 0, true},
		"JustAbove": {5, 32, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, size, chunks, all := sharing(test.height, test.fan, 64)
			if test.chunks > 0 {
				chunks = test.chunks
			}
			asked := 0
			tree, err := chunk.Load(root, test.height, size, chunks, func(ids []chunk.ID) ([][]byte, error) {
				asked += len(ids)
				return all.read(ids)
			})
			if refused := errors.Is(err, chunk.ErrTree); refused != test.refused || err != nil && !refused {
				t.Errorf("got %v, want it refused: %t", err, test.refused)
			}
			if err == nil && uint64(tree.Chunks().Len()) != chunks {
				t.Errorf("got %d chunks, want %d", tree.Chunks().Len(), chunks)
			}
			if asked > test.height {
				t.Errorf("%d nodes were read, want each of the %d once", asked, test.height)
			}
		})
	}
}

func FuzzDecodeNode(f *testing.F) {
	f.Add(node(1))
	f.Add(node(2, chunk.Entry{ID: chunk.ID{1}, Span: 9}, chunk.Entry{Span: 1 << 40}))
	f.Add(node(1, chunk.Entry{ID: chunk.ID{1}}))
	f.Fuzz(func(t *testing.T, plain []byte) {
		level, list, err := chunk.DecodeNode(plain)
		if err != nil {
			if !errors.Is(err, chunk.ErrTree) {
				t.Errorf("got %v, want ErrTree", err)
			}
			return
		}
		if again := node(level, list...); !bytes.Equal(again, plain) {
			t.Errorf("%x is accepted and encodes to %x", plain, again)
		}
	})
}

// FuzzLoad serves fuzzed nodes one after another, whichever are asked for.
func FuzzLoad(f *testing.F) {
	e := chunk.Entry{ID: chunk.ID{1}, Span: 9}
	f.Add(1, uint64(9), uint64(1), node(1, e), []byte{})
	f.Add(2, uint64(18), uint64(2), node(2, e, e), node(1, e))
	f.Add(3, uint64(9), uint64(1), node(3, e), node(2, e))
	f.Add(1, uint64(0), uint64(0), node(1), []byte{})
	f.Fuzz(func(t *testing.T, height int, size, chunks uint64, root, others []byte) {
		calls, served := 0, 0
		tree, err := chunk.Load(chunk.ID{}, height, size, chunks, func(ids []chunk.ID) ([][]byte, error) {
			calls++
			if served += len(ids); served > 1<<16 {
				return nil, chunk.ErrTree
			}
			if calls == 1 {
				return [][]byte{root}, nil
			}
			return slices.Repeat([][]byte{others}, len(ids)), nil
		})
		if err != nil {
			if !errors.Is(err, chunk.ErrTree) {
				t.Errorf("got %v, want ErrTree", err)
			}
			return
		}
		if tree.Height() != height || tree.Chunks().Size() != size || uint64(tree.Chunks().Len()) != chunks {
			t.Errorf("height %d of %d bytes, want %d of %d", tree.Height(), tree.Chunks().Size(), height, size)
		}
	})
}
