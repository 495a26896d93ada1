package snapshot

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// same fails unless the reader gives up on a document, or has the same result as package
// json.
func same(t *testing.T, plain string) (read bool) {
	t.Helper()
	got, ok := new(Decoder).read([]byte(plain))
	if !ok {
		return false
	}
	want, err := decode([]byte(plain))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %s\n got %+v\nwant %+v, %v", plain, got, want, err)
	}
	return true
}

// Documents as Marshal spells them, with the final newline.
var (
	zeros   = strings.Repeat("0", 30)
	minimal = `{"v":1,"id":"01` + zeros + `","environment":"demo","database":"app","time":"1970-01-01T00:00:00Z",` +
		`"images":[{"root":"ab` + zeros + zeros + `00","levels":0,"size":0}],"added":0,"chunks":0,"chunks_new":0}` + "\n"
	full = `{"v":1,"id":"3f` + zeros + `","environment":"production","database":"app","host":"web1",` +
		`"tags":["db_app","env_production"],"time":"2026-11-21T03:12:05.123456Z","duration":0.25,"tool":"firn 1.0.0",` +
		`"images":[{"root":"ab` + zeros + zeros + `00","levels":2,"size":543162368,"page_size":4096,"page_count":132608,` +
		`"journal_mode":"wal","user_version":7,"application_id":-1,"schema_hash":"9f86d081",` +
		`"rows":80,"tables":[{"name":"posts]","rows":71},{"name":"users","rows":9}],"export":"pages",` +
		`"fingerprint":{"wal":{"salt":"<s}>"},"size":518},"read_at":"2026-11-21T03:12:05.123456Z","access":{"uid":1000,"gid":33,"mode":432}}],` +
		`"parent":"01` + zeros + `","sequence":42,"previous":"02` + zeros + `","replaced_by":"03` + zeros + `",` +
		`"original":{"repository":"f53b","snapshot":"05` + zeros + `"},"copied_by":"web2","added":168200,` +
		`"chunks":4144,"chunks_new":31,"packs":["0011","2233"],"token":"0a1b","forgot":["03` + zeros + `","04` + zeros + `"],` +
		`"unchanged":true,"pinned":true,"suspect":["it has 0 rows, it had 9"],` +
		`"verified":{"time":"2026-11-21T03:12:06Z","how":"what changed","problem":"page 7: 2nd reference","unchecked":["table fts","index i"],` +
		`"since":"06` + zeros + `","whole":"2026-11-20T03:12:06.5Z"}}` + "\n"
)

// tablesText is the part of full that a record with marks does not have.
const tablesText = `"tables":[{"name":"posts]","rows":71},{"name":"users","rows":9}]`

func TestReaderReadsWhatIsWritten(t *testing.T) {
	t.Parallel()
	for name, plain := range map[string]string{
		"Minimal": minimal, "Full": full,
		"NoTables":   strings.Replace(full, `[{"name":"posts]","rows":71},{"name":"users","rows":9}]`, `[]`, 1),
		"Unsorted":   strings.Replace(full, `"db_app","env_production"`, `"z","b","z"`, 1),
		"LongTime":   strings.Replace(full, `05.123456Z","d`, `05.123456789+02:00","d`, 1),
		"NotASCII":   strings.Replace(full, `"web1"`, `"wëb\u2028ü"`, 1),
		"Fraction":   strings.Replace(full, `0.25`, `1234567.000001`, 1),
		"Marks":      strings.Replace(full, tablesText, `"table_marks":"AAAAAQAAAAI="`, 1),
		"NoAccess":   strings.Replace(full, `,"access":{"uid":1000,"gid":33,"mode":432}`, ``, 1),
		"LargeUID":   strings.Replace(full, `"uid":1000`, `"uid":4294967295`, 1),
		"WholeProof": strings.Replace(full, `,"since":"06`+zeros+`","whole":"2026-11-20T03:12:06.5Z"`, ``, 1),
		"SoundProof": strings.Replace(full, `"problem":"page 7: 2nd reference","unchecked":["table fts","index i"],`, ``, 1),
		"NoFraction": strings.Replace(full, `0.25`, `7`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if !same(t, strings.ReplaceAll(plain, `\u2028`, "\u2028")) {
				t.Error("left to package json")
			}
		})
	}
}

