package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// brokenAt reads an image up to an offset, and fails behind it while broken.
type brokenAt struct {
	io.ReaderAt
	off    int64
	broken bool
}

var errBroken = errors.New("cable cut")

func (b *brokenAt) ReadAt(p []byte, off int64) (int, error) {
	if b.broken && off+int64(len(p)) > b.off {
		return 0, fmt.Errorf("get: %w", errBroken)
	}
	return b.ReaderAt.ReadAt(p, off)
}

func TestViewReadFails(t *testing.T) {
	t.Parallel()
	image := imageOf(t, dbtest.Options{}, "CREATE VIRTUAL TABLE words USING fts5(text)", "INSERT INTO words SELECT body FROM posts")
	for off := int64(0); off < int64(len(image)); off += 4096 {
		r := &brokenAt{ReaderAt: bytes.NewReader(image), off: off, broken: true}
		v, err := sqlite.OpenView(t.Context(), r, int64(len(image)))
		if off == 0 {
			if !errors.Is(err, errBroken) {
				t.Errorf("open: got %v, want %v", err, errBroken)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, sql := range []string{"PRAGMA integrity_check", "SELECT count(*) FROM words('word1')", "SELECT sum(length(data)) FROM sqlite_dbpage", "SELECT body FROM posts ORDER BY body"} {
			got, err := askView(v, sql)
			if err == nil && sql == "SELECT sum(length(data)) FROM sqlite_dbpage" {
				t.Errorf("%s, broken at %d: got %q, want an error", sql, off, got)
			}
			if err != nil && !errors.Is(err, errBroken) {
				t.Errorf("%s, broken at %d: got %v, want %v", sql, off, err, errBroken)
			}
		}
		r.broken = false
		wantAnswer(t, v, "SELECT count(*) FROM posts", "count(*)", "int64 180")
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestViewCancelled(t *testing.T) {
	t.Parallel()
	image := imageOf(t, dbtest.Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	v := viewOf(t, ctx, bytes.NewReader(image), len(image))
	enough := errors.New("enough")
	const endless = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c WHERE i % 1000 = 0"
	n := 0
	err := v.Query(endless, func([]string) error { return nil }, func([]any) error {
		if n++; n == 3 {
			cancel(enough)
		}
		return nil
	})
	if !errors.Is(err, enough) || n < 3 {
		t.Errorf("cancelled in a query: got %v after %d rows, want %v", err, n, enough)
	}
	if _, err := askView(v, "SELECT 1"); !errors.Is(err, enough) {
		t.Errorf("cancelled before a query: got %v, want %v", err, enough)
	}
}

func TestViewBad(t *testing.T) {
	t.Parallel()
	image := imageOf(t, dbtest.Options{})
	header := func(change func(b []byte)) []byte {
		b := bytes.Clone(image)
		change(b)
		return b
	}
	for name, tt := range map[string]struct {
		image []byte
		want  error
	}{
		"Empty":       {nil, sqlite.ErrEmpty},
		"OneByte":     {[]byte{0}, sqlite.ErrNotDatabase},
		"Text":        {bytes.Repeat([]byte("no database. "), 1000), sqlite.ErrNotDatabase},
		"Magic":       {header(func(b []byte) { b[0] = 's' }), sqlite.ErrNotDatabase},
		"PageSize":    {header(func(b []byte) { b[16] = 3 }), sqlite.ErrNotDatabase},
		"Version":     {header(func(b []byte) { b[19] = 9 }), sqlite.ErrNotDatabase},
		"HalfAPage":   {image[:len(image)-2048], sqlite.ErrCorrupt},
		"PageMissing": {image[:len(image)-4096], sqlite.ErrCorrupt},
		"PageTooMany": {append(bytes.Clone(image), make([]byte, 4096)...), sqlite.ErrCorrupt},
		"HeaderOnly":  {image[:100], sqlite.ErrNotDatabase},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := sqlite.OpenView(t.Context(), bytes.NewReader(tt.image), int64(len(tt.image)))
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if err == nil {
				v.Close()
			}
		})
	}
	t.Run("ShorterThanSaid", func(t *testing.T) {
		t.Parallel()
		v := viewOf(t, t.Context(), bytes.NewReader(image[:len(image)/2]), len(image))
		if _, err := askView(v, "PRAGMA integrity_check"); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v, want %v", err, io.ErrUnexpectedEOF)
		}
	})
	t.Run("Malformed", func(t *testing.T) {
		t.Parallel()
		v := view(t, header(func(b []byte) { clear(b[4096:]) }))
		if _, err := askView(v, "SELECT * FROM users"); !errors.Is(err, sqlite.ErrCorrupt) {
			t.Errorf("got %v, want %v", err, sqlite.ErrCorrupt)
		}
	})
}

// TestViews opens many views at once, in several goroutines, and queries one view within the rows of another.
func TestViews(t *testing.T) {
	t.Parallel()
	var images [3][]byte
	for i := range images {
		images[i] = imageOf(t, dbtest.Options{Seed: uint64(i), Rows: 40 * (i + 1)})
	}
	var all sync.WaitGroup
	for n := range 12 {
		all.Go(func() {
			image := images[n%3]
			v := view(t, image)
			want := []string{"count(*)", fmt.Sprintf("int64 %d", 40*(n%3+1))}
			wantAnswer(t, v, "SELECT count(*) FROM sessions", want...)
			inner := view(t, image)
			err := v.Query("SELECT 1 FROM ledger_a", func([]string) error { return nil }, func([]any) error {
				wantAnswer(t, inner, "SELECT count(*) FROM sessions", want...)
				wantAnswer(t, v, "SELECT count(*) FROM sessions", want...)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
