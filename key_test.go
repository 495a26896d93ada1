package firn_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"firn"
)

func TestKeysComeAndGo(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	keys, err := f.repo.Keys(t.Context())
	if err != nil || len(keys) != 2 { // the key file and the recovery key
		t.Fatalf("got %d keys, %v, want 2", len(keys), err)
	}
	added, err := f.repo.AddKey(t.Context(), firn.NewKey{KeyFile: f.path("second.key"), Label: "second"})
	if err != nil {
		t.Fatal(err)
	}
	second := f.open(f.path("repo"), firn.Options{KeyFile: f.path("second.key")})
	if _, err := second.RotateKey(t.Context(), firn.NewKey{}); err != nil {
		t.Fatal(err)
	}
	f.open(f.path("repo"), firn.Options{KeyFile: f.path("second.key")})
	if _, err := f.repo.RemoveKey(t.Context(), added.Added); err == nil {
		t.Error("a key that was replaced could be removed")
	}
	if _, err := f.repo.AddKey(t.Context(), firn.NewKey{}); err == nil {
		t.Error("no key: got no error")
	}
}

func TestStreamIsStored(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	const text = "a dump of another database\n"
	result, err := f.repo.BackUpStream(t.Context(), strings.NewReader(text), "other.sql", firn.Environment{Name: "other"}, firn.BackupOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := result.Snapshot.Dump(t.Context(), &got, firn.FormatDB); err != nil || got.String() != text {
		t.Errorf("got %q, %v", got.String(), err)
	}
	if err := result.Snapshot.DB().Ping(); err == nil {
		t.Error("a stream as a database: got no error")
	}
	if _, err := f.repo.BackUpStream(t.Context(), strings.NewReader(text), "", firn.Environment{Name: "other"}, firn.BackupOptions{}); err == nil {
		t.Error("a stream without a name: got no error")
	}
}

// TestRepairTellsWhatIsLost damages a pack.
func TestRepairTellsWhatIsLost(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	f.backUp(firn.BackupOptions{})
	packs, err := os.ReadDir(f.path("repo/packs"))
	if err != nil || len(packs) == 0 {
		t.Fatal(packs, err)
	}
	if err := os.RemoveAll(f.path("repo/packs/" + packs[0].Name())); err != nil {
		t.Fatal(err)
	}
	r := f.open(f.path("repo"), firn.Options{KeyFile: f.key, ForRepair: true, CacheDir: f.path("other-cache")})
	if _, err := r.Check(t.Context(), true); err == nil {
		t.Error("a pack is gone: got no error")
	}
	repair, err := r.Diagnose(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer repair.Close()
	if _, err := r.Diagnose(t.Context()); !errors.Is(err, firn.ErrRunning) {
		t.Errorf("a second repair: got %v, want ErrRunning", err)
	}
	if len(repair.Diagnosis.Lost) != 1 {
		t.Errorf("got %d lost snapshots, want one", len(repair.Diagnosis.Lost))
	}
	if _, err := repair.Run(t.Context(), true); err != nil {
		t.Error(err)
	}
}
