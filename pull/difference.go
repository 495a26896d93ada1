package pull

import (
	"context"
	"encoding/json"
	"io"

	"firn/repo"
	"firn/snapshot"
)

// Differing is the method of [repo.DistantImage].
func (i *image) Differing(ctx context.Context, since *snapshot.Snapshot, trusted bool, stored *repo.ImageReader) (d repo.Differences, err error) {
	if err := i.begin(); err != nil {
		return d, i.fail(err)
	}
	old := since.Image()
	if i.distrust.Load() {
		return d, nil
	}
	if old.PageSize != i.described.PageSize || old.Export != i.described.Export || old.Size != stored.Size() {
		return d, nil
	}
	if d, err = i.find(ctx, old, trusted, stored); err != nil {
		return d, i.fail(err)
	}
	if !d.Known {
		return d, nil
	}
	return d, i.fail(i.want(d.Ranges, stored.At(ctx)))
}

// want asks for the pages in ranges. The others are the stored ones.
func (i *image) want(ranges [][2]int64, stored io.ReaderAt) error {
	i.ranges, i.stored = ranges, stored
	if err := i.exchange.sendRanges(Wanted, Read, ranges, int64(i.described.PageSize)); err != nil {
		return err
	}
	i.receive()
	return nil
}

// find asks for the changes since an old image, or compares all pages with it.
func (i *image) find(ctx context.Context, old *snapshot.Image, trusted bool, stored *repo.ImageReader) (d repo.Differences, err error) {
	i.table = i.load(old)
	if trusted && !i.request.Compact {
		if d.Ranges, d.Known, err = i.changes(old.Size, old.Fingerprint); err != nil || d.Known {
			return d, err
		}
	}
	if i.table == nil {
		if err := i.makeTable(ctx, old.PageSize, stored); err != nil || i.table == nil {
			return repo.Differences{}, err
		}
	}
	ranges, known, err := i.compare()
	if err != nil || !known {
		i.table = nil
		return repo.Differences{}, err
	}
	return repo.Differences{Ranges: ranges, Known: true, Compared: true}, nil
}

// makeTable makes the table of the stored image, while the agent has no image open: that may take long, and would hold up the
// application. There is no table afterwards if the stored image cannot be read.
func (i *image) makeTable(ctx context.Context, pageSize int, stored *repo.ImageReader) error {
	i.end()
	t, err := tableOf(ctx, stored, pageSize)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		i.table = t
	}
	return i.begin()
}

// load returns the table of an old image, nil for none.
func (i *image) load(old *snapshot.Image) *Table {
	if i.tablePath == "" {
		return nil
	}
	t, err := loadTable(i.tablePath, old.Root, old.PageSize)
	if err != nil || int64(len(t.hashes)) != old.PageCount {
		return nil
	}
	return t
}

// tableOf makes the table of a stored image.
func tableOf(ctx context.Context, stored *repo.ImageReader, pageSize int) (*Table, error) {
	t := newTable(pageSize)
	return t, stored.Copy(ctx, t.writer())
}

// changes asks which pages have changed since an image with a size and a fingerprint.
func (i *image) changes(size int64, since json.RawMessage) (ranges [][2]int64, known bool, err error) {
	if err := i.exchange.send(Changes, since); err != nil {
		return nil, false, err
	}
	r := NewRangeReader(int64(i.described.PageSize), i.described.Size)
	r.beside = size
	for {
		kind, content, err := i.exchange.next()
		if err != nil || kind == Unknown {
			return nil, false, err
		}
		if kind != Ranges && kind != Known {
			return nil, false, unexpected(kind)
		}
		if err := r.Add(content); err != nil {
			return nil, false, err
		}
		if kind == Known {
			return r.Ranges(), true, r.complete()
		}
	}
}

// compare asks for the hash of each page, and returns the ranges in which the image differs from the table's. It reports false
// if they have pages of different sizes.
func (i *image) compare() (ranges [][2]int64, known bool, err error) {
	if err := i.exchange.send(Hash, i.table.key[:]); err != nil {
		return nil, false, err
	}
	if err := i.settle(); err != nil {
		return nil, false, err
	}
	c := i.table.comparison()
	if err := c.receive(i.exchange, i.described.PageCount); err != nil {
		return nil, false, err
	}
	return c.ranges, i.described.PageSize == i.table.pageSize, nil
}
