package snapshot_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"firn/chunk"
	"firn/snapshot"
)

// several returns records for a round: one with every field, one with few, and others.
func several() []*snapshot.Snapshot {
	list := []*snapshot.Snapshot{example(), minimal()}
	for i := range byte(5) {
		s := example()
		s.ID, s.Environment, s.Images[0].Root = snapshot.ID{9, i}, fmt.Sprintf("tenant-%d", i), chunk.ID{7, i}
		list = append(list, s)
	}
	return list
}

func marshalRound(t testing.TB, list []*snapshot.Snapshot) []byte {
	t.Helper()
	b, err := snapshot.MarshalRound(list)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readRound(b []byte) ([]*snapshot.Snapshot, error) { return new(snapshot.Decoder).Round(b) }

// Records of a round come back in their order, as each would by itself.
func TestRound(t *testing.T) {
	t.Parallel()
	list := several()
	for n := 1; n <= len(list); n++ {
		b := marshalRound(t, list[:n])
		if len(b)%1024 != 0 {
			t.Errorf("%d records: %d bytes", n, len(b))
		}
		got, err := readRound(b)
		if err != nil || len(got) != n {
			t.Fatalf("%d records: got %d, %v", n, len(got), err)
		}
		for i, s := range got {
			alone, err := snapshot.Unmarshal(marshal(t, list[i]))
			if err != nil || !reflect.DeepEqual(s, alone) {
				t.Errorf("record %d of %d: got %+v, want %+v, %v", i, n, s, alone, err)
			}
		}
	}
	one := document(t, marshal(t, list[0]))
	if got, want := document(t, marshalRound(t, list[:1])), `{"v":1,"snapshots":[`+one+`]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMarshalRoundRefuses(t *testing.T) {
	t.Parallel()
	list := several()
	for name, bad := range map[string][]*snapshot.Snapshot{
		"None": nil, "Twice": {list[0], list[1], list[0]}, "Invalid": {list[0], {ID: snapshot.ID{8}}},
	} {
		if b, err := snapshot.MarshalRound(bad); !errors.Is(err, snapshot.ErrFormat) || b != nil {
			t.Errorf("%s: got %d bytes, %v, want ErrFormat", name, len(b), err)
		}
	}
}

func TestRoundRefuses(t *testing.T) {
	t.Parallel()
	one, other := document(t, marshal(t, example())), document(t, marshal(t, minimal()))
	round := func(records ...string) string { return `{"v":1,"snapshots":[` + strings.Join(records, ",") + `]}` }
	for name, test := range map[string]struct {
		in   string
		want error
	}{
		"OK":                 {round(one, other), nil},
		"Spaces":             {strings.ReplaceAll(round(one, other), `,"`, " ,\n \""), nil},
		"OtherFields":        {`{"new":[7],` + round(one)[1:], nil},
		"Later":              {strings.Replace(round(one), `"v":1`, `"v":2`, 1), snapshot.ErrVersion},
		"LaterOtherwise":     {`{"v":2,"snapshots":7}`, snapshot.ErrVersion},
		"LaterRecord":        {round(one, strings.Replace(other, `"v":1`, `"v":2`, 1)), snapshot.ErrVersion},
		"NoVersion":          {strings.Replace(round(one), `"v":1,`, ``, 1), snapshot.ErrFormat},
		"RecordNoVersion":    {round(strings.Replace(one, `"v":1,`, ``, 1)), snapshot.ErrFormat},
		"VersionZero":        {strings.Replace(round(one), `"v":1`, `"v":0`, 1), snapshot.ErrFormat},
		"Empty":              {round(), snapshot.ErrFormat},
		"NoSnapshots":        {`{"v":1}`, snapshot.ErrFormat},
		"Null":               {`{"v":1,"snapshots":null}`, snapshot.ErrFormat},
		"NullRecord":         {round(one, "null"), snapshot.ErrFormat},
		"Number":             {round(one, "7"), snapshot.ErrFormat},
		"Twice":              {round(one, other, one), snapshot.ErrFormat},
		"Single":             {one, snapshot.ErrFormat},
		"Object":             {`{"v":1,"snapshots":` + one + `}`, snapshot.ErrFormat},
		"InvalidRecord":      {round(one, strings.Replace(other, `"id":"01`, `"id":"zz`, 1)), snapshot.ErrFormat},
		"RecordWithoutImage": {round(one, strings.Replace(other, `"images"`, `"pictures"`, 1)), snapshot.ErrFormat},
		"Text":               {"round", snapshot.ErrFormat},
		"Behind":             {round(one) + "7", snapshot.ErrFormat},
	} {
		list, err := readRound(wrap(t, test.in))
		if !errors.Is(err, test.want) || (list == nil) != (test.want != nil) {
			t.Errorf("%s: got %d records, %v, want %v", name, len(list), err, test.want)
		}
	}
	good := marshalRound(t, several())
	for n := range len(good) {
		if list, err := readRound(good[:n]); !errors.Is(err, snapshot.ErrFormat) || list != nil {
			t.Errorf("cut to %d: got %d records, %v", n, len(list), err)
		}
	}
	if _, err := snapshot.Unmarshal(good); !errors.Is(err, snapshot.ErrFormat) {
		t.Errorf("a round as a record: %v", err)
	}
}

// The memory for a document is that for its records, however many things it has in place of records.
func TestRoundBoundsMemory(t *testing.T) { // not in parallel, as it measures the process
	for _, element := range []string{"0", "{}", "null", `""`, "[]"} {
		in := wrap(t, `{"v":1,"snapshots":[`+strings.Repeat(element+",", 5<<20/len(element)*len("0,"))+element+`]}`)
		before := allocated()
		if _, err := readRound(in); !errors.Is(err, snapshot.ErrFormat) {
			t.Errorf("many %s: %v", element, err)
		}
		if got := allocated() - before; got > 256<<20 {
			t.Errorf("many %s: allocated %d bytes", element, got)
		}
	}
}

// FuzzRound does for the records of rounds what FuzzUnmarshal does for records.
func FuzzRound(f *testing.F) {
	b := marshalRound(f, several())
	f.Add(b, false)
	f.Add([]byte(document(f, b)), true)
	f.Add([]byte(document(f, marshalRound(f, several()[1:2]))), true)
	f.Add([]byte(`{"v":1,"snapshots":[0,0,{},null]}`), true)
	f.Add([]byte(`{"v":2,"snapshots":7}`), true)
	f.Fuzz(func(t *testing.T, in []byte, isDocument bool) {
		if isDocument {
			in = wrap(t, string(in))
		}
		before := allocated()
		list, err := readRound(in)
		if got, limit := allocated()-before, uint64(256<<20+64*len(in)); got > limit {
			t.Errorf("allocated %d bytes, want at most %d", got, limit)
		}
		if err != nil {
			if list != nil || !errors.Is(err, snapshot.ErrFormat) && !errors.Is(err, snapshot.ErrVersion) {
				t.Errorf("got %v, %v", list, err)
			}
			return
		}
		again, err := readRound(marshalRound(t, list))
		if err != nil || len(again) != len(list) {
			t.Fatalf("round trip: got %d records, %v, want %d", len(again), err, len(list))
		}
		for i := range list {
			if !reflect.DeepEqual(withoutEmpty(again[i]), withoutEmpty(list[i])) {
				t.Errorf("round trip: got %+v, want %+v", again[i], list[i])
			}
		}
	})
}
