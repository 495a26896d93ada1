package store_test

import (
	"errors"
	"io"
	"math"
	"testing"

	"firn/store"
)

func TestCheckName(t *testing.T) {
	t.Parallel()
	good := []string{"a", "meta/config", "meta/gc-000000000001-0123456789abcdef", "packs/00/0f", "-", "a/-/b"}
	for _, name := range good {
		if err := store.CheckName(name); err != nil {
			t.Errorf("CheckName(%q) = %v, want nil", name, err)
		}
	}
	for _, name := range badNames() {
		if err := store.CheckName(name); err == nil {
			t.Errorf("CheckName(%q) = nil, want an error", name)
		}
	}
}

func badNames() []string {
	return []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", ".tmp", ".tmp/a",
		"A", "a_b", "a b", `a\b`, "a\x00", "a\n", "ä", "a:b", "c:", "a\xff", "a%2fb", "a.b",
	}
}

func TestCheckPrefix(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "a", "a/", "meta/gc-", "packs/00/"} {
		if err := store.CheckPrefix(prefix); err != nil {
			t.Errorf("CheckPrefix(%q) = %v, want nil", prefix, err)
		}
	}
	for _, prefix := range []string{"/", "/a", "a//", "..", "../", "a/../", "A", ".tmp/"} {
		if err := store.CheckPrefix(prefix); err == nil {
			t.Errorf("CheckPrefix(%q) = nil, want an error", prefix)
		}
	}
}

func TestRange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		size, off, length int64
		from, to          int64
		err               error
	}{
		{10, 0, -1, 0, 10, nil},
		{10, 3, 4, 3, 7, nil},
		{10, 10, -1, 10, 10, nil},
		{10, 10, 0, 10, 10, nil},
		{10, -4, -1, 6, 10, nil},
		{10, -4, 2, 6, 10, nil},
		{10, -11, -1, 0, 10, nil},
		{10, math.MinInt64, math.MinInt64, 0, 10, nil},
		{0, -1, -1, 0, 0, nil},
		{10, 11, -1, 0, 0, io.ErrUnexpectedEOF},
		{10, 11, 0, 0, 0, io.ErrUnexpectedEOF},
		{10, 7, 4, 0, 0, io.ErrUnexpectedEOF},
		{10, 7, math.MaxInt64, 0, 0, io.ErrUnexpectedEOF},
		{10, math.MaxInt64, math.MaxInt64, 0, 0, io.ErrUnexpectedEOF},
	}
	for _, tt := range tests {
		from, to, err := store.Range(tt.size, tt.off, tt.length)
		if from != tt.from || to != tt.to || !errors.Is(err, tt.err) {
			t.Errorf("Range(%d, %d, %d) = %d, %d, %v, want %d, %d, %v",
				tt.size, tt.off, tt.length, from, to, err, tt.from, tt.to, tt.err)
		}
	}
}
