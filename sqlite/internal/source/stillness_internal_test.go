package source

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestStillness notices a write that changes the length of a file, and another file of the name.
func TestStillness(t *testing.T) {
	t.Parallel()
	changes := map[string]func(path string) error{
		"None":    func(string) error { return nil },
		"Written": func(path string) error { return os.WriteFile(path, []byte("longer"), 0o600) },
		"Replaced": func(path string) error {
			return errors.Join(os.WriteFile(path+"2", []byte("old"), 0o600), os.Rename(path+"2", path))
		},
	}
	for name, change := range changes {
		path := filepath.Join(t.TempDir(), "app.db")
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		later := func() time.Time { return time.Now().Add(time.Hour) } // the file is old by this clock
		still, err := newStillness(t.Context(), path, later)
		if err != nil {
			t.Fatal(err)
		}
		if err := change(path); err != nil {
			t.Fatal(err)
		}
		if err := still.Check(); (err == nil) != (name == "None") || err != nil && !errors.Is(err, ErrChanged) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
