package site_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"firn/site"
)

// TestCaught checks that a panic is an error that names its place, also in a call that a watchdog makes.
func TestCaught(t *testing.T) {
	t.Parallel()
	var none []int
	bug := func() error { none[len(none)] = 1; return nil }
	for _, err := range []error{site.Caught(bug), site.NewWatchdog(context.Background(), 0).Call(bug, site.Nothing)} {
		if found, ok := errors.AsType[*site.PanicError](err); !ok || !strings.HasPrefix(found.Place, "panic_test.go:") {
			t.Errorf("got %v", err)
		}
	}
	if err := site.Caught(func() error { return os.ErrClosed }); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
