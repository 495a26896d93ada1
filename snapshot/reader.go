package snapshot

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"firn/tags"
)

// reader reads a document in the one spelling that [Snapshot.Marshal] writes: the fields
// of docs/format.md, section 5, in the order of the structures here, without white space
// and escapes. On any other document it only fails. Then package json decodes the
// document, and decides whether it is valid. The reader exists because a listing reads
// thousands of records, and it is several times as fast as package json.
type reader struct {
	rest   []byte
	failed bool
	texts  map[string]string // texts read so far, so that equal ones share memory
}

const (
	// The most texts that are remembered, and the longest, in bytes. Without these
	// limits, records whose texts all differ would fill the memory.
	maxTexts   = 4096
	maxTextLen = 128
	// A fingerprint of more levels is left to package json, which has a limit for them.
	maxValueDepth = 32
)

// read reads a document, and reports whether the reader could.
func (d *Decoder) read(plain []byte) (*Snapshot, bool) {
	if d.texts == nil {
		d.texts = make(map[string]string)
	}
	r := reader{rest: plain, texts: d.texts}
	s := r.snapshot()
	return s, !r.failed && len(r.rest) == 0
}

func (r *reader) snapshot() *Snapshot {
	s := &Snapshot{}
	r.want(`{"v":1,"id":`)
	r.id(s.ID[:])
	r.want(`,"environment":`)
	s.Environment = r.text()
	r.want(`,"database":`)
	s.Database = r.text()
	r.optional(`,"host":`, func() { s.Host = r.text() })
	r.optional(`,"tags":`, func() { s.Tags = r.tags() })
	r.want(`,"time":`)
	s.Time = r.time()
	r.optional(`,"duration":`, func() { s.Duration = r.fraction() })
	r.optional(`,"tool":`, func() { s.Tool = r.text() })
	r.want(`,"images":[`)
	s.Images = []Image{r.image()}
	r.want(`]`)
	r.origin(s)
	r.counts(s)
	r.want("}\n")
	return s
}

// origin reads the fields that refer to other snapshots.
func (r *reader) origin(s *Snapshot) {
	r.optional(`,"parent":`, func() { r.id(s.Parent[:]) })
	r.optional(`,"sequence":`, func() { s.Sequence = uint64(r.number()) })
	r.optional(`,"previous":`, func() { r.id(s.Previous[:]) })
	r.optional(`,"replaced_by":`, func() { r.id(s.ReplacedBy[:]) })
	r.optional(`,"original":{"repository":`, func() { s.Original = r.original() })
	r.optional(`,"copied_by":`, func() { s.CopiedBy = r.text() })
}

func (r *reader) original() *Origin {
	o := &Origin{Repository: r.text()}
	r.want(`,"snapshot":`)
	r.id(o.Snapshot[:])
	r.want(`}`)
	return o
}

// counts reads the fields about the run that took the snapshot.
func (r *reader) counts(s *Snapshot) {
	r.want(`,"added":`)
	s.Added = r.number()
	r.want(`,"chunks":`)
	s.Chunks = r.count()
	r.want(`,"chunks_new":`)
	s.ChunksNew = r.count()
	r.optional(`,"packs":`, func() { s.Packs = list(r, r.unique) })
	r.optional(`,"token":`, func() { s.Token = r.text() })
	r.optional(`,"forgot":`, func() { s.Forgot = list(r, r.snapshotID) })
	s.Unchanged = r.has(`,"unchanged":true`)
	s.Pinned = r.has(`,"pinned":true`)
	r.optional(`,"suspect":`, func() { s.Suspect = list(r, r.text) })
	r.optional(`,"verified":{"time":`, func() { s.SetProof(r.verification()) })
}

func (r *reader) verification() *Verification {
	v := &Verification{Time: r.time()}
	r.want(`,"how":`)
	v.How = r.text()
	r.optional(`,"problem":`, func() { v.Problem = r.text() })
	r.optional(`,"unchecked":`, func() { v.Unchecked = list(r, r.text) })
	r.optional(`,"since":`, func() { r.id(v.Since[:]) })
	r.optional(`,"whole":`, func() { v.Whole = r.time() })
	r.want(`}`)
	return v
}

