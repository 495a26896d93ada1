package verify

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"firn/proof"
	"firn/snapshot"
	"firn/sqlite"
)

// TestCompare joins what firn's check and SQLite's have found.
func TestCompare(t *testing.T) {
	t.Parallel()
	wrong := func(message string) error { return &sqlite.IntegrityError{Path: "x", Messages: []string{message}} }
	partly := &sqlite.UncheckedError{Messages: []string{"table t"}}
	disk := errors.New("disk")
	for name, tt := range map[string]struct {
		pages, sqlite error
		left          []string // by firn's check
		want          string   // in the finding; "" for sound
		unchecked     []string
		disagree      bool
		err           error
	}{
		"Sound":           {},
		"Both":            {pages: wrong("page 3"), sqlite: wrong("row 7"), want: "row 7"},
		"OnlySQLite":      {sqlite: wrong("row 7"), want: "SQLite finds: row 7. firn finds: nothing wrong", disagree: true},
		"OnlyPages":       {pages: wrong("page 3"), want: "SQLite finds: nothing wrong. firn finds: page 3", disagree: true},
		"NoDatabase":      {sqlite: sqlite.ErrNotDatabase, want: sqlite.ErrNotDatabase.Error(), disagree: true},
		"LeftToSQLite":    {sqlite: wrong("row 7"), left: []string{"index i"}, want: "row 7"},
		"LeftAndSound":    {left: []string{"index i"}},
		"SQLitePartly":    {sqlite: partly, unchecked: partly.Messages},
		"PagesWhereItWas": {pages: wrong("page 3"), sqlite: partly, want: "page 3", unchecked: partly.Messages},
		"Disk":            {pages: wrong("page 3"), sqlite: disk, err: disk},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			saw := inspection{how: snapshot.HowPages, unchecked: tt.left, unsound: tt.pages}
			if err := saw.compare(tt.sqlite, proof.Rules{}); err != tt.err || err != nil {
				if err != tt.err {
					t.Errorf("got %v, want %v", err, tt.err)
				}
				return
			}
			_, disagree := errors.AsType[*DisagreementError](saw.unsound)
			if (saw.unsound != nil) != (tt.want != "") || saw.unsound != nil && !strings.Contains(saw.unsound.Error(), tt.want) || disagree != tt.disagree ||
				!reflect.DeepEqual(saw.unchecked, tt.unchecked) || saw.how != snapshot.HowSQLite {
				t.Errorf("got %+v", saw)
			}
		})
	}
}

// TestFrugal checks what reads cost: a stretch each, but for those in the stretch of the read before.
func TestFrugal(t *testing.T) {
	t.Parallel()
	image := bytes.NewReader(make([]byte, 10*stretchBytes))
	page := make([]byte, 4096)
	f := &frugal{image: image, left: 3 * stretchBytes, last: -1}
	for i, tt := range []struct {
		off  int64
		want error
	}{
		{0, nil}, {4096, nil}, {stretchBytes - 4096, nil}, {stretchBytes, nil}, {0, nil}, {8192, nil}, {5 * stretchBytes, errCostly}, {5 * stretchBytes, errCostly},
	} {
		if n, err := f.ReadAt(page, tt.off); err != tt.want || err == nil && n != len(page) {
			t.Errorf("read %d at %d: got %d, %v, want %v", i, tt.off, n, err, tt.want)
		}
	}
}
