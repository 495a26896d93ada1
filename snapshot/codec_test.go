package snapshot_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"firn/chunk"
	"firn/snapshot"
	"firn/tags"

	"github.com/klauspost/compress/zstd"
)

// example returns a record with every field set.
func example() *snapshot.Snapshot {
	at := time.Date(2026, 11, 21, 3, 12, 5, 123456000, time.UTC)
	s := &snapshot.Snapshot{
		ID: snapshot.ID{0x3f, 0x2a, 0x91, 0xc0}, Environment: "production", Database: "app", Host: "web1",
		Tags: tags.Set{"db_app", "env_production"}, Time: at, Duration: 0.25, Tool: "firn 1.0.0",
		Images: []snapshot.Image{{
			Root: chunk.ID{1, 2, 3}, Levels: 2, Size: 518 << 20, PageSize: 4096, PageCount: 132608, JournalMode: "wal",
			UserVersion: 7, ApplicationID: -1, SchemaHash: "9f86d081", Export: "pages",
			Fingerprint: json.RawMessage(`{"wal":"<salt>","size":518}`), ReadAt: at,
			Access: &snapshot.Access{UID: 1000, GID: 33, Mode: 0o660},
		}},
		Parent: snapshot.ID{1}, Sequence: 42, Previous: snapshot.ID{2}, Added: 168200, Chunks: 4144, ChunksNew: 31,
		Packs: []string{"00112233445566778899aabbccddeeff"}, Token: "0a1b", Forgot: []snapshot.ID{{3}, {4}},
		Unchanged: true, Pinned: true, CopiedBy: "web2",
		Original: &snapshot.Origin{Repository: "f53b80ed24e10ab096c121a2104a4041", Snapshot: snapshot.ID{5}},
		Proof: &snapshot.Verification{
			Time: at.Add(time.Second), How: snapshot.HowDifference, Unchecked: []string{"table fts", "index i"}, Since: snapshot.ID{6}, Whole: at.Add(-time.Hour),
		},
	}
	s.Verified = s.Proof
	s.Image().SetRows([]snapshot.TableRows{{Name: "posts", Rows: 71}, {Name: "users", Rows: 9}})
	return s
}

// minimal returns a record with only the required fields.
func minimal() *snapshot.Snapshot {
	return &snapshot.Snapshot{
		ID: snapshot.ID{1}, Environment: "demo", Database: "app", Time: time.Unix(0, 0).UTC(),
		Images: []snapshot.Image{{Root: chunk.ID{1}}},
	}
}

func marshal(t testing.TB, s *snapshot.Snapshot) []byte {
	t.Helper()
	b, err := s.Marshal()
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	return b
}

// wrap puts a document into a frame of the format.
func wrap(t testing.TB, plain string) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithSingleSegment(true))
	if err != nil {
		t.Fatal(err)
	}
	return pad(w.EncodeAll([]byte(plain), nil))
}

// pad puts the length before a frame and zeros behind it.
func pad(frame []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(frame)))
	b = append(b, frame...)
	return append(b, make([]byte, (1024-len(b)%1024)%1024)...)
}

// document returns the JSON in a record.
func document(t testing.TB, b []byte) string {
	t.Helper()
	r, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	plain, err := r.DecodeAll(b[4:4+binary.LittleEndian.Uint32(b)], nil)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(plain))
}