func (r *reader) image() (i Image) {
	r.want(`{"root":`)
	r.id(i.Root[:])
	r.want(`,"levels":`)
	i.Levels = r.count()
	r.want(`,"size":`)
	i.Size = r.number()
	r.optional(`,"page_size":`, func() { i.PageSize = r.count() })
	r.optional(`,"page_count":`, func() { i.PageCount = r.number() })
	r.optional(`,"journal_mode":`, func() { i.JournalMode = r.text() })
	r.optional(`,"user_version":`, func() { i.UserVersion = r.small() })
	r.optional(`,"application_id":`, func() { i.ApplicationID = r.small() })
	r.optional(`,"schema_hash":`, func() { i.SchemaHash = r.text() })
	r.optional(`,"rows":`, func() { n := r.number(); i.RowCount = &n })
	r.optional(`,"tables":`, func() { i.Tables = r.tables() })
	r.optional(`,"table_marks":`, func() { i.TableMarks = r.bytes() })
	r.optional(`,"export":`, func() { i.Export = r.text() })
	r.optional(`,"fingerprint":`, func() { i.Fingerprint = r.value() })
	r.optional(`,"read_at":`, func() { i.ReadAt = r.time() })
	r.optional(`,"access":{"uid":`, func() { i.Access = r.access() })
	r.want(`}`)
	return i
}

func (r *reader) access() *Access {
	a := &Access{UID: r.unsigned()}
	r.want(`,"gid":`)
	a.GID = r.unsigned()
	r.want(`,"mode":`)
	a.Mode = r.unsigned()
	r.want(`}`)
	return a
}

// has skips s if the rest starts with it, and reports whether it does.
func (r *reader) has(s string) bool {
	if !bytes.HasPrefix(r.rest, []byte(s)) {
		return false
	}
	r.rest = r.rest[len(s):]
	return true
}

// want skips s, and fails if the rest does not start with it.
func (r *reader) want(s string) {
	if !r.has(s) {
		r.fail()
	}
}

// fail drops the rest, so that every later read fails too.
func (r *reader) fail() { r.rest, r.failed = nil, true }

// optional reads a field that may be left out.
func (r *reader) optional(name string, read func()) {
	if r.has(name) {
		read()
	}
}

// quoted returns the bytes of a string without escapes.
func (r *reader) quoted() []byte {
	r.want(`"`)
	for i, c := range r.rest {
		if c == '"' {
			b := r.rest[:i]
			r.rest = r.rest[i+1:]
			if !utf8.Valid(b) { // package json would replace the wrong bytes
				r.fail()
			}
			return b
		}
		if c == '\\' || c < ' ' {
			break
		}
	}
	r.fail()
	return nil
}

// text reads a string that other records are likely to share.
func (r *reader) text() string {
	b := r.quoted()
	if known, ok := r.texts[string(b)]; ok {
		return known
	}
	s := string(b)
	if len(s) <= maxTextLen && len(r.texts) < maxTexts {
		r.texts[s] = s
	}
	return s
}

// bytes reads at least one byte in base64.
func (r *reader) bytes() []byte {
	b, err := base64.StdEncoding.Strict().AppendDecode(nil, r.quoted())
	if err != nil || len(b) == 0 {
		r.fail()
	}
	return b
}

// unique reads a string that no other record shares.
func (r *reader) unique() string { return string(r.quoted()) }

// id reads an ID into its bytes. It leaves capitals to package json, because some kinds
// of ID forbid them.
func (r *reader) id(to []byte) {
	b := r.quoted()
	if len(b) != 2*len(to) || bytes.ContainsAny(b, "ABCDEF") {
		r.fail()
		return
	}
	if _, err := hex.Decode(to, b); err != nil {
		r.fail()
	}
}

