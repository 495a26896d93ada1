package snapshot_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/snapshot"
	"firn/tags"
)

var noted = time.Date(2026, 11, 22, 4, 17, 5, 123456000, time.UTC)

// exampleNote returns a note with every field set.
func exampleNote() *snapshot.Note {
	return &snapshot.Note{
		Snapshot: snapshot.ID{0x3f, 0x2a, 0x91, 0xc0}, Time: noted, Host: "web1",
		Verified: &snapshot.Verification{Time: noted, How: "integrity", Problem: "row <7> missing", Unchecked: []string{"table x"}},
		NoUndo:   &snapshot.NoUndo{Time: noted, Reason: "kept as a file"},
		Pin:      &snapshot.Pin{Time: noted, Pinned: true},
		Labels:   &snapshot.Labels{Time: noted, Tags: tags.Set{"audit", "db_app"}},
		Forgot:   &snapshot.Forgot{Time: noted, Sequence: math.MaxUint64, Snapshots: []snapshot.ID{{5}}},
		Upkeep:   &snapshot.Upkeep{Time: noted, Pruned: noted, Copied: noted},
	}
}

func readNote(t testing.TB, b []byte) *snapshot.Note {
	t.Helper()
	n, err := snapshot.UnmarshalNote(b)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNoteDocument(t *testing.T) {
	t.Parallel()
	const full = `{"v":1,"snapshot":"3f2a91c0000000000000000000000000","time":"2026-11-22T04:17:05.123456Z","host":"web1",` +
		`"verified":{"time":"2026-11-22T04:17:05.123456Z","how":"integrity","problem":"row <7> missing","unchecked":["table x"]},` +
		`"no_undo":{"time":"2026-11-22T04:17:05.123456Z","reason":"kept as a file"},` +
		`"pin":{"time":"2026-11-22T04:17:05.123456Z","pinned":true},` +
		`"labels":{"time":"2026-11-22T04:17:05.123456Z","tags":["audit","db_app"]},` +
		`"forgot":{"time":"2026-11-22T04:17:05.123456Z","sequence":18446744073709551615,"snapshots":["05000000000000000000000000000000"]},` +
		`"upkeep":{"time":"2026-11-22T04:17:05.123456Z","pruned":"2026-11-22T04:17:05.123456Z","copied":"2026-11-22T04:17:05.123456Z"}}`
	n := exampleNote()
	n.Time = n.Time.In(time.FixedZone("", 3600)).Add(789)
	n.Verified.Time = n.Time
	b, err := n.Marshal()
	if err != nil || document(t, b) != full || len(b)%1024 != 0 {
		t.Fatalf("got %d bytes, %v: %s", len(b), err, document(t, b))
	}
	got := readNote(t, wrap(t, full))
	again, err := got.Marshal()
	if err != nil || document(t, again) != full || got.Snapshot != n.Snapshot || got.Time != noted || !reflect.DeepEqual(got.Verified, exampleNote().Verified) {
		t.Errorf("got %s, %v", document(t, again), err)
	}
}

func TestNoteRejects(t *testing.T) {
	t.Parallel()
	good, err := exampleNote().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	edit := func(old, by string) []byte { return wrap(t, strings.Replace(document(t, good), old, by, 1)) }
	for name, tt := range map[string]struct {
		in   []byte
		want error
	}{
		"Empty":        {nil, snapshot.ErrFormat},
		"Record":       {marshal(t, example()), snapshot.ErrFormat},
		"NotJSON":      {wrap(t, "hello"), snapshot.ErrFormat},
		"NoVersion":    {edit(`"v":1`, `"x":1`), snapshot.ErrFormat},
		"NewerVersion": {edit(`"v":1`, `"v":2`), snapshot.ErrVersion},
		"NewerTypes":   {wrap(t, `{"v":2,"verified":7}`), snapshot.ErrVersion},
		"NoSnapshot":   {edit(`"snapshot"`, `"x"`), snapshot.ErrFormat},
		"BadSnapshot":  {edit(`"3f2a`, `"zz`), snapshot.ErrFormat},
		"NoTime":       {edit(`"time"`, `"x"`), snapshot.ErrFormat},
		"YearZero":     {edit(`"2026-11-22T04:17:05.123456Z"`, `"0000-01-01T00:00:00+23:00"`), snapshot.ErrFormat},
		"VerifiedType": {edit(`"verified":{`, `"verified":7,"x":{`), snapshot.ErrFormat},
		"VerifiedTime": {edit(`"verified":{"time"`, `"verified":{"x"`), snapshot.ErrFormat},
		"NoUndoTime":   {edit(`"no_undo":{"time"`, `"no_undo":{"x"`), snapshot.ErrFormat},
		"PinTime":      {edit(`"pin":{"time"`, `"pin":{"x"`), snapshot.ErrFormat},
		"UpkeepTime":   {edit(`"upkeep":{"time"`, `"upkeep":{"x"`), snapshot.ErrFormat},
		"UpkeepPruned": {edit(`"pruned":"2026`, `"pruned":"x026`), snapshot.ErrFormat},
		"ForgotTime":   {edit(`"forgot":{"time"`, `"forgot":{"x"`), snapshot.ErrFormat},
		"ForgotNumber": {edit(`"sequence":18`, `"sequence":-18`), snapshot.ErrFormat},
		"LabelsTime":   {edit(`"labels":{"time"`, `"labels":{"x"`), snapshot.ErrFormat},
		"BadTag":       {edit(`"audit"`, `"a,b"`), snapshot.ErrFormat},
	} {
		t.Run(name, func(t *testing.T) {
			if n, err := snapshot.UnmarshalNote(tt.in); n != nil || !errors.Is(err, tt.want) {
				t.Errorf("got %v, %v, want %v", n, err, tt.want)
			}
		})
	}
	for name, breakIt := range map[string]func(*snapshot.Note){
		"NoSnapshot":   func(n *snapshot.Note) { n.Snapshot = snapshot.ID{} },
		"NoTime":       func(n *snapshot.Note) { n.Time = time.Time{} },
		"LateTime":     func(n *snapshot.Note) { n.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"VerifiedTime": func(n *snapshot.Note) { n.Verified.Time = time.Time{} },
		"NoUndoTime":   func(n *snapshot.Note) { n.NoUndo.Time = time.Time{} },
	} {
		n := exampleNote()
		breakIt(n)
		if _, err := n.Marshal(); !errors.Is(err, snapshot.ErrFormat) {
			t.Errorf("marshal %s: got %v, want ErrFormat", name, err)
		}
	}
}

func TestNoteName(t *testing.T) {
	t.Parallel()
	id := parseID(t, idText)
	name := snapshot.NewNoteName(id)
	if got, ok := snapshot.ParseNoteName(name); !ok || got != id || name == snapshot.NewNoteName(id) {
		t.Errorf("%s: got %s, %v", name, got, ok)
	}
	for _, bad := range []string{"", snapshot.NotePrefix, "x" + name, name + "0", name[:len(name)-1], name[:len(name)-1] + "g",
		strings.ToUpper(name), strings.Replace(name, "note", "snap", 1), name + "-x", strings.Replace(name, idText, idText[1:]+"C", 1)} {
		if got, ok := snapshot.ParseNoteName(bad); ok {
			t.Errorf("%q: got %s", bad, got)
		}
	}
}

// noteOf decodes a note with these further fields, written so many minutes after
// noted.
func noteOf(t *testing.T, id snapshot.ID, minutes int, fields string) *snapshot.Note {
	t.Helper()
	at := noted.Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339)
	n := readNote(t, wrap(t, fmt.Sprintf(`{"v":1,"snapshot":%q,"time":%q%s}`, id, at, fields)))
	n.Name = fmt.Sprintf("%s%s-%016x", snapshot.NotePrefix, id, minutes)
	return n
}

const (
	soundField = `,"verified":{"time":"2026-11-22T04:00:00Z","how":"all"}`
	badField   = `,"verified":{"time":"2026-11-22T05:00:00Z","how":"all","problem":"bad"}`
	laterField = `,"mood":{"good":true}` // a field of a later version
)

// TestLearn checks that the newest note with a field counts, in any order of the
// notes.
func TestLearn(t *testing.T) {
	t.Parallel()
	id := snapshot.ID{1}
	good, bad := noteOf(t, id, 1, soundField), noteOf(t, id, 2, badField)
	sameTime := noteOf(t, id, 1, badField)
	sameTime.Name = good.Name + "0"
	for name, tt := range map[string]struct {
		notes []*snapshot.Note
		want  string // the problem, "none" or "sound"
	}{
		"None":        {nil, "none"},
		"One":         {[]*snapshot.Note{good}, "sound"},
		"Newest":      {[]*snapshot.Note{good, bad}, "bad"},
		"LaterName":   {[]*snapshot.Note{good, sameTime}, "bad"},
		"OtherField":  {[]*snapshot.Note{good, noteOf(t, id, 9, laterField)}, "sound"},
		"NullIsNone":  {[]*snapshot.Note{good, noteOf(t, id, 9, `,"verified":null`)}, "sound"},
		"OtherSnap":   {[]*snapshot.Note{good, noteOf(t, snapshot.ID{2}, 9, badField)}, "sound"},
		"OnlyOthers":  {[]*snapshot.Note{noteOf(t, snapshot.ID{2}, 9, badField)}, "none"},
		"LaterFields": {[]*snapshot.Note{noteOf(t, id, 9, laterField)}, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				s := &snapshot.Snapshot{ID: id, Verified: &snapshot.Verification{Problem: "stale"}}
				s.Learn(tt.notes)
				got := "none"
				if s.Verified.Sound() {
					got = "sound"
				} else if s.Verified != nil {
					got = s.Verified.Problem
				}
				if got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
				slices.Reverse(tt.notes)
			}
		})
	}
}

