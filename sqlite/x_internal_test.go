package sqlite

import (
	"errors"
	"math"
	"os"
	"testing"
)

// WithMemoryLimit changes which databases with a rollback journal are read in two passes.
func WithMemoryLimit(o Options, limit int64) Options {
	o.memoryLimit = limit
	return o
}

// TwoPasses reads an image in two passes, with something happening before and between them.
func TwoPasses(t *testing.T, i *Image, before, between func(spool *os.File)) {
	t.Helper()
	s, err := newSpool(i.opts.TempDir)
	if err != nil {
		t.Fatal(err)
	}
	before(s.File)
	err = i.draft(s)
	between(s.File)
	if i.pages, err = i.revise(s, err); err != nil {
		t.Fatal(err)
	}
}

func TestNeedSpace(t *testing.T) {
	t.Parallel()
	if err := needSpace(t.TempDir(), 1); err != nil {
		t.Errorf("one byte: got %v, want nil", err)
	}
	if _, ok := freeSpace(t.TempDir()); !ok {
		t.Skip("free space is not known here")
	}
	if err := needSpace(t.TempDir(), math.MaxInt64); !errors.Is(err, ErrNoSpace) {
		t.Errorf("all bytes there are: got %v, want %v", err, ErrNoSpace)
	}
}
