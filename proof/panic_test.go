package proof_test

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/proof"
	"firn/repo"
	"firn/snapshot"
)

// brittle panics, or fails, when it is read beyond the first page.
type brittle struct {
	proof.Image
	panics bool
}

func (f brittle) ReadAt(p []byte, offset int64) (int, error) {
	if offset > 0 && f.panics {
		panic("a bug")
	}
	if offset > 0 {
		return 0, errors.New("a disk fails")
	}
	return f.Reader.ReadAt(p, offset)
}

// TestProveNeverFails checks that a bug or a disk that fails keeps a snapshot from its proof alone.
func TestProveNeverFails(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	dbtest.Exec(t, dbtest.Open(t, path), "CREATE TABLE t(a); CREATE INDEX i ON t(a); INSERT INTO t VALUES (1)")
	image := imageOf(readImage(t, path))
	for panics, want := range map[bool]string{true: "internal error: a bug", false: "a disk fails"} {
		var told []string
		p := proof.Prover{Now: time.Now, Failed: func(err error) { told = append(told, err.Error()) }}
		v := p.Prove(t.Context(), &repo.Change{Image: brittle{image, panics}, Size: image.Size})
		if v != nil || len(told) != 1 || !strings.Contains(told[0], want) {
			t.Errorf("got %+v, %q, want %q", v, told, want)
		}
	}
}

// TestProveWithoutOlder checks that all pages are checked if the older image cannot be read.
func TestProveWithoutOlder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, "CREATE TABLE t(a, b); CREATE INDEX i ON t(a); INSERT INTO t VALUES (1, zeroblob(9000))")
	older := imageOf(readImage(t, path))
	dbtest.Exec(t, db, "UPDATE t SET a = 2")
	b := readImage(t, path)
	now := time.Now()
	p := proof.Prover{Now: func() time.Time { return now }, Failed: func(err error) { t.Error(err) }}
	parent := &snapshot.Snapshot{ID: snapshot.NewID(), Verified: &snapshot.Verification{Time: now, How: snapshot.HowPages}}
	for name, tt := range map[string]struct {
		older io.ReaderAt
		how   string
	}{"Read": {older.Reader, snapshot.HowDifference}, "Failing": {brittle{older, false}, snapshot.HowPages}} {
		c := changeOf(parent, b)
		c.Older, c.OlderSize, c.Differing = tt.older, older.Size, everywhere(b)
		if v := p.Prove(t.Context(), c); v == nil || !v.Sound() || v.How != tt.how {
			t.Errorf("%s: got %+v", name, v)
		}
	}
}
