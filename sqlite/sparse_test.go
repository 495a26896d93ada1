package sqlite_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// follower takes images of one database, each as the changes since the last image where possible.
type follower struct {
	path, state string
	last        []byte
	print       sqlite.Fingerprint
	sparse      int    // images that were read in part
	traced      int    // images of which it was known which pages SQLite has written
	pending     []byte // of the image that was read last, whether it was stored or not
}

// next takes an image and compares it with the content that its transaction sees. It returns the image for its rows.
func (f *follower) next(t testing.TB) *sqlite.Image {
	t.Helper()
	image := openImage(t, f.path, sqlite.Options{StatePath: f.state, Now: later})
	f.read(t, image)
	f.last, f.print = f.pending, image.Fingerprint()
	return image
}

// read compares what Changed says with the content that the image's transaction sees, and reads the image.
func (f *follower) read(t testing.TB, image *sqlite.Image) {
	t.Helper()
	want := sqlite.WholeImage(t, image)
	f.trace(t, image, want)
	ranges, ok := image.Changed(f.print)
	var got []byte
	if ok {
		f.sparse++
		got = f.fill(t, image, ranges)
	} else {
		got = readAll(t, image)
	}
	checkSame(t, fmt.Sprintf("image, sparse %v", ok), got, want)
	f.pending = want
}

// trace compares what SQLite has written with the content of two images.
func (f *follower) trace(t testing.TB, image *sqlite.Image, now []byte) {
	t.Helper()
	ranges, ok := image.Written(f.print)
	if !ok {
		return
	}
	f.traced++
	if at := unwritten(f.last, now, ranges); at >= 0 {
		t.Errorf("byte %d has changed, and SQLite has written %v", at, ranges)
	}
}

// unwritten returns the first place at which two images differ outside of the ranges, -1 for none.
func unwritten(was, is []byte, ranges [][2]int64) int64 {
	from := int64(0)
	for _, r := range append(ranges, [2]int64{math.MaxInt64, math.MaxInt64}) {
		to := min(r[0], int64(len(is)))
		if from < to && (to > int64(len(was)) || !bytes.Equal(was[from:to], is[from:to])) {
			return from
		}
		from = min(r[1], int64(len(is)))
	}
	return -1
}

// fill makes an image of the last image and the ranges that are read.
func (f *follower) fill(t testing.TB, image *sqlite.Image, ranges [][2]int64) []byte {
	t.Helper()
	size := image.Info().Size
	b := make([]byte, size)
	at := int64(0)
	for _, r := range append(ranges, [2]int64{size, size}) {
		from, to := min(r[0], size), min(r[1], size)
		if from > at {
			copy(b[at:from], f.last[at:from])
			if err := image.Skip(from - at); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := io.ReadFull(image, b[from:to]); err != nil {
			t.Fatal(err)
		}
		at = to
	}
	if n, err := image.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		t.Fatalf("at the end: got %d bytes, %v, want io.EOF", n, err)
	}
	return b
}

// disturb makes a random change to a database with these tables, of the kinds that may come between two images.
func disturb(t testing.TB, db *sql.DB, r *rand.Rand) {
	t.Helper()
	statements := []string{
		"UPDATE posts SET body = body || 'x' WHERE id = abs(random()) % 200",
		"UPDATE posts SET body = hex(randomblob(9000)) WHERE id = abs(random()) % 200",
		"DELETE FROM posts WHERE id = (SELECT max(id) FROM posts)",
		"DELETE FROM posts WHERE id > (SELECT max(id) - 60 FROM posts)",
		"INSERT INTO posts (author, slug, body) SELECT 1, hex(randomblob(6)), hex(randomblob(700)) FROM posts LIMIT 30",
		"INSERT INTO sessions SELECT hex(randomblob(12)), 1, randomblob(60) FROM posts LIMIT 20",
		"DELETE FROM sessions WHERE token < hex(randomblob(1))",
		"BEGIN; UPDATE posts SET body = hex(randomblob(600)); ROLLBACK", // spills into the WAL
		"CREATE TABLE IF NOT EXISTS more (a UNIQUE); INSERT OR IGNORE INTO more SELECT slug FROM posts LIMIT 50",
		"DROP TABLE IF EXISTS more",
		"VACUUM",
		"PRAGMA incremental_vacuum(20)",
		"PRAGMA wal_checkpoint(PASSIVE)",
		"PRAGMA wal_checkpoint(FULL)",
		"PRAGMA wal_checkpoint(RESTART)",
		"PRAGMA wal_checkpoint(TRUNCATE)",
		"PRAGMA user_version = 7",
		"SELECT 1",
	}
	for range 1 + r.IntN(3) {
		dbtest.Exec(t, db, statements[r.IntN(len(statements))])
	}
}

