package snapshot_test

import (
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
			if !slices.Equal(tt.in, before) {
				t.Error("the caller's list was changed")
			}
		})
	}
}
