package chunk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
)

// A list node is the plaintext of a blob of kind [Node]
// (docs/format.md, section 3):
//
//	offset  size  field
//	0       1     level: 1 refers to chunks, n to nodes of level n-1
//	1       40*k  entries: ID (32), span in bytes (8, little-endian)
const (
	nodeHeader = 1
	entryLen   = IDLen + 8
)

// A node ends after an entry whose ID begins with cutMask's bits zero, so that
// equal runs of entries make equal nodes wherever they stand.
const (
	minNodeEntries = 32
	maxNodeEntries = 512
	cutMask        = 0x7f
)

// maxLevels is more than any image can need: 512^7 chunks.
const maxLevels = 8

// maxImage is more than any image can have, and few enough bytes that the sum
// of two spans does not overflow.
const maxImage = 1 << 62

// sharedEntries is how many more entries a level may have than different nodes account for:
// as many as some hundred gigabytes of zeros, whose chunks are all the same, and nodes too.
const sharedEntries = 1 << 22

// maxSpan returns how many bytes an entry in a node of a level may span.
func maxSpan(level int) uint64 {
	if level == 1 {
		return MaxPlain // a chunk
	}
	return maxImage
}

// ErrTree is returned when list nodes do not form the tree of an image.
var ErrTree = errors.New("malformed list tree")

// Tree is the list of an image's chunks and the nodes above it.
type Tree struct {
	Levels []List // Levels[0] holds the chunks, the last one the root alone
}

// Chunks returns the list of the image's chunks.
func (t *Tree) Chunks() *List { return &t.Levels[0] }

// Root returns the ID that stands for the image.
func (t *Tree) Root() ID { return t.Levels[len(t.Levels)-1].Entries[0].ID }

// Height returns the number of node levels, at least 1.
func (t *Tree) Height() int { return len(t.Levels) - 1 }

// IDs returns the IDs of all blobs of the tree, chunks and nodes.
func (t *Tree) IDs() iter.Seq[ID] {
	return func(yield func(ID) bool) {
		for _, list := range t.Levels {
			for _, e := range list.Entries {
				if !yield(e.ID) {
					return
				}
			}
		}
	}
}

// NewNode is a node that [Build] has made.
type NewNode struct {
	Entry
	Level  int
	Offset uint64 // of its first byte in the image
	Plain  []byte // valid during the call only
}

// Build makes the tree over a list of chunks. It hands every node to emit,
// children before parents.
func Build(chunks List, name Namer, emit func(NewNode) error) (*Tree, error) {
	t := &Tree{Levels: []List{chunks}}
	for level := 1; ; level++ {
		below := &t.Levels[level-1]
		if level > 1 && below.Len() == 1 {
			return t, nil
		}
		above, err := buildLevel(below, level, name, emit)
		if err != nil {
			return nil, err
		}
		t.Levels = append(t.Levels, *above)
	}
}

// buildLevel groups the entries of one level into nodes.
func buildLevel(below *List, level int, name Namer, emit func(NewNode) error) (*List, error) {
	above := &List{}
	for at := 0; at < below.Len() || above.Len() == 0; {
		n := nodeEnd(below.Entries[at:])
		plain := encodeNode(level, below.Entries[at:at+n])
		node := NewNode{
			Entry:  Entry{ID: name(Node, plain), Span: below.Offset(at+n) - below.Offset(at)},
			Level:  level,
			Offset: below.Offset(at),
			Plain:  plain,
		}
		if err := emit(node); err != nil {
			return nil, err
		}
		above.Append(node.Entry)
		at += n
	}
	return above, nil
}

// nodeEnd returns how many of the entries the next node takes.
func nodeEnd(entries []Entry) int {
	for i, e := range entries {
		n := i + 1
		if n == maxNodeEntries || n >= minNodeEntries && e.ID[0]&cutMask == 0 {
			return n
		}
	}
	return len(entries)
}

func encodeNode(level int, entries []Entry) []byte {
	plain := make([]byte, 0, nodeHeader+entryLen*len(entries))
	plain = append(plain, byte(level))
	for _, e := range entries {
		plain = append(plain, e.ID[:]...)
		plain = binary.LittleEndian.AppendUint64(plain, e.Span)
	}
	return plain
}

