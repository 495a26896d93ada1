package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"firn/outcome"
	"firn/provenance"
	"firn/repo"
	"firn/snapshot"
	"firn/sqlite"
)

// Source returns the database file at a path as a source of backups. Its errors, and those of its images, are marked by
// [outcome.OfSource].
func Source(path string, opts sqlite.Options) repo.Source {
	return func(ctx context.Context) (repo.SourceImage, error) {
		i, err := openImage(ctx, path, opts)
		if err != nil {
			return nil, outcome.OfSource(err)
		}
		return i, nil
	}
}

// image adapts a [sqlite.Image] to [repo.SourceImage], since the two packages do not know each other. All calls that touch
// the database run on the thread of its site.
type image struct {
	*sqlite.Image
	site    *Site
	left    func() error // called after the image was closed; it closes the site
	compact bool
	reading sync.Mutex       // of ReadAt
	access  *snapshot.Access // nil where it is not known
}

// The engine finds these optional methods by a type assertion. Without them it would silently read whole databases, and
// would not notice that a slow store holds up an application.
var (
	_ repo.SparseImage = (*image)(nil)
	_ repo.TracedImage = (*image)(nil)
	_ repo.LiveImage   = (*image)(nil)
	_ repo.HeldImage   = (*image)(nil)
)

// openImage opens an image of the database at a path. The caller closes it.
func openImage(ctx context.Context, path string, opts sqlite.Options) (*image, error) {
	s, err := Reach(path)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return s.openImage(ctx, path, opts, s.Close)
}

// openImage opens an image of the site's database. Errors call it by the path. left is called if that fails, or after the image
// was closed.
func (s *Site) openImage(ctx context.Context, path string, opts sqlite.Options, left func() error) (*image, error) {
	i := &image{site: s, left: left, compact: opts.Compact, access: s.Access()}
	err := s.At(func(inner string) (err error) {
		i.Image, err = sqlite.Open(ctx, inner, s.Options(path, opts))
		return err
	})
	if err != nil {
		return nil, errors.Join(err, left())
	}
	return i, nil
}

// Describe returns the properties of the image that its snapshot records.
func (i *image) Describe() snapshot.Image {
	info := i.Info()
	fingerprint, err := json.Marshal(i.Fingerprint())
	if err != nil {
		fingerprint = nil // then the next run reads all pages
	}
	export := snapshot.ExportPages
	if i.compact {
		export = snapshot.ExportCompact
	}
	described := snapshot.Image{
		Size:          info.Size,
		PageSize:      info.PageSize,
		PageCount:     info.PageCount,
		JournalMode:   info.JournalMode,
		UserVersion:   info.UserVersion,
		ApplicationID: info.ApplicationID,
		SchemaHash:    info.SchemaHash,
		Export:        export,
		Fingerprint:   fingerprint,
		Access:        i.access,
	}
	if rows, known := i.Rows(); known {
		described.SetRows(recordedRows(rows))
	}
	return described
}

// recordedRows returns row counts for a record. SQLite allows names that are not UTF-8 and JSON does not, so wrong bytes are
// replaced.
func recordedRows(rows []sqlite.TableRows) []snapshot.TableRows {
	recorded := make([]snapshot.TableRows, 0, len(rows))
	for _, r := range rows {
		recorded = append(recorded, snapshot.TableRows{Name: strings.ToValidUTF8(r.Name, "\ufffd"), Rows: r.Rows})
	}
	return recorded
}

// Unchanged reports whether the database certainly has the same content as at the time of the fingerprint.
func (i *image) Unchanged(fingerprint json.RawMessage) bool {
	var old sqlite.Fingerprint
	return json.Unmarshal(fingerprint, &old) == nil && i.Image.Unchanged(old)
}

// Changed returns the ranges of bytes that may have changed since the database had the snapshot's fingerprint, and whether
// they are known.
func (i *image) Changed(since *snapshot.Snapshot) (changed [][2]int64, known bool) {
	var old sqlite.Fingerprint
	if json.Unmarshal(since.Image().Fingerprint, &old) != nil {
		return nil, false
	}
	_ = i.site.Do(func() error { changed, known = i.Image.Changed(old); return nil })
	return changed, known
}

// Trace returns a trace of the changes since a snapshot, nil if it is not certain which pages SQLite has written since.
func (i *image) Trace(since *snapshot.Snapshot) repo.Trace {
	var old sqlite.Fingerprint
	if json.Unmarshal(since.Image().Fingerprint, &old) != nil {
		return nil
	}
	var written [][2]int64
	known := false
	_ = i.site.Do(func() error { written, known = i.Image.Written(old); return nil })
	if !known {
		return nil
	}
	return provenance.New(i.Info().PageSize, written, since)
}

// Read reads from the image and marks its errors as errors of the source, so that they differ from the repository's.
func (i *image) Read(p []byte) (n int, err error) {
	err = i.site.Do(func() (err error) { n, err = i.Image.Read(p); return err })
	if err != nil && !errors.Is(err, io.EOF) {
		err = outcome.OfSource(err)
	}
	return n, err
}

// Skip passes over bytes of the image and marks its errors as Read does.
func (i *image) Skip(n int64) error {
	if err := i.site.Do(func() error { return i.Image.Skip(n) }); err != nil {
		return outcome.OfSource(err)
	}
	return nil
}

// ReadAt reads bytes of an image that is held: see [sqlite.Image.ReadAt]. Its errors are not those of the image.
func (i *image) ReadAt(p []byte, offset int64) (n int, err error) {
	i.reading.Lock()
	defer i.reading.Unlock()
	err = i.site.Do(func() (err error) { n, err = i.Image.ReadAt(p, offset); return err })
	return n, err
}

// Release is [sqlite.Image.Release].
func (i *image) Release() error {
	i.reading.Lock()
	defer i.reading.Unlock()
	return i.site.Do(i.Image.Release)
}

// Scan is [sqlite.Image.Scan], with errors marked as Read does. Observe runs with the rights of the site.
func (i *image) Scan(observe func(page []byte) error) error {
	if err := i.site.Do(func() error { return i.Image.Scan(observe) }); err != nil {
		return outcome.OfSource(err)
	}
	return nil
}

// Close closes the image and its site.
func (i *image) Close() error {
	return errors.Join(i.site.Do(i.Image.Close), i.left())
}
