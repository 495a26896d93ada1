package files_test

import (
	"errors"
	"slices"
	"testing"

	"firn/store/internal/files"
)

// itself is the name of a name.
func itself(name string) string { return name }

// TestSettled reads a folder that changes while it is read.
func TestSettled(t *testing.T) {
	t.Parallel()
	readings := [][]string{{"old", "a"}, {"a", "new"}, {"new", "a"}, {"other"}}
	got, err := files.Settled(func() ([]string, error) {
		names := readings[0]
		readings = readings[1:]
		return names, nil
	}, itself)
	if want := []string{"a", "new"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestNamesNeverSettle(t *testing.T) {
	t.Parallel()
	var names []string
	_, err := files.Settled(func() ([]string, error) {
		names = append(names, "x")
		return slices.Clone(names), nil
	}, itself)
	if !errors.Is(err, files.ErrUnsettled) {
		t.Errorf("got %v, want ErrUnsettled", err)
	}
}
