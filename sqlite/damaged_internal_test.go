package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"firn/sqlite/internal/source"
)

// TestKeepOldKilled ends keepOld before each of its steps, with and without hard links. Nothing is lost, and journals
// never lie beside a missing file, since a repeat is refused then.
func TestKeepOldKilled(t *testing.T) {
	t.Parallel()
	killed := errors.New("killed")
	for name, link := range map[string]func(string, string) error{
		"Links":   os.Link,
		"NoLinks": func(string, string) error { return errors.ErrUnsupported },
	} {
		for n := range 5 {
			dir := t.TempDir()
			path, keep := filepath.Join(dir, "app.db"), filepath.Join(dir, "kept")
			for _, suffix := range []string{"", "-wal", "-journal"} {
				if err := os.WriteFile(path+suffix, []byte("old"+suffix), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			left := n
			err := keepOld(path, keep, link, func(from, to string) error {
				if left--; left < 0 {
					return killed
				}
				return moveWithoutReplacing(from, to)
			})
			if done := left >= 0; done != (err == nil) || err != nil && !errors.Is(err, killed) {
				t.Errorf("%s, after %d steps: got %v", name, n, err)
			}
			for _, suffix := range []string{"", "-wal", "-journal"} {
				if !holdsText(path+suffix, "old"+suffix) && !holdsText(keep+suffix, "old"+suffix) {
					t.Errorf("%s, after %d steps: the old file%s is lost", name, n, suffix)
				}
			}
			if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
				if err := refuseSidecars(path, "", source.Sidecars()...); err != nil {
					t.Errorf("%s, after %d steps: %v", name, n, err)
				}
			}
		}
	}
}

func holdsText(path, text string) bool {
	b, err := os.ReadFile(path)
	return err == nil && string(b) == text
}
