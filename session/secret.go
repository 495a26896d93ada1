package session

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"strings"

	"firn/config"
	"firn/host"
)

// The byte order marks that editors put at the beginning of a file. No password begins with one.
const (
	markUTF8     = "\xef\xbb\xbf"
	markUTF16    = "\xff\xfe"
	markUTF16big = "\xfe\xff"
)

// FirstLine returns the first line of a secret without what a program has added to it:
// the line's end, of Windows too, and a byte order mark. Blanks belong to the secret.
func FirstLine(text []byte) (string, error) {
	line, _, _ := strings.Cut(strings.TrimPrefix(string(text), markUTF8), "\n")
	switch line = strings.TrimRight(line, "\r"); {
	case strings.HasPrefix(line, markUTF16), strings.HasPrefix(line, markUTF16big):
		return "", errors.New("it is in UTF-16: save it as UTF-8")
	case line == "":
		return "", errors.New("the first line is empty")
	}
	return line, nil
}

// maxSecret is more than any key file or password has, in bytes.
const maxSecret = 1 << 20

// readSecret reads a file that no other user should be able to read, or standard input. A file that other users can change
// is refused: it could hold a key that they know.
func (c *Caller) readSecret(ctx context.Context, path string) ([]byte, error) {
	if path == config.StandardInput && c.Input != nil {
		return Await(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(c.Input, maxSecret)) })
	}
	f, err := host.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if shared := readers(info); shared != 0 {
		c.Warn("others may read %s (mode %04o): chmod 600 %[1]s", path, info.Mode().Perm())
	}
	return io.ReadAll(io.LimitReader(f, maxSecret))
}

// readers returns the bits of a secret's mode that let others read it. Links into /proc and
// pipes, as from <(command), have modes that say nothing. Root gives a file to a service by the
// service's group: it must stay readable to that.
func readers(info fs.FileInfo) fs.FileMode {
	switch {
	case runtime.GOOS == "windows" || !info.Mode().IsRegular():
		return 0
	case host.Own(info):
		return info.Mode().Perm() & 0o077
	}
	return info.Mode().Perm() & 0o007
}
