package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"firn/store/internal/files"
)

// The folder and the files that writers use. No object's name can contain a
// dot.
const (
	temporaryFolder = ".tmp"
	temporaryPrefix = "put." // + random: the bytes of an object to be
	claimPrefix     = "claim."
)

// Clean removes the temporary files last written before olderThan, and no other
// file. A file of another program stays, even in the temporary folder.
func (s *Store) Clean(ctx context.Context, olderThan time.Time) (int, error) {
	n, err := s.clean(ctx, olderThan)
	if err != nil {
		return n, fmt.Errorf("clean %s: %w", s.dir, err)
	}
	return n, nil
}

func (s *Store) clean(ctx context.Context, olderThan time.Time) (n int, err error) {
	if err := s.check(ctx); err != nil {
		return 0, err
	}
	if info, err := s.root.Lstat(temporaryFolder); err == nil && !info.IsDir() { // opening a pipe would wait
		return 0, fmt.Errorf("%s: %w", temporaryFolder, files.ErrNeither)
	}
	files, err := fs.ReadDir(s.root.FS(), temporaryFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		if !isLeftOver(file, olderThan) {
			continue
		}
		err := s.root.Remove(path.Join(temporaryFolder, file.Name()))
		if err == nil {
			n++
		} else if !errors.Is(err, fs.ErrNotExist) {
			return n, err
		}
	}
	return n, err // the error of reading the folder
}

func isLeftOver(file fs.DirEntry, olderThan time.Time) bool {
	ours := strings.HasPrefix(file.Name(), temporaryPrefix) || strings.HasPrefix(file.Name(), claimPrefix)
	if !ours || !file.Type().IsRegular() {
		return false
	}
	info, err := file.Info() // an error means that the file is already gone
	return err == nil && info.ModTime().Before(olderThan)
}
