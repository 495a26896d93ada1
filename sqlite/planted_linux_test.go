package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// TestPlantedSidecar has a user without the right to write a database put a journal beside it, in a folder where all
// users can make files.
func TestPlantedSidecar(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only the superuser can make files of other users")
	}
	const owner, other = 12345, 12346
	for name, c := range map[string]struct {
		folder  fs.FileMode
		mode    fs.FileMode // of the database, which is owner's
		by      int
		refused bool
	}{
		"Planted":        {0o777 | fs.ModeSticky, 0o600, other, true},
		"PlantedByRoot":  {0o777 | fs.ModeSticky, 0o600, 0, false},
		"Owners":         {0o777 | fs.ModeSticky, 0o600, owner, false},
		"Readable":       {0o777 | fs.ModeSticky, 0o644, other, true},
		"OfAWriter":      {0o777 | fs.ModeSticky, 0o666, other, false},
		"ClosedFolder":   {0o755, 0o600, other, false},
		"SharedByAGroup": {0o775, 0o660, other, false},
	} {
		for _, suffix := range []string{"-journal", "-wal", "-shm"} {
			t.Run(name+suffix, func(t *testing.T) {
				t.Parallel()
				path := newDB(t, dbtest.Options{})
				err := errors.Join(os.Chown(path, owner, owner), os.Chmod(path, c.mode), os.Chmod(filepath.Dir(path), c.folder),
					os.WriteFile(path+suffix, nil, 0o666), os.Chown(path+suffix, c.by, c.by))
				if err != nil {
					t.Fatal(err)
				}
				i, err := sqlite.Open(t.Context(), path, sqlite.Options{})
				if err == nil {
					defer i.Close()
				}
				if got := errors.Is(err, sqlite.ErrStrangeSidecar); got != c.refused {
					t.Errorf("refused: %t, want %t: %v", got, c.refused, err)
				}
			})
		}
	}
}
