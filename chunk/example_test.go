package chunk_test

import (
	"bytes"
	"fmt"
	"io"
	"log"

	"firn/chunk"
)

// An image is cut, changed in one place, and cut again with the first list as
// its parent: all boundaries stay, one chunk is new.
func ExampleSplitter() {
	params := chunk.Params{Min: 4 << 10, Max: 32 << 10, AverageBits: 13, Polynomial: 0x3DA3358B4DC173}
	list := func(image []byte, parent *chunk.List) *chunk.List {
		var l chunk.List
		s := chunk.NewSplitter(bytes.NewReader(image), params, parent, name)
		for {
			c, err := s.Next()
			if err == io.EOF {
				return &l
			}
			if err != nil {
				log.Fatal(err)
			}
			if c.ID.IsZero() {
				c.ID = name(chunk.Data, c.Data)
			}
			l.Append(chunk.Entry{ID: c.ID, Span: uint64(len(c.Data))})
		}
	}
	image := noise(1, 100_000)
	before := list(image, nil)
	copy(image[50_000:], "one changed row")
	after := list(image, before)
	for i, e := range after.Entries {
		fmt.Printf("at %6d: %6d bytes, new: %t\n", after.Offset(i), e.Span, e.ID != before.Entries[i].ID)
	}
	// Output:
	// at      0:   4835 bytes, new: false
	// at   4835:   6099 bytes, new: false
	// at  10934:  32768 bytes, new: false
	// at  43702:  11516 bytes, new: true
	// at  55218:  10153 bytes, new: false
	// at  65371:   7580 bytes, new: false
	// at  72951:   9975 bytes, new: false
	// at  82926:  17074 bytes, new: false
}

// A list becomes a tree whose root stands for the image; the nodes lead back.
func ExampleBuild() {
	var list chunk.List
	for i := range 1000 {
		list.Append(chunk.Entry{ID: name(chunk.Data, []byte{byte(i), byte(i >> 8)}), Span: 100_000})
	}
	stored := make(map[chunk.ID][]byte)
	tree, err := chunk.Build(list, name, func(n chunk.NewNode) error {
		stored[n.ID] = bytes.Clone(n.Plain)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	back, err := chunk.Load(tree.Root(), tree.Height(), list.Size(), uint64(list.Len()), func(ids []chunk.ID) ([][]byte, error) {
		var plains [][]byte
		for _, id := range ids {
			plains = append(plains, stored[id])
		}
		return plains, nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(back.Chunks().Len(), "chunks of", back.Chunks().Size(), "bytes under", len(stored), "nodes")
	// Output: 1000 chunks of 100000000 bytes under 8 nodes
}
