package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"firn/repo"
	"firn/snapshot"
	"firn/sqlite"
)

// source makes a database file something to back up.
func source(path string, opts sqlite.Options) repo.Source {
	return func(ctx context.Context) (repo.Image, error) {
		i, err := sqlite.Open(ctx, path, opts)
		if err != nil {
			return nil, &sourceError{err}
		}
		return &image{i, opts.Compact}, nil
	}
}

// image is a [sqlite.Image] as [repo.Image]: the two packages do not know each other.
type image struct {
	*sqlite.Image
	compact bool
}

// A database of which all is read would not be noticed, nor one that a slow store holds up.
var (
	_ repo.SparseImage = (*image)(nil)
	_ repo.LiveImage   = (*image)(nil)
)

// Read tells errors of the source from those of the repository.
func (i *image) Read(p []byte) (int, error) {
	n, err := i.Image.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &sourceError{err}
	}
	return n, err
}

// Describe says what the record shall say of the image.
func (i *image) Describe() snapshot.Image {
	info := i.Info()
	fingerprint, err := json.Marshal(i.Fingerprint())
	if err != nil {
		fingerprint = nil // then the next run reads all pages
	}
	export := exportPages
	if i.compact {
		export = exportCompact
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
	}
	if rows, known := i.Rows(); known {
		described.SetRows(recordedRows(rows))
	}
	return described
}

// recordedRows makes rows part of a record. JSON has no names that are not UTF-8, which SQLite allows.
func recordedRows(rows []sqlite.TableRows) []snapshot.TableRows {
	recorded := make([]snapshot.TableRows, 0, len(rows))
	for _, r := range rows {
		recorded = append(recorded, snapshot.TableRows{Name: strings.ToValidUTF8(r.Name, "\ufffd"), Rows: r.Rows})
	}
	return recorded
}

// Unchanged reports whether the database is certain to hold what it held at
// the time of the fingerprint.
func (i *image) Unchanged(fingerprint json.RawMessage) bool {
	var old sqlite.Fingerprint
	return json.Unmarshal(fingerprint, &old) == nil && i.Image.Unchanged(old)
}

// Changed tells what has changed since the database had the snapshot's fingerprint.
func (i *image) Changed(since *snapshot.Snapshot) ([][2]int64, bool) {
	var old sqlite.Fingerprint
	if json.Unmarshal(since.Image().Fingerprint, &old) != nil {
		return nil, false
	}
	return i.Image.Changed(old)
}

// Skip tells errors of the source from those of the repository, like Read.
func (i *image) Skip(n int64) error {
	if err := i.Image.Skip(n); err != nil {
		return &sourceError{err}
	}
	return nil
}
