package verify

import (
	"context"
	"errors"
	"io"
	"strings"

	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
)

const (
	// drillLeast is how many bytes of an image a drill may cost in any case. A larger image may cost the drillShare-th part of it:
	// SQL that reads more is faster on a file.
	drillLeast = 32 << 20
	drillShare = 4
	// stretchBytes is the size of an average chunk, the least part of an image that is fetched and decoded.
	stretchBytes = 64 << 10
)

// drill looks at a snapshot whose database was found sound before. It opens the database in the repository, and runs the
// environment's own SQL there, "" for none. Where that does not work, whatever the reason, the snapshot is restored for the SQL. That is
// all that is looked at: the IDs of the chunks prove that the bytes are those that were found sound.
func (r *run) drill(ctx context.Context, snap *snapshot.Snapshot, sql string) (saw inspection, err error) {
	saw = r.known(snap, sql)
	if err = r.query(ctx, snap, sql, &saw); err == nil {
		return saw, nil
	}
	r.Detail("snapshot %s is restored, to be looked at: %v", snap.ID.Short(), err)
	saw = r.known(snap, sql)
	err = r.restoreApart(ctx, snap, &saw, func(image *site.Staged) error { return saw.runOnFile(ctx, image, sql) })
	return saw, err
}

// known returns what is known of a snapshot before SQL is run on it.
func (r *run) known(snap *snapshot.Snapshot, sql string) inspection {
	known := *snap.Verified
	saw := inspection{how: known.How, since: known.Since, whole: known.Checked(), unchecked: known.Unchecked}
	if sql == "" && known.Sound() && snapshot.Unsettled(r.All)[snap] == nil {
		known.Whole = known.Checked() // nothing is checked now
		saw.recorded = &known
	}
	if !known.Sound() { // by SQL, which may be another one now, or none
		saw.how = strings.TrimSuffix(saw.how, snapshot.HowOwnSQL)
	}
	return saw
}

// query opens the database of a snapshot in the repository and runs SQL.
func (r *run) query(ctx context.Context, snap *snapshot.Snapshot, sql string, saw *inspection) (err error) {
	image, err := r.Repo.ImageAt(ctx, snap)
	if err != nil {
		return err
	}
	budget := &frugal{image: image, left: max(drillLeast, image.Size()/drillShare), last: -1}
	v, err := sqlite.OpenView(ctx, budget, image.Size())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	if sql == "" {
		return nil
	}
	return saw.runSQL(func() ([]string, error) {
		rows, err := v.Violations(sql)
		if errors.Is(err, sqlite.ErrReadOnly) {
			return nil, errTakesFile
		}
		return rows, err
	})
}

var (
	errTakesFile = errors.New("its verify SQL takes a file")
	errCostly    = errors.New("its verify SQL reads much of the database")
)

// frugal reads an image until that has cost too much. SQLite reads page by page: a page costs a stretch of the image, unless the
// last page was of the same stretch.
type frugal struct {
	image io.ReaderAt
	left  int64 // bytes
	last  int64 // the stretch that was read last
}

// ReadAt implements [io.ReaderAt].
func (f *frugal) ReadAt(p []byte, off int64) (int, error) {
	if stretch := off / stretchBytes; stretch != f.last {
		f.last = stretch
		f.left -= stretchBytes
	}
	if f.left < 0 {
		return 0, errCostly
	}
	return f.image.ReadAt(p, off)
}
