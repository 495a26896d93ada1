package capi_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"firn/sqlite/internal/capi"
)

// TestInterruptBeforeStep has a context end when no statement runs, and one that never ends by itself start afterwards.
func TestInterruptBeforeStep(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	c, err := capi.Open(ctx, ":memory:", capi.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Prepare("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
	if err != nil {
		t.Fatal(err)
	}
	gone := errors.New("gone")
	cancel(gone)
	time.Sleep(20 * time.Millisecond) // the first interrupt has come, and SQLite forgets it
	if _, err := s.Step(); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	s.Finalize()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
