package local

import (
	"errors"
	"slices"
	"testing"
)

// TestSettledNames reads a folder that changes while it is read.
func TestSettledNames(t *testing.T) {
	t.Parallel()
	readings := [][]string{{"old", "a"}, {"a", "new"}, {"new", "a"}, {"other"}}
	got, err := settledNames(func() ([]string, error) {
		names := readings[0]
		readings = readings[1:]
		return names, nil
	})
	if want := []string{"a", "new"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestNamesNeverSettle(t *testing.T) {
	t.Parallel()
	var names []string
	_, err := settledNames(func() ([]string, error) {
		names = append(names, "x")
		return slices.Clone(names), nil
	})
	if !errors.Is(err, errUnsettled) {
		t.Errorf("got %v, want errUnsettled", err)
	}
}
