package session

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"firn/crypt"
	"firn/host"
	"firn/site"
)

// WriteKeyFile makes a new key file. It never overwrites one, and leaves none where another
// user could put another in its place.
func WriteKeyFile(path string, key crypt.KeyFile, now string) (err error) {
	if err := host.MakeFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("make folder of key file: %w", err)
	}
	text := KeyFileText(key, now)
	// Without the key the repository is lost: all of it must be on the disk before that is,
	// and before another run finds the name.
	temporary, err := site.CreatePrivate(filepath.Dir(path), site.StageName(path)+"-*", func(f *os.File) error {
		_, err := f.WriteString(text)
		return errors.Join(err, f.Sync())
	})
	if err != nil {
		return fmt.Errorf("write key file %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, site.RemoveFile(temporary)) }()
	if err := site.PublishFile(temporary, path); err != nil {
		return fmt.Errorf("write key file %s: %w", path, err)
	}
	return nil
}

// KeyFileText returns the text of a key file that was made on a day, which is written 2026-11-21.
func KeyFileText(key crypt.KeyFile, now string) string {
	return fmt.Sprintf("# firn key, made %s. Whoever has it can read and change the repository.\n%s\n", now, key)
}

// KeyLabel returns the text by which a list of keys shows a key.
func KeyLabel(what, where string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return cmp.Or(strings.TrimSpace(what+" "+where), what) + " (" + host + ")"
}
