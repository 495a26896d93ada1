package sqlite_test

import (
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// benchFollower returns a follower of a database of this many rows, which a connection of the application has open.
func benchFollower(b *testing.B, hold bool, rows int) (*sqlite.Follower, *sql.DB, string) {
	b.Helper()
	path := newDB(b, dbtest.Options{WAL: true, Rows: rows})
	db := dbtest.Open(b, path)
	b.Cleanup(func() { db.Close() })
	dbtest.Exec(b, db, "PRAGMA synchronous = OFF; UPDATE ledger_a SET amount = 3")
	f := sqlite.NewFollower(path, sqlite.FollowOptions{Hold: hold})
	b.Cleanup(func() { f.Close() })
	benchImage(b, f, path)
	return f, db, path
}

func benchImage(b *testing.B, f *sqlite.Follower, path string) {
	b.Helper()
	image, err := sqlite.Open(b.Context(), path, sqlite.Options{Follower: f})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, image); err != nil {
		b.Fatal(err)
	}
	if err := image.Close(); err != nil {
		b.Fatal(err)
	}
	image.Stored()
}

// BenchmarkPeek measures a look without a lock when nothing is new, and when a number of frames are.
func BenchmarkPeek(b *testing.B) {
	b.Run("Idle", func(b *testing.B) {
		f, _, _ := benchFollower(b, true, 0)
		for b.Loop() {
			if err := f.Peek(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, rows := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("Rows=%d", rows), func(b *testing.B) {
			f, db, _ := benchFollower(b, true, 5000)
			before := f.State().Frames
			for b.Loop() {
				b.StopTimer()
				dbtest.Exec(b, db, fmt.Sprintf("UPDATE posts SET author = author + 1 WHERE id <= %d", rows))
				b.StartTimer()
				if err := f.Peek(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(f.State().Frames-before)/float64(b.N), "frames/op")
		})
	}
}

// BenchmarkLook measures a look at a database that has not changed.
func BenchmarkLook(b *testing.B) {
	for _, hold := range []bool{true, false} {
		b.Run(fmt.Sprintf("Hold=%v", hold), func(b *testing.B) {
			f, _, _ := benchFollower(b, hold, 0)
			for b.Loop() {
				if changed, err := f.Look(b.Context()); err != nil || changed {
					b.Fatal(changed, err)
				}
			}
		})
	}
}

// BenchmarkFollowed measures an image after a small change, which is read in part.
func BenchmarkFollowed(b *testing.B) {
	f, db, path := benchFollower(b, true, 20000)
	var last sqlite.Fingerprint
	for b.Loop() {
		b.StopTimer()
		dbtest.Exec(b, db, "UPDATE posts SET author = author + 1 WHERE id = 77")
		b.StartTimer()
		image, err := sqlite.Open(b.Context(), path, sqlite.Options{Follower: f})
		if err != nil {
			b.Fatal(err)
		}
		at := int64(0)
		if ranges, ok := image.Changed(last); ok {
			at = readRanges(b, image, ranges)
		}
		if _, err := io.CopyN(io.Discard, image, image.Info().Size-at); err != nil {
			b.Fatal(err)
		}
		last = image.Fingerprint()
		b.ReportMetric(float64(image.Info().Size)/1e6, "MB")
		image.Close()
		image.Stored()
	}
}

// readRanges passes over what lies outside of ranges, and returns how far it has come.
func readRanges(b *testing.B, image *sqlite.Image, ranges [][2]int64) (at int64) {
	b.Helper()
	for _, r := range ranges {
		from, to := min(r[0], image.Info().Size), min(r[1], image.Info().Size)
		if err := image.Skip(from - at); err != nil {
			b.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, image, to-from); err != nil {
			b.Fatal(err)
		}
		at = to
	}
	return at
}

// BenchmarkHeld measures the memory that a follower takes, by the growth of what the process has, for databases of 300 KB.
func BenchmarkHeld(b *testing.B) {
	for _, hold := range []bool{true, false} {
		b.Run(fmt.Sprintf("Hold=%v", hold), func(b *testing.B) {
			content := readFile(b, newDB(b, dbtest.Options{WAL: true}))
			dir := b.TempDir()
			var all []*sqlite.Follower
			debug.FreeOSMemory()
			before := resident(b)
			for b.Loop() {
				path := writeFile(b, filepath.Join(dir, fmt.Sprint(len(all))), content)
				f := sqlite.NewFollower(path, sqlite.FollowOptions{Hold: hold})
				benchImage(b, f, path)
				db := dbtest.Open(b, path)
				dbtest.Exec(b, db, "PRAGMA synchronous = OFF; UPDATE ledger_a SET amount = 3")
				benchImage(b, f, path)
				db.Close()
				all = append(all, f)
			}
			debug.FreeOSMemory()
			b.ReportMetric(float64(resident(b)-before)/float64(len(all))/1024, "KiB/op")
			for _, f := range all {
				f.Close()
			}
		})
	}
}

// resident returns the bytes of memory that the process has; 0 where the system does not tell.
func resident(b *testing.B) int64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, pages int64
	fmt.Sscan(string(text), &size, &pages)
	return pages * int64(os.Getpagesize())
}