// TestReplaces checks that a note does not replace a note with fields of a later
// version.
func TestReplaces(t *testing.T) {
	t.Parallel()
	id := snapshot.ID{1}
	old := noteOf(t, id, 1, soundField)
	for name, tt := range map[string]struct {
		by, old *snapshot.Note
		want    bool
	}{
		"Newer":      {noteOf(t, id, 2, badField), old, true},
		"Itself":     {old, old, false},
		"Older":      {noteOf(t, id, 0, badField), old, false},
		"OtherSnap":  {noteOf(t, snapshot.ID{2}, 2, badField), old, false},
		"OtherField": {noteOf(t, id, 2, laterField), old, false},
		"MoreInOld":  {noteOf(t, id, 2, badField), noteOf(t, id, 1, soundField+laterField), false},
		"MoreInNew":  {noteOf(t, id, 2, badField+laterField), old, true},
		"Null":       {noteOf(t, id, 2, `,"verified":null`), old, false},
		"NothingOld": {noteOf(t, id, 2, badField), noteOf(t, id, 1, ""), true},
	} {
		if got := tt.by.Replaces(tt.old); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

// TestLearnFields checks that a note on one field does not affect another field.
func TestLearnFields(t *testing.T) {
	t.Parallel()
	s := example()
	at := func(minutes int) time.Time { return noted.Add(time.Duration(minutes) * time.Minute) }
	s.Learn([]*snapshot.Note{
		{Snapshot: s.ID, Time: at(2), NoUndo: &snapshot.NoUndo{Time: at(2), Reason: "later"}},
		{Snapshot: s.ID, Time: at(0), NoUndo: &snapshot.NoUndo{Time: at(0)}},
		{Snapshot: s.ID, Time: at(1), Verified: &snapshot.Verification{Time: at(1), How: "test"}},
		{Snapshot: snapshot.ID{1}, Time: at(3), NoUndo: &snapshot.NoUndo{Time: at(3), Reason: "another's"}},
		{Snapshot: s.ID, Time: at(5), Pin: &snapshot.Pin{Time: at(5)}},
		{Snapshot: s.ID, Time: at(4), Pin: &snapshot.Pin{Time: at(4), Pinned: true}, Labels: &snapshot.Labels{Time: at(4), Tags: tags.Set{"audit"}}},
	})
	if s.NoUndo == nil || s.NoUndo.Reason != "later" || !s.Verified.Sound() {
		t.Errorf("got %+v and %+v", s.NoUndo, s.Verified)
	}
	if s.Pinned || s.Tags.String() != "audit" {
		t.Errorf("got pinned %t, tags %s", s.Pinned, s.Tags)
	}
	if s.Learn(nil); s.NoUndo != nil || s.Verified != s.Proof {
		t.Errorf("without notes: got %+v and %+v", s.NoUndo, s.Verified)
	}
}
