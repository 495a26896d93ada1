//go:build !windows

package local

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"
)

// TestIsFull distinguishes a full disk and a used-up quota from other errors.
func TestIsFull(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		syscall.ENOSPC: true,
		syscall.EDQUOT: true,
		syscall.EIO:    false,
		syscall.EROFS:  false,
		syscall.EFBIG:  false,
		fs.ErrExist:    false,
	} {
		if got := IsFull(fmt.Errorf("put: %w", &fs.PathError{Op: "write", Path: os.DevNull, Err: err})); got != want {
			t.Errorf("%v: got %t, want %t", err, got, want)
		}
	}
	if IsFull(nil) {
		t.Error("no error is a full disk")
	}
}
