package check

import (
	"context"
	"slices"
	"sync"
)

// trace finds out which rows and entries of one index do not belong together, in two more passes over the two trees. The
// first pass sums up hashes in buckets; the second keeps what is in buckets that are not level, so that memory is bounded
// where little is wrong and where all is.
type trace struct {
	mu      sync.Mutex
	index   *index
	buckets [1 << 12]sum // rows less entries: each entry is added with the opposite number
	keep    bool         // the second pass
	kept    map[sum]traced
}

// traced is a row, or an entry.
type traced struct {
	count int // rows less entries
	rowID int64
	page  uint32
}

// keptEntries is how many rows and entries the second pass keeps at most.
const keptEntries = 10_000

// reported is how many rows or entries of an index are named.
const reported = 5

// add notes a row, or an entry for which n is -1.
func (t *trace) add(x *index, h sum, n int, rowID int64, page uint32) {
	if t == nil || x != t.index {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	b := &t.buckets[h.low%uint64(len(t.buckets))]
	switch {
	case !t.keep && n < 0:
		b.add(h.negative())
	case !t.keep:
		b.add(h)
	case *b != sum{} && len(t.kept) < keptEntries:
		was := t.kept[h]
		t.kept[h] = traced{was.count + n, rowID, page}
	}
}

// locate names rows and entries of an index whose entries differ from its rows.
func (c *checker) locate(ctx context.Context, number int) error {
	t := &trace{}
	for _, t.keep = range []bool{false, true} {
		again := newChecker(Image{c.reader, c.size}, c.hasher, Options{})
		again.trace = t
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		again.stop = stop
		if ok, err := again.open(); !ok || err != nil {
			return err
		}
		if err := again.plan(); err != nil || number >= len(again.indexes) {
			return err
		}
		t.index = again.indexes[number]
		again.forest = slices.DeleteFunc(again.forest, func(k *tree) bool {
			return k.index != t.index && (k.rows == nil || k.table != t.index.table)
		})
		t.kept = map[sum]traced{}
		if err := again.trees(ctx, 1); err != nil {
			return err
		}
	}
	c.report(t)
	return nil
}

// report notes what was traced.
func (c *checker) report(t *trace) {
	var list []traced
	for _, k := range t.kept {
		if k.count != 0 {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, func(a, b traced) int {
		return slices.Compare([]int64{a.rowID, int64(a.count)}, []int64{b.rowID, int64(b.count)})
	})
	for _, k := range list[:min(len(list), reported)] {
		text := "a row is missing from the index"
		if k.count < 0 {
			text = "an entry of the index has no such row"
		}
		c.find(Finding{Kind: Entries, Table: t.index.table.name, Index: t.index.name, RowID: k.rowID,
			HasRow: !t.index.table.withoutRowid, Page: k.page, Text: text})
	}
}
