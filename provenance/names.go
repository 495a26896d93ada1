package provenance

import (
	"fmt"
	"io"

	"firn/btree"
)

// nameBytes is how much of the name of a table is shown.
const nameBytes = 64

// names describes pages by their numbers and by what they are part of in a stored image. Their part cannot have changed since:
// SQLite has not written them.
func names(stored io.ReaderAt, size int64, pages []uint32) []string {
	var owners map[uint32]btree.Owner
	if f, err := btree.Open(stored, size); err == nil { // without it, the numbers must do
		owners = f.Owners(pages)
	}
	described := make([]string, len(pages))
	for i, page := range pages {
		described[i] = fmt.Sprintf("page %d%s", page, describe(owners[page]))
	}
	return described
}

// describe returns the words that follow the number of a page.
func describe(o btree.Owner) string {
	switch {
	case o.Free:
		return " (free)"
	case o.PointerMap:
		return " (a pointer map)"
	case o.Type == "index":
		return fmt.Sprintf(" of index %.*q", nameBytes, o.Name)
	case o.Type != "": // any text in a hostile schema
		return fmt.Sprintf(" of table %.*q", nameBytes, o.Name)
	}
	return ""
}
