package repo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	"firn/crypt"
	"firn/repo"
	"firn/snapshot"
	"firn/store/mem"
)

// document is an Image of text. Images of SQLite databases come from package
// sqlite.
type document struct{ io.Reader }

func (document) Close() error                   { return nil }
func (document) Describe() snapshot.Image       { return snapshot.Image{} }
func (document) Unchanged(json.RawMessage) bool { return false }

// A program that keeps snapshots of its own: it makes a repository, takes a
// snapshot, lists what there is, and gets the image back.
func Example() {
	ctx := context.Background()
	key := crypt.NewKeyFile() // keep key.String() where only you can read it
	opts := repo.Options{
		Store:      mem.New(), // or another package below store
		Credential: key.Credential(),
		Host:       "example",
		Now:        func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}
	r, err := repo.Init(ctx, opts, repo.NewKey{Credential: key.Credential(), Label: "the program's"})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()

	source := func(context.Context) (repo.SourceImage, error) {
		return document{strings.NewReader("To be backed up.")}, nil
	}
	_, err = r.Backup(ctx, source, repo.BackupOptions{Environment: "production", Database: "notes"})
	if err != nil {
		log.Fatal(err)
	}

	list, err := r.Snapshots(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range list {
		fmt.Println(s.Time.Format(time.DateTime), s.Environment, s.Database, s.Image().Size)
	}

	image, err := r.OpenImage(ctx, list[0])
	if err != nil {
		log.Fatal(err)
	}
	var restored bytes.Buffer
	if err := image.Copy(ctx, &restored); err != nil {
		log.Fatal(err)
	}
	fmt.Println(restored.String())
	// Output:
	// 2026-01-02 03:04:05 production notes 16
	// To be backed up.
}
