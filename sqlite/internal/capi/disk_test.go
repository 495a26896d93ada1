package capi_test

import (
	"errors"
	"math"
	"testing"

	"firn/sqlite/internal/capi"
)

func TestNeedSpace(t *testing.T) {
	t.Parallel()
	if err := capi.NeedSpace(t.TempDir(), 1); err != nil {
		t.Errorf("one byte: got %v, want nil", err)
	}
	if _, ok := capi.FreeSpace(t.TempDir()); !ok {
		t.Skip("free space is not known here")
	}
	if err := capi.NeedSpace(t.TempDir(), math.MaxInt64); !errors.Is(err, capi.ErrNoSpace) {
		t.Errorf("all bytes there are: got %v, want %v", err, capi.ErrNoSpace)
	}
}