// TestSparse follows a database through all these changes, and compares each image with a full one.
func TestSparse(t *testing.T) {
	t.Parallel()
	for _, size := range []int{512, 4096, 65536} {
		for vacuum := range 3 {
			if testing.Short() && size == 65536 { // slow to read
				continue
			}
			t.Run(fmt.Sprintf("page=%d,vacuum=%d", size, vacuum), func(t *testing.T) {
				t.Parallel()
				seed := rand.Uint64()
				t.Logf("seed %d", seed)
				path := newDB(t, dbtest.Options{PageSize: size, WAL: true, AutoVacuum: vacuum, Rows: 40 + size/16, Seed: seed})
				db := dbtest.Open(t, path)
				defer db.Close()
				dbtest.Exec(t, db, "PRAGMA synchronous = OFF; PRAGMA cache_size = 10; PRAGMA wal_autocheckpoint = 400")
				f := follower{path: path, state: filepath.Join(t.TempDir(), "state")}
				r := rand.New(rand.NewPCG(seed, 5))
				images := times(60)
				for range images {
					disturb(t, db, r)
					checkRows(t, f.next(t), wantRows(t, db))
				}
				if f.sparse < images/12 || f.traced < f.sparse {
					t.Errorf("%d of %d images were read in part, and of %d the writes were known: this proves little", f.sparse, images, f.traced)
				}
			})
		}
	}
}

// TestSparseWhileOthersWrite has processes write and checkpoint all the time, one of which is killed again and again.
func TestSparseWhileOthersWrite(t *testing.T) {
	t.Parallel()
	for _, size := range []int{512, 4096} {
		t.Run(fmt.Sprintf("page=%d", size), func(t *testing.T) {
			t.Parallel()
			path := newDB(t, dbtest.Options{PageSize: size, WAL: true, Rows: 2000})
			dbtest.StartWriter(t, path, 1)
			mortal := dbtest.StartWriter(t, path, 2)
			f := follower{path: path, state: filepath.Join(t.TempDir(), "state")}
			images := times(60)
			for n := range images {
				f.next(t)
				if n%10 == 0 {
					mortal.Kill()
					mortal = dbtest.StartWriter(t, path, uint64(3+n))
				}
			}
			t.Logf("%d of %d images were read in part", f.sparse, images)
		})
	}
}

// times is how often a long test repeats what it does: a third with -short, with which the race detector runs.
func times(long int) int {
	if testing.Short() {
		return long / 3
	}
	return long
}

// walDB makes a database with a WAL that a connection keeps, and a follower that has its first image.
func walDB(t testing.TB) (*follower, *sql.DB) {
	t.Helper()
	path := newDB(t, dbtest.Options{WAL: true, Rows: 500})
	db := dbtest.Open(t, path)
	t.Cleanup(func() { db.Close() })
	dbtest.Exec(t, db, "PRAGMA wal_autocheckpoint = 0; UPDATE posts SET slug = slug WHERE id = 1")
	f := &follower{path: path, state: filepath.Join(t.TempDir(), "state")}
	f.next(t)
	return f, db
}