// DecodeNode returns the level and the entries of a node's plaintext.
func DecodeNode(plain []byte) (level int, entries []Entry, err error) {
	n := (len(plain) - nodeHeader) / entryLen
	if len(plain) < nodeHeader || (len(plain)-nodeHeader)%entryLen != 0 || n > maxNodeEntries {
		return 0, nil, fmt.Errorf("%w: node of %d bytes", ErrTree, len(plain))
	}
	level = int(plain[0])
	if level < 1 || level > maxLevels {
		return 0, nil, fmt.Errorf("%w: node of level %d", ErrTree, level)
	}
	entries = make([]Entry, n)
	for i := range entries {
		e := plain[nodeHeader+i*entryLen:][:entryLen]
		copy(entries[i].ID[:], e)
		entries[i].Span = binary.LittleEndian.Uint64(e[IDLen:])
		if span := entries[i].Span; span == 0 || span > maxSpan(level) {
			return 0, nil, fmt.Errorf("%w: entry of level %d that spans %d bytes", ErrTree, level, span)
		}
	}
	return level, entries, nil
}

// Load reads the tree of an image of size bytes from its root down. The image has as
// many chunks as the caller says, and no level is held that has more entries. The read
// function returns the plaintexts of some nodes of one level, all and in order; it is
// asked for each node of a level once.
func Load(root ID, height int, size, chunks uint64, read func(ids []ID) ([][]byte, error)) (*Tree, error) {
	if height < 1 || height > maxLevels || size > maxImage {
		return nil, fmt.Errorf("%w: height %d of %d bytes", ErrTree, height, size)
	}
	t := &Tree{Levels: make([]List, height+1)}
	t.Levels[height].Append(Entry{ID: root, Span: size})
	for level := height; level >= 1; level-- {
		if err := t.loadLevel(level, chunks, read); err != nil {
			return nil, err
		}
	}
	if n := uint64(t.Chunks().Len()); n != chunks {
		return nil, fmt.Errorf("%w: %d chunks, want %d", ErrTree, n, chunks)
	}
	return t, nil
}

// loadLevel reads the nodes of one level and lists their entries.
func (t *Tree) loadLevel(level int, chunks uint64, read func(ids []ID) ([][]byte, error)) error {
	nodes, below := t.Levels[level].Entries, &t.Levels[level-1]
	ids, which := distinct(nodes)
	plains, err := read(ids)
	if err != nil {
		return err
	}
	if len(plains) != len(ids) {
		return fmt.Errorf("%w: %d nodes of level %d, want %d", ErrTree, len(plains), level, len(ids))
	}
	entries := uint64(0)
	for _, i := range which {
		entries += uint64(len(plains[i]) / entryLen)
	}
	// Each entry stands for a chunk at least. A few nodes that refer to one another over
	// and over would make a list that no memory holds: such a list is not begun.
	if most := min(chunks, MaxChunks(len(ids))); entries > most {
		return fmt.Errorf("%w: %d entries in %d nodes of level %d, want at most %d", ErrTree, entries, len(ids), level, most)
	}
	below.Grow(int(entries))
	for i, node := range nodes {
		if err := appendNode(below, level, node, plains[which[i]]); err != nil {
			return err
		}
	}
	return nil
}

// MaxChunks returns how many chunks an image may have whose tree has so many different nodes
// of level 1. A node may stand in the tree more than once.
func MaxChunks(nodes int) uint64 { return sharedEntries + maxNodeEntries*uint64(nodes) }

// distinct returns the different IDs of nodes, and for each node the place of its ID among them.
func distinct(nodes []Entry) (ids []ID, which []int) {
	known := make(map[ID]int, len(nodes))
	which = make([]int, len(nodes))
	for i, n := range nodes {
		at, ok := known[n.ID]
		if !ok {
			at = len(ids)
			known[n.ID], ids = at, append(ids, n.ID)
		}
		which[i] = at
	}
	return ids, which
}

// ParseNode returns the entries of a node of a level, and checks the node against the entry
// that refers to it. Offsets in the list count from the node's first byte.
func ParseNode(level int, node Entry, plain []byte) (*List, error) {
	below := &List{}
	return below, appendNode(below, level, node, plain)
}

// appendNode checks a node against the entry that refers to it.
func appendNode(below *List, level int, node Entry, plain []byte) error {
	got, entries, err := DecodeNode(plain)
	if err != nil {
		return fmt.Errorf("node %s: %w", node.ID, err)
	}
	var span uint64
	for _, e := range entries {
		span += e.Span
		if span > node.Span {
			break
		}
		below.Append(e)
	}
	if got != level || span != node.Span {
		return fmt.Errorf("%w: node %s has level %d and spans %d bytes, its parent says %d and %d",
			ErrTree, node.ID, got, span, level, node.Span)
	}
	return nil
}
