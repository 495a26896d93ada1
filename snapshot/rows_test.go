package snapshot_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"firn/snapshot"
)

func TestRows(t *testing.T) {
	t.Parallel()
	many := make([]snapshot.TableRows, 257)
	for i := range many {
		many[i] = snapshot.TableRows{Name: fmt.Sprintf("t%03d", i), Rows: 2}
	}
	long := snapshot.TableRows{Name: strings.Repeat("n", 128), Rows: 5}
	longer := snapshot.TableRows{Name: strings.Repeat("n", 129), Rows: 5}
	tests := map[string]struct {
		in, want []snapshot.TableRows
		total    int64
	}{
		"None":        {nil, []snapshot.TableRows{}, 0},
		"Sorted":      {[]snapshot.TableRows{{"posts", 7}, {"Users", 0}, {"authors", 3}}, []snapshot.TableRows{{"Users", 0}, {"authors", 3}, {"posts", 7}}, 10},
		"Full":        {many[:256], many[:256], 512},
		"TooMany":     {many, nil, 514},
		"LongName":    {[]snapshot.TableRows{long}, []snapshot.TableRows{long}, 5},
		"TooLongName": {[]snapshot.TableRows{many[0], longer}, nil, 7},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := slices.Clone(tt.in)
			s := minimal()
			if total, known := s.Image().Rows(); known {
				t.Fatalf("before: got %d rows, want none known", total)
			}
			s.Image().SetRows(tt.in)
			got, err := snapshot.Unmarshal(marshal(t, s))
			if err != nil {
				t.Fatal(err)
			}
			total, known := got.Image().Rows()
			if !known || total != tt.total || !reflect.DeepEqual(got.Image().Tables, tt.want) {
				t.Errorf("got %d rows, known %t, tables %v, want %d of %v", total, known, got.Image().Tables, tt.total, tt.want)
			}
			if marked := got.Image().TableMarks != nil; marked != (tt.want == nil) {
				t.Errorf("marks of names: got %t, want them where there is no list", marked)
			}
			if !slices.Equal(tt.in, before) {
				t.Error("the caller's list was changed")
			}
		})
	}
}

// TestMarksHaveTheirBytes checks the marks of two names against docs/format.md: they
// come from the SHA-256 of the names alone.
func TestMarksHaveTheirBytes(t *testing.T) {
	t.Parallel()
	image := minimal().Image()
	image.SetRows([]snapshot.TableRows{{Name: "users"}, {Name: strings.Repeat("n", 129)}, {Name: "users"}})
	got := fmt.Sprintf("%x", []byte(image.TableMarks))
	var want []string
	for _, name := range []string{"users", strings.Repeat("n", 129)} {
		want = append(want, fmt.Sprintf("%x", sha256.Sum256([]byte(name)))[:8])
	}
	slices.Sort(want)
	if got != strings.Join(want, "") {
		t.Errorf("got %s, want %s", got, strings.Join(want, ""))
	}
}

// TestMarksRefused checks that marks that no writer makes are refused: a search in
// them would miss tables.
func TestMarksRefused(t *testing.T) {
	t.Parallel()
	for name, marks := range map[string][]byte{
		"Cut": {0, 0, 1}, "Unsorted": {0, 0, 0, 2, 0, 0, 0, 1}, "Twice": {0, 0, 0, 2, 0, 0, 0, 2}, "TooMany": make([]byte, 4<<16+4),
	} {
		s := minimal()
		s.Image().TableMarks = marks
		if _, err := s.Marshal(); !errors.Is(err, snapshot.ErrFormat) {
			t.Errorf("%s: got %v, want ErrFormat", name, err)
		}
	}
	s := minimal()
	s.Image().Tables, s.Image().TableMarks = []snapshot.TableRows{}, []byte{0, 0, 0, 1}
	if _, err := s.Marshal(); !errors.Is(err, snapshot.ErrFormat) {
		t.Errorf("list and marks: got %v, want ErrFormat", err)
	}
}
