package pull

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"firn/snapshot"
	"firn/sqlite"
)

// TestHostileAgent has agents say what no agent may say. Each image ends with an error of the protocol.
func TestHostileAgent(t *testing.T) {
	t.Parallel()
	_, table := testTable(t)
	var hashes []byte
	for _, h := range table.hashes {
		hashes = append(hashes, h[:]...)
	}
	d, longer := describedAs(oldPages, 1), describedAs(oldPages+2, 1)
	page := make([]byte, testSize)
	with := func(change func(d *Described)) Described {
		d := describedAs(oldPages, 1)
		change(&d)
		return d
	}
	opened := func(d Described) *conversation { return talk().tell(Opened, d) }
	unknown := func(d Described) *conversation { return opened(d).say(Unknown, nil).tell(Opened, d) }
	for name, c := range map[string]*conversation{
		"NoFrame":         talk(),
		"Garbage":         talk().say('?', []byte("garbage")),
		"NoJSON":          talk().say(Opened, []byte("{")),
		"PagesOfSeven":    opened(with(func(d *Described) { d.PageSize = 7 })),
		"PagesOfNegative": opened(with(func(d *Described) { d.PageSize = -512 })),
		"NoPages":         opened(with(func(d *Described) { d.PageCount, d.Size = 0, 0 })),
		"NegativePages":   opened(with(func(d *Described) { d.PageCount, d.Size = -20, -20*testSize })),
		"SizeOverflows":   opened(with(func(d *Described) { d.PageCount, d.Size = 1<<55, 0 })),
		"TooManyPages":    opened(describedAs(mostPages+1, 1)),
		"OtherSize":       opened(with(func(d *Described) { d.Size-- })),
		"OtherMode":       opened(with(func(d *Described) { d.JournalMode = "off" })),
		"LongSchema":      opened(with(func(d *Described) { d.SchemaHash = strings.Repeat("a", 65) })),
		"EscapedSchema":   opened(with(func(d *Described) { d.SchemaHash = "\x1b[31m" })),
		"LongPrint":       opened(with(func(d *Described) { d.Fingerprint = json.RawMessage(`"` + strings.Repeat("a", 5000) + `"`) })),
		"NoPrint":         opened(with(func(d *Described) { d.Fingerprint = json.RawMessage(`7`) })),
		"FewerThanNoRows": opened(with(func(d *Described) { d.Tables = []snapshot.TableRows{{Name: "t", Rows: -7}} })),

		"RangesBeyond":      opened(d).say(Known, []byte{oldPages, 1}),
		"RangesOverflow":    opened(d).say(Known, []byte{1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}),
		"RangesUnfinished":  opened(d).say(Known, []byte{1, 255}),
		"EmptyRange":        opened(d).say(Known, []byte{1, 0}),
		"RangesLeaveOut":    opened(longer).say(Known, []byte{0, 1}),
		"RangesLeaveOutOne": opened(longer).say(Known, []byte{oldPages + 1, 1}),

		"TooFewHashes":     unknown(d).say(Hashes, hashes[16:]).say(Hashed, nil),
		"TooManyHashes":    unknown(d).say(Hashes, hashes).say(Hashes, hashes[:16]).say(Hashed, nil),
		"HalfAHash":        unknown(d).say(Hashes, hashes[:24]),
		"DataForHashes":    unknown(d).say(Data, page),
		"EndInPlaceOf":     unknown(d).tell(End, d),
		"DescribedAsOther": opened(d).say(Unknown, nil).tell(Opened, describedAs(-1, 1)),

		"LessData":   opened(d).say(Known, []byte{0, 2}).say(Data, page).tell(End, d),
		"NoData":     opened(d).say(Known, []byte{0, 2}).tell(End, d),
		"MoreData":   opened(d).say(Known, []byte{0, 1}).say(Data, page).say(Data, page).tell(End, d),
		"MoreInOne":  opened(d).say(Known, []byte{0, 1}).say(Data, append(page, page...)).tell(End, d),
		"HalfAPage":  opened(d).say(Known, []byte{0, 1}).say(Data, page[:100]).tell(End, d),
		"EmptyData":  opened(d).say(Known, []byte{0, 1}).say(Data, nil).say(Data, page).tell(End, d),
		"NoEnd":      opened(d).say(Known, []byte{0, 1}).say(Data, page),
		"EndOfOther": opened(d).say(Known, []byte{0, 1}).say(Data, page).tell(End, longer),
		"EndOfOtherPages": opened(d).say(Known, []byte{0, 1}).say(Data, page).tell(End, with(func(d *Described) {
			d.PageSize, d.PageCount = 1024, d.PageCount/2
		})),
		"FailedWithout": opened(d).say(Failed, []byte("{}")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, _ := testTable(t)
			b, err := read(t, imageBy(t, c.Bytes(), path, false), true)
			if err == nil {
				t.Fatalf("got an image of %d bytes, and no error", len(b))
			}
			if name != "NoFrame" && name != "NoEnd" && !errors.Is(err, ErrFrame) {
				t.Errorf("got %v, want %v", err, ErrFrame)
			}
		})
	}
}

// TestFailureOfAgent has an agent fail with texts of all kinds. Its error keeps its kind, is short, and is fit for a terminal.
func TestFailureOfAgent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		failure Failure
		want    error
	}{
		{Failure{Code: "busy", Message: "\x1b[2Jdatabase is locked\r\nfirn: all is well"}, sqlite.ErrBusy},
		{Failure{Code: "missing", Message: strings.Repeat("a\x07", 100_000)}, fs.ErrNotExist},
		{Failure{Code: "none such", Message: "\xff\xfe"}, nil},
	} {
		frames := talk().tell(Opened, describedAs(oldPages, 1)).tell(Failed, c.failure)
		_, err := read(t, imageBy(t, frames.Bytes(), "", false), true)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%.20q: got %v, want %v", c.failure.Message, err, c.want)
			continue
		}
		text := err.Error()
		if len(text) > 5*mostText || strings.ContainsAny(text, "\x1b\r\n\x07") {
			t.Errorf("%.20q: the error has %d bytes: %.100q", c.failure.Message, len(text), text)
		}
	}
}

// TestFailureKeepsKind sends each kind of error over the wire.
func TestFailureKeepsKind(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		f := FailureOf(errors.Join(errors.New("open"), k.err))
		if err := f.err(); !errors.Is(err, k.err) {
			t.Errorf("%s: got %v, want %v", k.code, err, k.err)
		}
	}
}

// TestTable keeps the table of an image through growing and shrinking.
func TestTable(t *testing.T) {
	t.Parallel()
	path, table := testTable(t)
	if got, err := loadTable(path, table.root, testSize); err != nil || len(got.hashes) != oldPages || got.key != table.key {
		t.Errorf("got %d pages, %v", len(got.hashes), err)
	}
	if _, err := loadTable(path, [32]byte{1}, testSize); !errors.Is(err, errTable) {
		t.Errorf("another root: got %v, want %v", err, errTable)
	}
	if _, err := loadTable(path, table.root, 2*testSize); !errors.Is(err, errTable) {
		t.Errorf("another page size: got %v, want %v", err, errTable)
	}
	whole := &Table{pageSize: testSize, key: table.key}
	w := whole.writer()
	for b := stored(); len(b) > 0; b = b[min(len(b), 333):] { // pieces that are no pages
		if _, err := w.Write(b[:min(len(b), 333)]); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(flat(whole), flat(table)) {
		t.Error("a table depends on the pieces in which the image comes")
	}
}

func flat(t *Table) (b []byte) {
	for _, h := range t.hashes {
		b = append(b, h[:]...)
	}
	return b
}