// TestReaderLeavesTheRest checks that the reader leaves every other spelling to package
// json, valid or not.
func TestReaderLeavesTheRest(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"Version":         {`"v":1`, `"v":2`},
		"UnknownField":    {`"added"`, `"new":1,"added"`},
		"Order":           {`"environment":"production","database":"app"`, `"database":"app","environment":"production"`},
		"Twice":           {`"token":"0a1b"`, `"token":"0a1b","token":"0a1b"`},
		"Space":           {`"host":"`, `"host": "`},
		"Capital":         {`"host":"`, `"Host":"`},
		"Escape":          {`"web1"`, `"web\n1"`},
		"Control":         {`"web1"`, "\"web\n1\""},
		"NotUTF8":         {`"web1"`, "\"web\xff1\""},
		"CapitalID":       {`"root":"ab`, `"root":"AB`},
		"ShortID":         {`"parent":"01`, `"parent":"1`},
		"NotHex":          {`"parent":"01`, `"parent":"0x`},
		"Negative":        {`"added":168200`, `"added":-1`},
		"LeadingZero":     {`"added":168200`, `"added":0168200`},
		"Exponent":        {`"added":168200`, `"added":1e3`},
		"Overflow":        {`"sequence":42`, `"sequence":18446744073709551615`},
		"LargeInt32":      {`"user_version":7`, `"user_version":2147483648`},
		"SmallExponent":   {`"duration":0.25`, `"duration":1e-7`},
		"Point":           {`"duration":0.25`, `"duration":0.`},
		"NoDigit":         {`"duration":0.25`, `"duration":.5`},
		"Infinite":        {`"duration":0.25`, `"duration":` + strings.Repeat("9", 400)},
		"NoTime":          {`"2026-11-21T03:12:05.123456Z","duration"`, `"2026-11-21","duration"`},
		"EmptyTags":       {`["db_app","env_production"]`, `[]`},
		"InvalidTag":      {`"db_app"`, `"db,app"`},
		"Null":            {`"rows":80`, `"rows":null`},
		"MarksEmpty":      {tablesText, `"table_marks":""`},
		"MarksNot64":      {tablesText, `"table_marks":"AAAA*QAAAAI="`},
		"MarksNotCanon":   {tablesText, `"table_marks":"AAAAAQAAAAJ="`},
		"NullTables":      {`[{"name":"posts]","rows":71},{"name":"users","rows":9}]`, `null`},
		"False":           {`"pinned":true`, `"pinned":false`},
		"TwoImages":       {`}],"parent"`, `},{}],"parent"`},
		"FingerprintText": {`{"wal":{"salt":"<s}>"},"size":518}`, `"text"`},
		"FingerprintBad":  {`{"wal":{"salt":"<s}>"},"size":518}`, `{"wal"}`},
		"FingerprintOpen": {`{"wal":{"salt":"<s}>"},"size":518}`, `{"wal":{`},
		"FingerprintDeep": {`{"salt":"<s}>"}`, strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)},
		"Trailing":        {"}\n", "}\n{}"},
		"NoNewline":       {"}}\n", "}}"},
		"ProofInDisorder": {`"verified":{"time":"2026-11-21T03:12:06Z","how":"what changed"`, `"verified":{"how":"what changed","time":"2026-11-21T03:12:06Z"`},
	} {
		t.Run(name, func(t *testing.T) {
			plain := strings.Replace(full, change[0], change[1], 1)
			if plain == full {
				t.Fatal("nothing changed")
			}
			if same(t, plain) {
				t.Errorf("read %s", plain)
			}
		})
	}
	for n := range full {
		if same(t, full[:n]) {
			t.Errorf("read the first %d bytes", n)
		}
	}
}

// FuzzReader checks that package json reads every document that the reader accepts, with
// the same result.
func FuzzReader(f *testing.F) {
	f.Add(minimal)
	f.Add(full)
	f.Add(strings.Replace(full, `"root":"ab`, `"root":"AB`, 1))
	f.Add(strings.Replace(full, tablesText, `"table_marks":"AAAAAQAAAAI="`, 1))
	f.Fuzz(func(t *testing.T, plain string) { same(t, plain) })
}

// TestDecoderDecodesMany decodes many records with one decoder, as a listing does. A text
// that records share must take memory once, and no record may show traces of the one
// before.
func TestDecoderDecodesMany(t *testing.T) { // not parallel, because it counts allocations
	sealed := func(plain string) []byte {
		b, err := frame([]byte(plain))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	long, short, bad := sealed(full), sealed(minimal), sealed(strings.Replace(full, `"v":1`, `"v":0`, 1))
	d := new(Decoder)
	first, err := d.Snapshot(long)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Snapshot(short); err != nil {
		t.Fatal(err)
	}
	if s, err := d.Snapshot(bad); s != nil || !errors.Is(err, ErrFormat) {
		t.Errorf("bad record: got %v, %v", s, err)
	}
	want, err := Unmarshal(long)
	if again, _ := d.Snapshot(long); err != nil || !reflect.DeepEqual(again, want) || !reflect.DeepEqual(first, want) {
		t.Errorf("got %+v and %+v, want %+v", first, again, want)
	}
	if got := testing.AllocsPerRun(10, func() { _, _ = d.Snapshot(long) }); got > 30 {
		t.Errorf("%v allocations a record, want at most 30", got)
	}
}

func BenchmarkDecoder(b *testing.B) {
	data, err := frame([]byte(full))
	if err != nil {
		b.Fatal(err)
	}
	d := new(Decoder)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Snapshot(data); err != nil {
			b.Fatal(err)
		}
	}
}
