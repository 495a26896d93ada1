package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	"firn/sqlite"
)

// An image of a live database is read like a file.
func ExampleOpen() {
	path := exampleDB()
	defer os.RemoveAll(filepath.Dir(path))

	image, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer image.Close()
	n, err := io.Copy(io.Discard, image)
	if err != nil {
		log.Fatal(err)
	}
	info := image.Info() // after reading: see Image.Info
	fmt.Printf("%d bytes in %d pages, journal mode %s\n", n, info.PageCount, info.JournalMode)
	// Output: 8192 bytes in 2 pages, journal mode wal
}

// A fingerprint tells without reading whether a new image would be the same.
func ExampleImage_Unchanged() {
	path := exampleDB()
	defer os.RemoveAll(filepath.Dir(path))
	app, err := sql.Open("sqlite", path)
	if err != nil {
		log.Fatal(err)
	}
	defer app.Close()

	// The times of a file prove nothing within seconds of a write.
	opts := sqlite.Options{Now: func() time.Time { return time.Now().Add(time.Minute) }}
	var last sqlite.Fingerprint
	for range 3 {
		image, err := sqlite.Open(context.Background(), path, opts)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("unchanged:", image.Unchanged(last))
		last = image.Fingerprint()
		image.Close()
		if _, err := app.Exec("UPDATE notes SET text = 'second' WHERE text = 'first'"); err != nil {
			log.Fatal(err)
		}
	}
	image, err := sqlite.Open(context.Background(), path, opts)
	if err != nil {
		log.Fatal(err)
	}
	defer image.Close()
	fmt.Println("unchanged:", image.Unchanged(last))
	// Output:
	// unchanged: false
	// unchanged: false
	// unchanged: true
	// unchanged: true
}

// Restore changes the database under the applications that have it open.
func ExampleRestore() {
	path := exampleDB()
	defer os.RemoveAll(filepath.Dir(path))
	app, err := sql.Open("sqlite", path)
	if err != nil {
		log.Fatal(err)
	}
	defer app.Close()

	staged := path + ".staged"
	save(path, staged)
	defer os.Remove(staged)
	if _, err := app.Exec("DROP TABLE notes"); err != nil {
		log.Fatal(err)
	}
	if err := sqlite.Check(context.Background(), staged); err != nil {
		log.Fatal(err)
	}
	result, err := sqlite.Restore(context.Background(), path, staged, sqlite.RestoreOptions{})
	if err != nil {
		log.Fatal(err)
	}
	var text string
	if err := app.QueryRow("SELECT text FROM notes").Scan(&text); err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Method, text)
	// Output: delta first
}

// A database is read where it is, through anything that can read at an offset.
func ExampleOpenView() {
	path := exampleDB()
	defer os.RemoveAll(filepath.Dir(path))
	save(path, path+".image")
	image, err := os.Open(path + ".image")
	if err != nil {
		log.Fatal(err)
	}
	defer image.Close()

	view, err := sqlite.OpenView(context.Background(), image, 8192)
	if err != nil {
		log.Fatal(err)
	}
	defer view.Close()
	head := func(columns []string) error { fmt.Println(columns); return nil }
	row := func(values []any) error { fmt.Println(values); return nil }
	if err := view.Query("SELECT text, length(text) AS n FROM notes", head, row); err != nil {
		log.Fatal(err)
	}
	fmt.Println(view.Query("DELETE FROM notes", head, row))
	// Output:
	// [text n]
	// [first 5]
	// an image can only be read
}

// save writes an image of the database to a private file.
func save(path, to string) {
	image, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer image.Close()
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, image); err != nil {
		log.Fatal(err)
	}
}

// exampleDB makes a database in WAL mode with one table of one row.
func exampleDB() string {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	path := filepath.Join(dir, "app.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("PRAGMA journal_mode = WAL; CREATE TABLE notes (text); INSERT INTO notes VALUES ('first')"); err != nil {
		log.Fatal(err)
	}
	return path
}
