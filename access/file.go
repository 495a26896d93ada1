package access

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"firn/host"
	"firn/outcome"
	"firn/site"
)

// File is the private file of a host's tokens for one repository. Commands and servers may use it at the same time. A change is
// seen by the next request.
type File struct {
	path string
	now  func() time.Time
}

// entry is a token in the file.
type entry struct {
	Grant
	Hash string `json:"sha256"`
}

// content is what the file holds.
type content struct {
	Version int     `json:"version"`
	Tokens  []entry `json:"tokens"`
}

const (
	fileName    = "tokens.json"
	fileVersion = 1
	// usedPause is how much later than the stored time a use is stored: a busy client shall not write the file at each request.
	usedPause = time.Minute
)

// Open returns the file in a folder, and makes the folder private. The file itself may be missing.
func Open(dir string, now func() time.Time) (*File, error) {
	if err := host.MakePrivateFolder(dir); err != nil {
		return nil, fmt.Errorf("folder of tokens: %w", err)
	}
	return &File{filepath.Join(dir, fileName), now}, nil
}

// Add stores a new token for a grant and returns it. The token is not stored itself, and cannot be shown again.
func (f *File) Add(ctx context.Context, g Grant) (Token, error) {
	g.Created = f.now().UTC()
	if err := g.check(g.Created); err != nil {
		return "", outcome.Usage("", "%w", err)
	}
	token := NewToken()
	sum := token.hash()
	return token, f.change(ctx, func(c *content) error {
		if slices.ContainsFunc(c.Tokens, func(e entry) bool { return e.Name == g.Name }) {
			return outcome.Usage(`Take another name, or remove that one: "firn token remove".`, "there is a token of the name %q", g.Name)
		}
		c.Tokens = append(c.Tokens, entry{g, hex.EncodeToString(sum[:])})
		return nil
	})
}

// Remove removes the token of a name.
func (f *File) Remove(ctx context.Context, name string) error {
	return f.change(ctx, func(c *content) error {
		n := len(c.Tokens)
		c.Tokens = slices.DeleteFunc(c.Tokens, func(e entry) bool { return e.Name == name })
		if len(c.Tokens) == n {
			return outcome.Failed(`"firn token list" shows the names.`, "there is no token of the name %q", name)
		}
		return nil
	})
}

// List returns what all tokens are good for, in the order in which they were made.
func (f *File) List() ([]Grant, error) {
	c, err := f.read()
	if err != nil {
		return nil, err
	}
	grants := make([]Grant, 0, len(c.Tokens))
	for _, e := range c.Tokens {
		grants = append(grants, e.Grant)
	}
	return grants, nil
}

// Find returns the grant of a token, and stores that it was used. It reads the file each time, so that a removed token is of no
// use at once, and compares with all tokens, so that the time does not tell which of them is near.
func (f *File) Find(ctx context.Context, text string) (*Grant, error) {
	token, err := ParseToken(text)
	if err != nil {
		return nil, err
	}
	c, err := f.read()
	if err != nil {
		return nil, err
	}
	var found *entry
	sum := token.hash()
	for i := range c.Tokens {
		if equal(c.Tokens[i].Hash, sum) {
			found = &c.Tokens[i]
		}
	}
	now := f.now().UTC()
	if found == nil || found.Expired(now) {
		return nil, fmt.Errorf("%w: it is not known here, or has expired", ErrRefused)
	}
	if now.Sub(found.Used) >= usedPause {
		_ = f.noteUse(ctx, found.Hash, now) // it only informs people
	}
	return &found.Grant, nil
}

// noteUse stores when a token was used.
func (f *File) noteUse(ctx context.Context, hash string, now time.Time) error {
	return f.change(ctx, func(c *content) error {
		for i := range c.Tokens {
			if c.Tokens[i].Hash == hash {
				c.Tokens[i].Used = now.Truncate(time.Second)
			}
		}
		return nil
	})
}

// read returns the content of the file, which may be missing. A file that other users can change is refused: they could let
// themselves in.
func (f *File) read() (*content, error) {
	text, err := host.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return &content{Version: fileVersion}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	var c content
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("read tokens: %s: %w", f.path, err)
	}
	if c.Version != fileVersion {
		return nil, outcome.Failed("Update firn.", "read tokens: %s has version %d", f.path, c.Version)
	}
	return &c, nil
}

// change changes the file under a lock. A reader gets the whole old content or the whole new one.
func (f *File) change(ctx context.Context, change func(*content) error) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	lock := flock.New(f.path+".lock", flock.SetPermissions(site.PrivateMode))
	if _, err := lock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return fmt.Errorf("lock tokens: %w", errors.Join(err, lock.Close()))
	}
	defer lock.Close() // this lets go of it
	c, err := f.read()
	if err != nil {
		return err
	}
	if err := change(c); err != nil {
		return err
	}
	return f.write(c)
}

// write replaces the file. It is on the disk before it has its name: a crash must not leave an empty file, which would
// lock out all programs.
func (f *File) write(c *content) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	temporary, err := site.CreatePrivate(filepath.Dir(f.path), fileName+"-*", func(file *os.File) error {
		_, err := file.Write(append(text, '\n'))
		return errors.Join(err, file.Sync())
	})
	if err != nil {
		return fmt.Errorf("write tokens: %w", err)
	}
	if err := os.Rename(temporary, f.path); err != nil {
		return fmt.Errorf("write tokens: %w", errors.Join(err, site.RemoveFile(temporary)))
	}
	return nil
}