func (r *reader) snapshotID() (id ID) {
	r.id(id[:])
	return id
}

// digits returns the digits that come next, without leading zeros.
func (r *reader) digits() []byte {
	n := 0
	for n < len(r.rest) && r.rest[n] >= '0' && r.rest[n] <= '9' {
		n++
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	if n == 0 || n > 1 && b[0] == '0' {
		r.fail()
		return nil
	}
	return b
}

// number reads an integer that is not negative, with too few digits to overflow.
func (r *reader) number() int64 {
	b := r.digits()
	if len(b) > 18 {
		r.fail()
	}
	n := int64(0)
	for _, c := range b {
		n = n*10 + int64(c-'0')
	}
	return n
}

// count reads an integer that is not negative and fits an int.
func (r *reader) count() int {
	n := r.number()
	if n > math.MaxInt {
		r.fail()
	}
	return int(n)
}

// unsigned reads an integer of 32 bits that is not negative.
func (r *reader) unsigned() uint32 {
	n := r.number()
	if n > math.MaxUint32 {
		r.fail()
	}
	return uint32(n)
}

// small reads an integer of 32 bits.
func (r *reader) small() int32 {
	negative := r.has("-")
	n := r.number()
	if negative {
		n = -n
	}
	if n != int64(int32(n)) {
		r.fail()
	}
	return int32(n)
}

// fraction reads a number that is not negative and has no exponent.
func (r *reader) fraction() float64 {
	from := r.rest
	r.digits()
	if r.has(".") {
		for len(r.rest) > 0 && r.rest[0] >= '0' && r.rest[0] <= '9' {
			r.rest = r.rest[1:]
		}
	}
	text := from[:len(from)-len(r.rest)]
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || text[len(text)-1] == '.' {
		r.fail()
	}
	return f
}

func (r *reader) time() time.Time {
	var t time.Time
	if t.UnmarshalText(r.quoted()) != nil {
		r.fail()
	}
	return stamp(t)
}

// list reads an array of at least one element: Marshal leaves out empty arrays.
func list[T any](r *reader, element func() T) []T {
	r.want(`[`)
	var all []T
	for {
		all = append(all, element())
		if !r.has(`,`) {
			r.want(`]`)
			return all
		}
	}
}

func (r *reader) tags() tags.Set {
	set, err := tags.New(list(r, r.text)...)
	if err != nil {
		r.fail()
	}
	return set
}

// tables reads the list of tables, which may be empty.
func (r *reader) tables() []TableRows {
	if r.has(`[]`) {
		return []TableRows{}
	}
	end := max(0, bytes.IndexByte(r.rest, ']')) // earlier if a name contains a bracket
	tables := make([]TableRows, 0, min(maxTables, bytes.Count(r.rest[:end], []byte(`{`))))
	r.want(`[`)
	for {
		tables = append(tables, r.tableRows())
		if !r.has(`,`) {
			r.want(`]`)
			return tables
		}
	}
}

func (r *reader) tableRows() (t TableRows) {
	r.want(`{"name":`)
	t.Name = r.text()
	r.want(`,"rows":`)
	t.Rows = r.number()
	r.want(`}`)
	return t
}

// value reads an object of strings, numbers and objects, without white space.
func (r *reader) value() json.RawMessage {
	from := r.rest
	r.skip(maxValueDepth)
	if r.failed {
		return nil
	}
	b := bytes.Clone(from[:len(from)-len(r.rest)])
	if !json.Valid(b) {
		r.fail()
	}
	return b
}

// skip skips an object with at most so many levels, valid or not.
func (r *reader) skip(levels int) {
	r.want(`{`)
	for !r.failed && !r.has(`}`) {
		switch {
		case len(r.rest) == 0 || levels == 0 || r.rest[0] <= ' ':
			r.fail()
		case r.rest[0] == '"':
			r.quoted()
		case r.rest[0] == '{':
			r.skip(levels - 1)
		default:
			r.rest = r.rest[1:]
		}
	}
}
