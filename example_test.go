package firn_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"firn"

	_ "modernc.org/sqlite"
)

// shop makes a database for an example, and folders beside it.
func shop() (dir, database string, exec func(string)) {
	dir, err := os.MkdirTemp("", "firn-example-*")
	if err != nil {
		log.Fatal(err)
	}
	database = filepath.Join(dir, "shop.db")
	exec = func(text string) {
		db, err := sql.Open("sqlite", database)
		if err != nil {
			log.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(text); err != nil {
			log.Fatal(err)
		}
	}
	exec("PRAGMA journal_mode = WAL; CREATE TABLE product(id INTEGER PRIMARY KEY, name TEXT, price REAL)")
	exec("INSERT INTO product VALUES(1, 'bolt', 0.5), (2, 'nut', 0.25)")
	return dir, database, exec
}

// A program keeps the history of its own database: it takes snapshots, asks an old one, compares two, and puts one back.
func Example() {
	dir, database, exec := shop()
	defer os.RemoveAll(dir)
	ctx := context.Background()

	history, err := firn.Open(ctx, filepath.Join(dir, "history"), firn.Options{KeyFile: filepath.Join(dir, "firn.key"), Create: true, CacheDir: filepath.Join(dir, "cache")})
	if err != nil {
		log.Fatal(err)
	}
	defer history.Close()
	shop := history.Database(database, firn.Environment{Name: "production", Keep: firn.DefaultKeep()})

	first, err := shop.Backup(ctx, firn.BackupOptions{})
	if err != nil {
		log.Fatal(err)
	}
	exec("UPDATE product SET price = 50 WHERE name = 'bolt'") // a mistake
	second, err := shop.Backup(ctx, firn.BackupOptions{})
	if err != nil {
		log.Fatal(err)
	}

	old := first.Snapshot.DB() // of package database/sql; nothing is restored for it
	defer old.Close()
	var price float64
	if err := old.QueryRowContext(ctx, "SELECT price FROM product WHERE name = ?", "bolt").Scan(&price); err != nil {
		log.Fatal(err)
	}
	fmt.Println("a bolt was", price)

	compared, err := history.Diff(ctx, first.Snapshot, second.Snapshot)
	if err != nil {
		log.Fatal(err)
	}
	tables, err := compared.Count(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range tables {
		fmt.Printf("%s: %d added, %d removed, %d changed\n", t.Table, t.Added, t.Removed, t.Changed)
	}

	restored, err := shop.Restore(ctx, first.Snapshot, firn.RestoreOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("restored; what was replaced is a snapshot, too:", restored.Saved != nil)
	// Output:
	// a bolt was 0.5
	// product: 0 added, 0 removed, 1 changed
	// restored; what was replaced is a snapshot, too: true
}

// A program elsewhere takes the newest snapshot, makes sure of it, and writes it to a file.
func ExampleRepository_Find() {
	dir, database, _ := shop()
	defer os.RemoveAll(dir)
	ctx := context.Background()
	location, key := filepath.Join(dir, "history"), filepath.Join(dir, "firn.key")
	takeSnapshot(ctx, location, key, database)

	history, err := firn.Open(ctx, location, firn.Options{KeyFile: key, CacheDir: filepath.Join(dir, "cache")})
	if err != nil {
		log.Fatal(err)
	}
	defer history.Close()
	newest, err := history.Find(ctx, "latest:production")
	if err != nil {
		log.Fatal(err)
	}
	found, err := newest.Verify(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := newest.RestoreTo(ctx, filepath.Join(dir, "copy.db"), firn.RestoreOptions{}); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s of %s is sound: %v\n", newest.Database, newest.Environment, found.Sound())
	// Output: shop of production is sound: true
}

// takeSnapshot is what the other program of the example has done.
func takeSnapshot(ctx context.Context, location, key, database string) {
	history, err := firn.Open(ctx, location, firn.Options{KeyFile: key, Create: true, CacheDir: location + "-cache"})
	if err != nil {
		log.Fatal(err)
	}
	defer history.Close()
	if _, err := history.Database(database, firn.Environment{Name: "production"}).Backup(ctx, firn.BackupOptions{}); err != nil {
		log.Fatal(err)
	}
}

// A plan shows what a restore would replace before anything is changed.
func ExampleDatabase_PlanRestore() {
	dir, database, exec := shop()
	defer os.RemoveAll(dir)
	ctx := context.Background()
	history, err := firn.Open(ctx, filepath.Join(dir, "history"), firn.Options{KeyFile: filepath.Join(dir, "firn.key"), Create: true, CacheDir: filepath.Join(dir, "cache")})
	if err != nil {
		log.Fatal(err)
	}
	defer history.Close()
	shop := history.Database(database, firn.Environment{Name: "production"})
	taken, err := shop.Backup(ctx, firn.BackupOptions{})
	if err != nil {
		log.Fatal(err)
	}
	exec("DELETE FROM product")

	plan, err := shop.PlanRestore(ctx, taken.Snapshot, firn.RestoreOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer plan.Close()
	now, err := plan.CountRows(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d rows are there now; they are saved first: %v\n", now["product"], plan.SavesSnapshot())
	if _, err := plan.Run(ctx); err != nil {
		log.Fatal(err)
	}
	undone, err := shop.Undo(ctx, firn.RestoreOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("undone, with", undone.PageCount, "pages")
	// Output:
	// 0 rows are there now; they are saved first: true
	// undone, with 2 pages
}

// Rows that were deleted by mistake come back, and what was written since stays.
func ExampleDatabase_RestoreRows() {
	dir, database, exec := shop()
	defer os.RemoveAll(dir)
	ctx := context.Background()
	history, err := firn.Open(ctx, filepath.Join(dir, "history"), firn.Options{KeyFile: filepath.Join(dir, "firn.key"), Create: true, CacheDir: filepath.Join(dir, "cache")})
	if err != nil {
		log.Fatal(err)
	}
	defer history.Close()
	shop := history.Database(database, firn.Environment{Name: "production"})
	taken, err := shop.Backup(ctx, firn.BackupOptions{})
	if err != nil {
		log.Fatal(err)
	}
	exec("DELETE FROM product WHERE name = 'bolt'; INSERT INTO product VALUES(3, 'screw', 0.1)")

	options := firn.RowOptions{Table: "product", Where: "price > 0.3", DryRun: true}
	planned, err := shop.RestoreRows(ctx, taken.Snapshot, options)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("rows that would come back:", planned.Tables[0].Inserted)
	options.DryRun = false
	done, err := shop.RestoreRows(ctx, taken.Snapshot, options)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("restored; the state before is a snapshot:", done.Saved != nil)
	// Output:
	// rows that would come back: 1
	// restored; the state before is a snapshot: true
}

// A program finds out when a row was changed and by when it was gone, and since when a condition is true.
func ExampleRepository_RowHistory() {
	dir, database, exec := shop()
	defer os.RemoveAll(dir)
	ctx := context.Background()
	repository, err := firn.Open(ctx, filepath.Join(dir, "history"), firn.Options{KeyFile: filepath.Join(dir, "firn.key"), Create: true, CacheDir: filepath.Join(dir, "cache")})
	if err != nil {
		log.Fatal(err)
	}
	defer repository.Close()
	shop := repository.Database(database, firn.Environment{Name: "production"})
	for _, change := range []string{"SELECT 1", "UPDATE product SET price = 50 WHERE id = 1", "DELETE FROM product WHERE id = 1"} {
		exec(change)
		if _, err := shop.Backup(ctx, firn.BackupOptions{}); err != nil {
			log.Fatal(err)
		}
	}

	snapshots, err := shop.Snapshots(ctx)
	if err != nil {
		log.Fatal(err)
	}
	row, err := repository.RowHistory(ctx, snapshots, "product", firn.RowKey{Words: []string{"1"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range row.Events {
		fmt.Println(e.Kind, e.Changed)
	}
	found, err := repository.FirstTrue(ctx, snapshots, "SELECT count(*) < 2 FROM product")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("few products since the newest snapshot:", found.First.Snapshot.ID == snapshots[0].ID)
	// Output:
	// present []
	// changed [{price 0.5 50}]
	// removed []
	// few products since the newest snapshot: true
}