func TestDocument(t *testing.T) {
	t.Parallel()
	zeros := func(n int) string { return strings.Repeat("0", n) }
	tests := map[string]struct {
		in   *snapshot.Snapshot
		want string
	}{
		"Full": {example(), `{"v":1,"id":"3f2a91c0` + zeros(24) + `","environment":"production","database":"app","host":"web1",` +
			`"tags":["db_app","env_production"],"time":"2026-11-21T03:12:05.123456Z","duration":0.25,"tool":"firn 1.0.0",` +
			`"images":[{"root":"010203` + zeros(58) + `","levels":2,"size":543162368,"page_size":4096,"page_count":132608,` +
			`"journal_mode":"wal","user_version":7,"application_id":-1,"schema_hash":"9f86d081",` +
			`"rows":80,"tables":[{"name":"posts","rows":71},{"name":"users","rows":9}],"export":"pages",` +
			`"fingerprint":{"wal":"<salt>","size":518},"read_at":"2026-11-21T03:12:05.123456Z","access":{"uid":1000,"gid":33,"mode":432}}],` +
			`"parent":"01` + zeros(30) + `","sequence":42,"previous":"02` + zeros(30) + `",` +
			`"original":{"repository":"f53b80ed24e10ab096c121a2104a4041","snapshot":"05` + zeros(30) + `"},"copied_by":"web2",` +
			`"added":168200,"chunks":4144,"chunks_new":31,` +
			`"packs":["00112233445566778899aabbccddeeff"],"token":"0a1b","forgot":["03` + zeros(30) + `","04` + zeros(30) + `"],` +
			`"unchanged":true,"pinned":true,` +
			`"verified":{"time":"2026-11-21T03:12:06.123456Z","how":"what changed, foreign keys","unchecked":["table fts","index i"],` +
			`"since":"06` + zeros(30) + `","whole":"2026-11-21T02:12:05.123456Z"}}`},
		"Minimal": {minimal(), `{"v":1,"id":"01` + zeros(30) + `","environment":"demo","database":"app","time":"1970-01-01T00:00:00Z",` +
			`"images":[{"root":"01` + zeros(62) + `","levels":0,"size":0}],"added":0,"chunks":0,"chunks_new":0}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := marshal(t, tt.in)
			if got := document(t, b); got != tt.want {
				t.Errorf("document:\n got %s\nwant %s", got, tt.want)
			}
			got, err := snapshot.Unmarshal(wrap(t, tt.want))
			if err != nil || !reflect.DeepEqual(got, tt.in) {
				t.Fatalf("unmarshal: got %+v, %v, want %+v", got, err, tt.in)
			}
			if got.Image() != &got.Images[0] {
				t.Error("Image is not the first of Images")
			}
		})
	}
}

func TestMarshalNormalises(t *testing.T) {
	t.Parallel()
	s := example()
	zone := time.FixedZone("", 3600)
	s.Time = time.Date(2026, 11, 21, 4, 12, 5, 123456789, zone)
	s.Images[0].ReadAt = s.Time
	s.Images[0].Fingerprint = json.RawMessage(`{ "wal": "<salt>", "size": 518 }`)
	before := s.Time
	if got, want := document(t, marshal(t, s)), document(t, marshal(t, example())); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if s.Time != before || s.Images[0].ReadAt != before || s.Images[0].Fingerprint[1] != ' ' {
		t.Error("marshal changed the snapshot")
	}
}

func TestPadding(t *testing.T) {
	t.Parallel()
	for n := range 1100 { // more than one step of the padding
		s := minimal()
		s.Packs = []string{incompressible(n)}
		b := marshal(t, s)
		frame := int(binary.LittleEndian.Uint32(b))
		if len(b)%1024 != 0 || len(b)-4-frame >= 1024 {
			t.Fatalf("frame of %d bytes in %d", frame, len(b))
		}
		if _, err := snapshot.Unmarshal(b); err != nil {
			t.Fatalf("unmarshal frame of %d bytes: %v", frame, err)
		}
	}
}

// incompressible returns n pseudo-random letters.
func incompressible(n int) string {
	b, x := make([]byte, n), uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = 'A' + byte(x>>24)%58
	}
	return strings.ReplaceAll(string(b), `\`, "_")
}

func TestMarshalRejects(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*snapshot.Snapshot){
		"NoID":             func(s *snapshot.Snapshot) { s.ID = snapshot.ID{} },
		"NoImage":          func(s *snapshot.Snapshot) { s.Images = nil },
		"TwoImages":        func(s *snapshot.Snapshot) { s.Images = append(s.Images, s.Images[0]) },
		"CopyOfNothing":    func(s *snapshot.Snapshot) { s.Original = &snapshot.Origin{Repository: "f5"} },
		"CopyOfNowhere":    func(s *snapshot.Snapshot) { s.Original = &snapshot.Origin{Snapshot: snapshot.ID{1}} },
		"NoRoot":           func(s *snapshot.Snapshot) { s.Images[0].Root = chunk.ID{} },
		"NegativeSize":     func(s *snapshot.Snapshot) { s.Images[0].Size = -1 },
		"NegativeLevels":   func(s *snapshot.Snapshot) { s.Images[0].Levels = -1 },
		"NegativePage":     func(s *snapshot.Snapshot) { s.Images[0].PageSize = -1 },
		"NegativePages":    func(s *snapshot.Snapshot) { s.Images[0].PageCount = -1 },
		"NegativeRows":     func(s *snapshot.Snapshot) { s.Images[0].RowCount = new(int64(-1)) },
		"NegativeTable":    func(s *snapshot.Snapshot) { s.Images[0].Tables[1].Rows = -1 },
		"NegativeAdded":    func(s *snapshot.Snapshot) { s.Added = -1 },
		"NegativeChunks":   func(s *snapshot.Snapshot) { s.Chunks = -1 },
		"NegativeNew":      func(s *snapshot.Snapshot) { s.ChunksNew = -1 },
		"NegativeDuration": func(s *snapshot.Snapshot) { s.Duration = -1 },
		"NaN":              func(s *snapshot.Snapshot) { s.Duration = math.NaN() },
		"Infinite":         func(s *snapshot.Snapshot) { s.Duration = math.Inf(1) },
		"NoTime":           func(s *snapshot.Snapshot) { s.Time = time.Time{} },
		"LateTime":         func(s *snapshot.Snapshot) { s.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"LateRead":         func(s *snapshot.Snapshot) { s.Images[0].ReadAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"NotUTF8":          func(s *snapshot.Snapshot) { s.Environment = "\xff" },
		"TooLarge":         func(s *snapshot.Snapshot) { s.Token = strings.Repeat("x", 16<<20) },
	}
	for name, breakIt := range tests {
		t.Run(name, func(t *testing.T) {
			s := example()
			breakIt(s)
			if _, err := s.Marshal(); !errors.Is(err, snapshot.ErrFormat) {
				t.Errorf("got %v, want ErrFormat", err)
			}
		})
	}
	t.Run("BadFingerprint", func(t *testing.T) {
		s := example()
		s.Images[0].Fingerprint = json.RawMessage(`{`)
		if _, err := s.Marshal(); err == nil {
			t.Error("got no error")
		}
	})
}

func TestUnmarshalRejects(t *testing.T) {
	t.Parallel()
	good := marshal(t, example())
	doc := document(t, good)
	with := func(change func(b []byte)) []byte {
		b := bytes.Clone(good)
		change(b)
		return b
	}
	length := func(n uint32) []byte {
		return with(func(b []byte) { binary.LittleEndian.PutUint32(b, n) })
	}
	frame := good[4 : 4+binary.LittleEndian.Uint32(good)]
	edit := func(old, new string) []byte { return wrap(t, strings.Replace(doc, old, new, 1)) }
	tests := map[string]struct {
		in   []byte
		want error
	}{
		"Empty":           {nil, snapshot.ErrFormat},
		"Short":           {good[:len(good)-1], snapshot.ErrFormat},
		"OnlyLength":      {good[:4], snapshot.ErrFormat},
		"ExtraBlock":      {append(bytes.Clone(good), make([]byte, 1024)...), snapshot.ErrFormat},
		"PaddingNotZero":  {with(func(b []byte) { b[len(b)-1] = 1 }), snapshot.ErrFormat},
		"LengthZero":      {length(0), snapshot.ErrFormat},
		"LengthLess":      {length(uint32(len(frame) - 1)), snapshot.ErrFormat},
		"LengthMore":      {length(uint32(len(frame) + 1)), snapshot.ErrFormat},
		"LengthPastEnd":   {length(uint32(len(good) - 3)), snapshot.ErrFormat},
		"LengthHuge":      {length(math.MaxUint32), snapshot.ErrFormat},
		"NotZstd":         {with(func(b []byte) { b[4] ^= 1 }), snapshot.ErrFormat},
		"TwoFrames":       {pad(append(bytes.Clone(frame), frame...)), snapshot.ErrFormat},
		"SkippableFrame":  {pad([]byte{0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0}), snapshot.ErrFormat},
		"Bomb":            {wrap(t, strings.Repeat(" ", 16<<20)+doc), snapshot.ErrFormat},
		"NotJSON":         {wrap(t, "hello"), snapshot.ErrFormat},
		"TrailingJSON":    {wrap(t, doc+"{}"), snapshot.ErrFormat},
		"NoVersion":       {edit(`"v":1`, `"x":1`), snapshot.ErrFormat},
		"NewerVersion":    {edit(`"v":1`, `"v":2`), snapshot.ErrVersion},
		"NewerOtherTypes": {wrap(t, `{"v":2,"id":7,"images":{}}`), snapshot.ErrVersion},
		"NoID":            {edit(`"id"`, `"x"`), snapshot.ErrFormat},
		"BadID":           {edit(`"id":"3f`, `"id":"zz`), snapshot.ErrFormat},
		"ShortID":         {edit(`"id":"3f`, `"id":"`), snapshot.ErrFormat},
		"NoTime":          {edit(`"time"`, `"x"`), snapshot.ErrFormat},
		"YearZero":        {edit(`"time":"2026-11-21T03:12:05.123456Z"`, `"time":"0000-01-01T00:00:00+23:00"`), snapshot.ErrFormat},
		"NoImages":        {edit(`"images"`, `"x"`), snapshot.ErrFormat},
		"NoRoot":          {edit(`"root"`, `"x"`), snapshot.ErrFormat},
		"NegativeSize":    {edit(`"size":5`, `"size":-5`), snapshot.ErrFormat},
		"NegativeRows":    {edit(`"rows":71`, `"rows":-71`), snapshot.ErrFormat},
		"BadTag":          {edit(`"db_app"`, `"a,b"`), snapshot.ErrFormat},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if s, err := snapshot.Unmarshal(tt.in); s != nil || !errors.Is(err, tt.want) {
				t.Errorf("got %v, %v, want %v", s, err, tt.want)
			}
		})
	}
}

func TestUnmarshalIgnoresUnknownFields(t *testing.T) {
	t.Parallel()
	doc := document(t, marshal(t, example()))
	b := wrap(t, strings.Replace(doc, `"v":1`, `"v":1,"mood":{"good":[true]}`, 1))
	if got, err := snapshot.Unmarshal(b); err != nil || !reflect.DeepEqual(got, example()) {
		t.Errorf("got %+v, %v", got, err)
	}
}