// TestSparseReadsWhatChanged counts the pages that are read from the database.
func TestSparseReadsWhatChanged(t *testing.T) {
	t.Parallel()
	f, db := walDB(t)
	dbtest.Exec(t, db, "UPDATE posts SET body = 'new' WHERE id = 7")
	image := openImage(t, f.path, sqlite.Options{StatePath: f.state, Now: later})
	opened := sqlite.CacheMisses(t, image)
	ranges, ok := image.Changed(f.print)
	if !ok {
		t.Fatal("not read in part")
	}
	pages := 0
	for at, i := int64(0), 0; i < len(ranges)-1; i++ { // the last range is beyond the end
		if err := image.Skip(ranges[i][0] - at); err != nil {
			t.Fatal(err)
		}
		at = ranges[i][1]
		pages += int(at-ranges[i][0]) / image.Info().PageSize
		if _, err := io.ReadFull(image, make([]byte, at-ranges[i][0])); err != nil {
			t.Fatal(err)
		}
	}
	if read := sqlite.CacheMisses(t, image) - opened; pages == 0 || pages > 5 || read > pages {
		t.Errorf("pages: read %d, changed %d, want no more read, and a few", read, pages)
	}
}

// TestSparseDoubt has cases in which the whole database must be read.
func TestSparseDoubt(t *testing.T) {
	t.Parallel()
	alter := func(change func(b []byte)) func(testing.TB, *follower, *sql.DB) {
		return func(t testing.TB, f *follower, _ *sql.DB) {
			b := readFile(t, f.state)
			change(b)
			writeFile(t, f.state, b)
		}
	}
	tests := map[string]func(t testing.TB, f *follower, db *sql.DB){
		"NoState":       func(t testing.TB, f *follower, _ *sql.DB) { os.Remove(f.state) },
		"DamagedState":  alter(func(b []byte) { b[len(b)/2] ^= 1 }),
		"OtherVersion":  alter(func(b []byte) { b[7]++ }),
		"Reset":         func(t testing.TB, _ *follower, db *sql.DB) { dbtest.Exec(t, db, "PRAGMA wal_checkpoint(TRUNCATE)") },
		"OtherFile":     func(_ testing.TB, f *follower, _ *sql.DB) { f.print.Inode++ },
		"OtherChecksum": func(_ testing.TB, f *follower, _ *sql.DB) { f.print.WAL.Checksum[0]++ },
		"OtherSalt":     func(_ testing.TB, f *follower, _ *sql.DB) { f.print.WAL.Salt[1]++ },
		"OtherSize":     func(_ testing.TB, f *follower, _ *sql.DB) { f.print.WAL.Pages-- },
		"MoreFrames":    func(_ testing.TB, f *follower, _ *sql.DB) { f.print.WAL.Frames += 1000 },
		"NoWAL":         func(_ testing.TB, f *follower, _ *sql.DB) { f.print.WAL = nil },
		"MuchChanged":   func(t testing.TB, _ *follower, db *sql.DB) { dbtest.Exec(t, db, "UPDATE posts SET body = body || 1") },
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, db := walDB(t)
			prepare(t, f, db)
			dbtest.Exec(t, db, "UPDATE posts SET body = 'new' WHERE id = 7")
			checkRows(t, f.next(t), wantRows(t, db))
			if f.sparse > 0 {
				t.Error("was read in part")
			}
			dbtest.Exec(t, db, "UPDATE posts SET body = 'newer' WHERE id = 7")
			checkRows(t, f.next(t), wantRows(t, db))
			if f.sparse != 1 {
				t.Error("the next one was not read in part")
			}
		})
	}
}

// TestSparseWrongFrame damages the header of a frame in the WAL, which must not be believed.
func TestSparseWrongFrame(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]int64{"Salt": 8, "Page": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, db := walDB(t)
			frames := f.print.WAL.Frames
			dbtest.Exec(t, db, "UPDATE posts SET body = 'new' WHERE id = 7")
			file, err := os.OpenFile(f.path+"-wal", os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			zero := binary.BigEndian.AppendUint32(nil, 0)
			if _, err := file.WriteAt(zero, 32+int64(frames)*(24+4096)+at); err != nil {
				t.Fatal(err)
			}
			image := openImage(t, f.path, sqlite.Options{StatePath: f.state, Now: later})
			if _, ok := image.Changed(f.print); ok {
				t.Error("was believed")
			}
		})
	}
}
