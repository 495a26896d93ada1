//go:build !race

// The race detector makes sync.Pool drop states at random.

package crypt_test

import (
	"testing"

	"firn/crypt"
)

func TestBlobIDAllocations(t *testing.T) {
	k, plaintext := testKeys(), sequence(0, 4096)
	if got := testing.AllocsPerRun(100, func() { k.BlobID(crypt.Data, plaintext) }); got != 0 {
		t.Errorf("BlobID: got %v allocations, want 0", got)
	}
}
