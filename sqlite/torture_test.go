package sqlite_test

import (
	"fmt"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// TestTorture takes images while two processes write as fast as they can, checkpoint, roll back, close and open
// again, and one of them is killed again and again.
func TestTorture(t *testing.T) {
	t.Parallel()
	options := ways()
	options["Compact"] = sqlite.Options{Compact: true}
	for _, size := range []int{512, 4096, 65536} {
		for _, wal := range []bool{false, true} {
			t.Run(fmt.Sprintf("page=%d,wal=%v", size, wal), func(t *testing.T) {
				t.Parallel()
				path := newDB(t, dbtest.Options{PageSize: size, WAL: wal})
				dbtest.StartWriter(t, path, 1)
				mortal := dbtest.StartWriter(t, path, 2)
				for n := range times(6) {
					for name, o := range options {
						image := readImage(t, path, o)
						checkImage(t, name, image)
					}
					mortal.Kill()
					mortal = dbtest.StartWriter(t, path, uint64(3+n))
				}
			})
		}
	}
}

// checkImage checks that an image is of one moment.
func checkImage(t *testing.T, name string, image []byte) {
	t.Helper()
	path := writeFile(t, "", image)
	if err := sqlite.Check(t.Context(), path); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	dbtest.CheckInvariant(t, path)
}
