package btree_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"firn/btree"
	"firn/internal/dbtest"
)

// ownedDB makes a database with overflow pages, free pages, and with auto-vacuum pointer maps.
func ownedDB(t *testing.T, o dbtest.Options) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "db")
	dbtest.Create(t, path, o)
	db := dbtest.Open(t, path)
	defer db.Close()
	dbtest.Exec(t, db, `CREATE TABLE "a ""strange"" name" (a UNIQUE, b);
		INSERT INTO "a ""strange"" name" SELECT hex(randomblob(3000)), hex(randomblob(9000)) FROM posts LIMIT 20;
		DELETE FROM posts WHERE id % 3 = 0; DELETE FROM posts WHERE id < 60`)
	return path
}

// owners asks for the owners of all pages of some bytes.
func owners(t *testing.T, b []byte) (*btree.File, map[uint32]btree.Owner) {
	t.Helper()
	f, err := btree.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var pages []uint32
	for page := range f.PageCount {
		pages = append(pages, page+1)
	}
	return f, f.Owners(pages)
}

// TestOwners compares the owners of all pages with those that SQLite tells.
func TestOwners(t *testing.T) {
	t.Parallel()
	for _, o := range []dbtest.Options{{PageSize: 512}, {PageSize: 4096, Rows: 3000}, {PageSize: 1024, AutoVacuum: 2, Rows: 1000}} {
		t.Run(fmt.Sprintf("page=%d,vacuum=%d", o.PageSize, o.AutoVacuum), func(t *testing.T) {
			t.Parallel()
			path := ownedDB(t, o)
			db := dbtest.Open(t, path)
			defer db.Close()
			rows, err := db.Query("SELECT pageno, name FROM dbstat")
			if err != nil {
				t.Fatal(err)
			}
			want := map[uint32]string{}
			for rows.Next() {
				var page uint32
				var name string
				if err := rows.Scan(&page, &name); err != nil {
					t.Fatal(err)
				}
				want[page] = name
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f, got := owners(t, b)
			free, maps := 0, 0
			for page := range f.PageCount {
				switch o := got[page+1]; {
				case o.Free:
					free++
				case o.PointerMap:
					maps++
				case o.Name == "" || o.Name != want[page+1]:
					t.Errorf("page %d: got %+v, want %q", page+1, o, want[page+1])
				}
			}
			var wantFree int
			if err := db.QueryRow("PRAGMA freelist_count").Scan(&wantFree); err != nil || free != wantFree || free == 0 {
				t.Errorf("free pages: got %d, want %d, more than none; %v", free, wantFree, err)
			}
			if (maps > 0) != (o.AutoVacuum > 0) || free+maps+len(want) != int(f.PageCount) {
				t.Errorf("got %d free pages and %d pointer maps, and %d others of %d", free, maps, len(want), f.PageCount)
			}
		})
	}
}

// TestOwnersOfDamaged checks that the search ends on databases with random damage, and claims no page for two.
func TestOwnersOfDamaged(t *testing.T) {
	t.Parallel()
	sound, err := os.ReadFile(ownedDB(t, dbtest.Options{PageSize: 512, AutoVacuum: 1}))
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	_, all := owners(t, sound)
	fewer := 0
	for range 300 {
		b := bytes.Clone(sound)
		for range 1 + r.IntN(40) {
			b[100+r.IntN(len(b)-100)] = byte(r.Uint32())
		}
		_, got := owners(t, b)
		if len(got) > len(all) {
			t.Errorf("got %d pages with an owner, %d before the damage", len(got), len(all))
		}
		if len(got) < len(all) {
			fewer++
		}
	}
	if fewer == 0 {
		t.Error("no damage has hidden a page: this proves nothing")
	}
}
