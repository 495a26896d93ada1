package upkeep_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"firn/internal/sessiontest"
	"firn/outcome"
	"firn/repo"
	"firn/session"
	"firn/upkeep"
)

func TestInit(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	made := f.Made
	if made.KeyFile != f.Path("firn.key") || made.UsedFile != "" {
		t.Errorf("got %+v", made)
	}
	if opens, err := f.Repo.Opens(t.Context(), made.Recovery.Credential()); err != nil || !opens {
		t.Errorf("the recovery key: %t, %v", opens, err)
	}
	key, err := os.ReadFile(made.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := upkeep.Init(t.Context(), f.Program()); !errors.Is(err, repo.ErrExists) {
		t.Errorf("once more: got %v", err)
	}
	if again, err := os.ReadFile(made.KeyFile); err != nil || string(again) != string(key) {
		t.Errorf("the key file has changed: %v", err)
	}

	c := f.Program()
	c.Settings.Repository = f.Path("second")
	second, err := upkeep.Init(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Session.Close()
	if second.KeyFile != "" || second.UsedFile != made.KeyFile {
		t.Errorf("with a key file that is there: got %+v", second)
	}
	if all, err := second.Session.Repo.Snapshots(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("the new repository: got %d snapshots, %v", len(all), err)
	}
}

// TestInitFails checks that no key is made for a repository that cannot be.
func TestInitFails(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.Write(t, "file", "no folder")
	c := f.Program()
	c.Settings.Repository, c.Settings.KeyFile = f.Path("file/repo"), f.Path("new.key")
	if _, err := upkeep.Init(t.Context(), c); err == nil {
		t.Error("got no error")
	}
	if _, err := os.Stat(f.Path("new.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the key file: %v", err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	ctx := t.Context()
	added, err := upkeep.AddKey(ctx, f.Session, upkeep.NewKey{KeyFile: f.Path("second.key"), Label: "second"})
	if err != nil || added.Added == "" || added.Label != "second" {
		t.Fatalf("add: got %+v, %v", added, err)
	}
	if _, err := upkeep.AddKey(ctx, f.Session, upkeep.NewKey{}); err == nil {
		t.Error("no key, and nobody to ask: got no error")
	}
	refused := errors.New("refused")
	ask := func(context.Context) (string, error) { return "", refused }
	if _, err := upkeep.AddKey(ctx, f.Session, upkeep.NewKey{Ask: ask}); !errors.Is(err, refused) {
		t.Errorf("asked: got %v", err)
	}
	rotated, err := upkeep.RotateKey(ctx, f.Session, upkeep.NewKey{})
	if err != nil || len(rotated.Removed) != 1 || rotated.LockedOut != "" {
		t.Errorf("rotate: got %+v, %v", rotated, err)
	}
	rotated, err = upkeep.RotateKey(ctx, f.Session, upkeep.NewKey{KeyFile: f.Path("third.key")})
	if err != nil || !strings.Contains(rotated.LockedOut, "opens nothing any more") {
		t.Errorf("rotate to a key that no run looks for: got %+v, %v", rotated, err)
	}
	removed, err := upkeep.RemoveKey(ctx, f.Session, added.Added)
	if err != nil || len(removed.Removed) != 1 || removed.Removed[0].Label != "second" {
		t.Errorf("remove: got %+v, %v", removed, err)
	}
	_, err = upkeep.RemoveKey(ctx, f.Session, added.Added)
	if code, hint := outcome.Classify(err); code != outcome.CodeFailed || hint == "" {
		t.Errorf("remove it again: got %v", err)
	}
	c := f.Program()
	c.Settings.KeyFile = f.Path("third.key")
	s, err := c.Open(ctx, session.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}
