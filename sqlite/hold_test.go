package sqlite_test

import (
	"bytes"
	"database/sql"
	"io"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// busyCheckpoint tries to empty the WAL, and reports whether a reader was in the way.
func busyCheckpoint(t *testing.T, db *sql.DB) bool {
	t.Helper()
	var busy, frames, done int
	if err := db.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &done); err != nil {
		t.Fatal(err)
	}
	return busy != 0
}

// TestHold checks that a held image can be read again though the application goes on writing, and that it is in the way of a
// checkpoint until it is released.
func TestHold(t *testing.T) {
	t.Parallel()
	for name, sparse := range map[string]bool{"Whole": false, "Sparse": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newDB(t, dbtest.Options{PageSize: 1024, WAL: true, Rows: 3000})
			db := dbtest.Open(t, path)
			defer db.Close()
			dbtest.Exec(t, db, "PRAGMA wal_autocheckpoint = 0; PRAGMA busy_timeout = 0")
			dbtest.Mutate(t, path, 2, 1)                                     // the WAL begins
			later := func() time.Time { return time.Now().Add(time.Minute) } // the times of files prove something
			opts := sqlite.Options{StatePath: t.TempDir() + "/state", Now: later}
			before := openImage(t, path, opts)
			before.Hold() // nobody asks for it
			readAll(t, before)
			if err := before.Close(); err != nil {
				t.Fatal(err)
			}
			old := before.Fingerprint()
			dbtest.Mutate(t, path, 3, 1)

			image := openImage(t, path, opts)
			image.Hold()
			if sparse {
				ranges, known := image.Changed(old)
				if !known {
					t.Fatal("the changes are not known")
				}
				skipTo(t, image, ranges)
			} else {
				readAll(t, image)
			}
			want := readImage(t, path, sqlite.Options{})
			if !image.Held() {
				t.Fatal("the image is not held")
			}
			dbtest.Mutate(t, path, 4, 20)
			got := make([]byte, len(want))
			if _, err := image.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
				t.Errorf("got other bytes (%v)", err)
			}
			if !busyCheckpoint(t, db) {
				t.Error("the image was not held")
			}
			if err := image.Release(); err != nil || image.Held() || image.Live() {
				t.Errorf("released: got %v, held %t, live %t", err, image.Held(), image.Live())
			}
			if busyCheckpoint(t, db) {
				t.Error("the image is in the way though it was released")
			}
			if _, err := image.ReadAt(got, 0); err == nil {
				t.Error("a released image was read")
			}
		})
	}
}

// skipTo reads the ranges of an image, and passes over the rest.
func skipTo(t *testing.T, image *sqlite.Image, ranges [][2]int64) {
	t.Helper()
	at, size := int64(0), image.Info().Size
	for _, r := range append(ranges, [2]int64{size, size}) {
		from, to := min(r[0], size), min(r[1], size)
		if from > at {
			if err := image.Skip(from - at); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := io.CopyN(io.Discard, image, to-from); err != nil {
			t.Fatal(err)
		}
		at = to
	}
}

// TestHoldNobodyUp checks that an image is not held where that would keep the application from committing.
func TestHoldNobodyUp(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{PageSize: 1024, Rows: 200})
	image := openImage(t, path, sqlite.Options{})
	image.Hold()
	readAll(t, image)
	if image.Live() || !image.Held() {
		t.Errorf("got live %t, held %t: want a copy in memory", image.Live(), image.Held())
	}
	dbtest.Mutate(t, path, 3, 5)
}
