package source

import (
	"context"
	"io/fs"
	"os"
	"time"
)

// Settled is how old a file's times must be before an equal time proves an equal file: clocks of file systems tick
// coarsely, so two writes shortly after one another can leave the same time.
const Settled = 2 * time.Second

// Stillness proves that a database file was not written since it was opened.
type Stillness struct {
	path   string
	before fs.FileInfo
}

// newStillness looks at a file, once a later write is certain to show in its times.
func newStillness(ctx context.Context, path string, now func() time.Time) (*Stillness, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	young := Settled - now().Sub(LastChange(info))
	if young > 0 {
		select {
		case <-time.After(min(young, Settled)):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if info, err = os.Stat(path); err != nil {
			return nil, err
		}
	}
	return &Stillness{path, info}, nil
}

// Check returns [ErrChanged] if the file was written. A nil Stillness has nothing to check.
func (s *Stillness) Check() error {
	if s == nil {
		return nil
	}
	after, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if !os.SameFile(s.before, after) || s.before.Size() != after.Size() || !LastChange(s.before).Equal(LastChange(after)) {
		return ErrChanged
	}
	return nil
}

// LastChange returns when a file was last changed, in its content or otherwise.
func LastChange(info fs.FileInfo) time.Time {
	changed := time.Unix(0, StatOf(info).ChangeTime)
	if info.ModTime().After(changed) {
		return info.ModTime()
	}
	return changed
}
