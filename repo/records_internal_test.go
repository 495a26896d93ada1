package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/chunk"
	"firn/crypt"
	"firn/snapshot"
	"firn/store/mem"
	"firn/store/storetest"
)

var manyKey = crypt.KeyFileOf([]byte{1, 2, 3}).Credential()

// manyRecords makes a repository of n records, which name images that do not exist.
func manyRecords(t testing.TB, n int) (*mem.Store, *Repo) {
	t.Helper()
	st := mem.New()
	r, err := Init(t.Context(), Options{Store: st, Credential: manyKey}, NewKey{Credential: manyKey})
	if err != nil {
		t.Fatal(err)
	}
	tables := make([]snapshot.TableRows, 30)
	for i := range tables {
		tables[i] = snapshot.TableRows{Name: fmt.Sprintf("app_table_%02d", i), Rows: int64(i * i * i)}
	}
	for i := range n {
		s := &snapshot.Snapshot{ID: snapshot.NewID(), Environment: "production", Database: "app", Time: time.Unix(int64(i), 0), Sequence: uint64(i),
			Images: []snapshot.Image{{Root: chunk.ID{1}, Levels: 1}}}
		s.Image().SetRows(tables)
		if err := r.putRecord(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	return st, r
}

// TestManyRecords reads more records than are read at a time, past the cache: each is
// asked for once, a damaged one does not hide the others, and the order is that of their
// times.
func TestManyRecords(t *testing.T) {
	t.Parallel()
	const n = 10*objectReads + 1
	st, r := manyRecords(t, n)
	list, err := r.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone := list[7].ObjectName()
	if err := st.Delete(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if err := st.Put(t.Context(), gone, []byte("damaged")); err != nil {
		t.Fatal(err)
	}
	counted := storetest.NewFaulty(st, storetest.Fault{})
	if r, err = Open(t.Context(), Options{Store: counted, Credential: manyKey}); err != nil {
		t.Fatal(err)
	}
	list, err = r.Snapshots(t.Context())
	if !isDamage(err) || len(list) != n-1 {
		t.Fatalf("got %d snapshots and %v, want %d and a CorruptError", len(list), err, n-1)
	}
	for i, s := range list[1:] {
		if !s.Time.Before(list[i].Time) {
			t.Errorf("snapshot %d is not older than the one before it", i+1)
		}
	}
	asked := make(map[string]int)
	for _, call := range counted.Log() {
		if strings.HasPrefix(call, "get "+snapshot.Prefix) {
			asked[call]++
		}
	}
	for call, times := range asked {
		if times != 1 {
			t.Errorf("%s: %d times", call, times)
		}
	}
	if len(asked) != n {
		t.Errorf("%d records were asked for, want %d", len(asked), n)
	}
}

// TestManyRecordsEndWithTheirContext lets a listing end when its caller loses patience.
func TestManyRecordsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	_, r := manyRecords(t, 3*objectReads)
	v, err := r.listMeta(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if list, err := r.readSnapshots(ctx, v); list != nil || err != context.Canceled { // as it is: no record is at fault
		t.Errorf("got %d snapshots and %v, want none and that the context was cancelled", len(list), err)
	}
}

// TestRecordsAreOpenedOnceAndCheckedAgain lists twice with one process. The lists are apart, and a check still sees new
// bytes in the store.
func TestRecordsAreOpenedOnceAndCheckedAgain(t *testing.T) {
	t.Parallel()
	st, r := manyRecords(t, 3)
	first, err := r.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first[0].Verified = &snapshot.Verification{How: "not at all"}
	second, err := r.Snapshots(t.Context())
	if err != nil || second[0] == first[0] || second[0].ID != first[0].ID || second[0].Verified != nil {
		t.Errorf("got %+v and %v, want a copy of the first without what was not noted", second[0], err)
	}
	name := first[1].ObjectName()
	if err := st.Delete(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if err := st.Put(t.Context(), name, []byte("damaged")); err != nil {
		t.Fatal(err)
	}
	result, err := r.Check(t.Context(), CheckOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(result.Findings, func(f Finding) bool {
		var damage *CorruptError
		return errors.As(f.Err, &damage) && damage.Name == name
	}) {
		t.Errorf("a damaged record is not among %v", result.Findings)
	}
}

func TestRemembered(t *testing.T) {
	t.Parallel()
	var m remembered[int]
	object := []byte("object")
	m.replace(map[string]opened[int]{"a": {object, 7}})
	for name, tt := range map[string]struct {
		name   string
		object []byte
		want   bool
	}{
		"Same":    {"a", object, true},
		"Equal":   {"a", []byte("object"), false},
		"Shorter": {"a", object[:3], false},
		"Empty":   {"a", nil, false},
		"Other":   {"b", object, false},
	} {
		if got, ok := m.get(tt.name, tt.object); ok != tt.want || ok && got != 7 {
			t.Errorf("%s: got %v, %v, want %v", name, got, ok, tt.want)
		}
	}
}

// A listing must not take memory by the table of every record.
func TestMemoryOfRecords(t *testing.T) { // not parallel: it counts what is allocated
	const n, limit = 200, 40
	_, r := manyRecords(t, n)
	got := testing.AllocsPerRun(5, func() {
		if list, err := r.Snapshots(t.Context()); err != nil || len(list) != n {
			t.Fatalf("got %d snapshots and %v", len(list), err)
		}
	})
	if got > n*limit {
		t.Errorf("%.0f allocations a record, want at most %d", got/n, limit)
	}
}

func BenchmarkSnapshots(b *testing.B) {
	_, r := manyRecords(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Snapshots(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
