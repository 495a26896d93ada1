package access

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Change is what a [Log] knows of a change.
type Change struct {
	Event           // of its begin
	Over  bool      // its end is in the log
	Ended time.Time // if it is over; Done, Error and Code are of the end then

	Damaged string // the beginning of a line that is no event; "" for a change
}

// Part is a part of a log.
type Part struct {
	Changes []Change // the one that has begun last comes first
	Older   int64    // where the part before it ends; 0 if there is none
}

// The bounds of reading a log.
const (
	longestLine  = 64 << 10 // a longer one is damaged
	searchedSize = 16 << 20 // that is looked at for one part
	blockSize    = 32 << 10
	damageShown  = 200
)

// Read returns some changes of the log, those that the function wants, and lines that are damaged. They end before a place in the
// file: that of [Part.Older], or 0 for the end of the log. However large the log is, it takes little memory and a bounded time; so a
// part may have fewer changes than there are.
func (l *Log) Read(before int64, most int, want func(Event) bool) (*Part, error) {
	info, err := l.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("log of changes: %w", err)
	}
	end := info.Size()
	if before <= 0 || before > end {
		before = end
	}
	r := &reader{lines: backward{file: l.file, from: before}, ends: make(map[string]Event), want: want}
	part, err := r.read(before, most)
	if err == nil && before < end {
		err = part.findEnds(io.NewSectionReader(l.file, before, min(end-before, searchedSize)))
	}
	if err != nil {
		return nil, fmt.Errorf("log of changes: %w", err)
	}
	return part, nil
}

// Find returns a change by its ID, nil if the newest part of the log has none. Lines without the ID are not looked into, since any
// client may ask for any ID.
func (l *Log) Find(id string) (*Change, error) {
	info, err := l.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("log of changes: %w", err)
	}
	r := &reader{
		lines: backward{file: l.file, from: info.Size()}, ends: make(map[string]Event), id: []byte(id), want: func(e Event) bool { return e.ID == id },
	}
	part, err := r.read(info.Size(), 1)
	if err != nil {
		return nil, fmt.Errorf("log of changes: %w", err)
	}
	i := slices.IndexFunc(part.Changes, func(c Change) bool { return c.Damaged == "" })
	if i < 0 {
		return nil, nil
	}
	return &part.Changes[i], nil
}

// reader reads a log from its end.
type reader struct {
	lines backward
	ends  map[string]Event // whose begins have not come yet
	want  func(Event) bool
	id    []byte // lines without it are left out; nil for none
	part  Part
	found int // changes of the part
}

func (r *reader) read(before int64, most int) (*Part, error) {
	for r.found < most {
		line, at, err := r.lines.next()
		if errors.Is(err, io.EOF) {
			r.addEnds()
			return &r.part, nil
		}
		if err != nil {
			return nil, err
		}
		r.add(line)
		if r.part.Older = at; before-at > searchedSize || len(r.part.Changes) >= 2*most { // of many damaged lines
			break
		}
	}
	return &r.part, nil
}

// add takes a line.
func (r *reader) add(line []byte) {
	if !bytes.Contains(line, r.id) {
		return
	}
	var e Event
	err := json.Unmarshal(line, &e)
	switch {
	case len(bytes.TrimSpace(line)) == 0:
	case err != nil || e.ID == "" || e.Stage != begun && e.Stage != ended:
		r.part.Changes = append(r.part.Changes, Change{Damaged: string(line[:min(len(line), damageShown)])})
	case e.Stage == ended:
		r.ends[e.ID] = e
	case r.want(e):
		c := Change{Event: e}
		if end, ok := r.ends[e.ID]; ok {
			c.end(end)
		}
		delete(r.ends, e.ID)
		r.part.Changes = append(r.part.Changes, c)
		r.found++
	default:
		delete(r.ends, e.ID)
	}
}

// addEnds adds the ends of changes whose begin is nowhere: a damaged line may have been it.
func (r *reader) addEnds() {
	r.part.Older = 0
	for _, e := range r.ends {
		if r.want(e) {
			c := Change{Event: e}
			c.end(e)
			r.part.Changes = append(r.part.Changes, c)
		}
	}
}

// end takes the end of a change.
func (c *Change) end(e Event) {
	c.Over, c.Ended = true, e.Time
	c.Done, c.Error, c.Code = e.Done, e.Error, e.Code
}

// findEnds looks behind a part for the ends of its changes.
func (p *Part) findEnds(behind io.Reader) error {
	open := make(map[string]*Change)
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Damaged == "" && !c.Over {
			open[c.ID] = c
		}
	}
	lines := bufio.NewReaderSize(behind, longestLine)
	for len(open) > 0 {
		line, err := lines.ReadSlice('\n')
		var e Event
		if json.Unmarshal(line, &e) == nil && e.Stage == ended && open[e.ID] != nil {
			open[e.ID].end(e)
			delete(open, e.ID)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
	return nil
}

// backward reads the lines of a file from its end.
type backward struct {
	file  io.ReaderAt
	from  int64  // where rest begins
	rest  []byte // what was read, and is of lines that have not come yet
	tail  []byte // the end of a line that is too long
	begun bool
}

// next returns the line before, and where it begins. The error is [io.EOF] after the first line of the file.
func (b *backward) next() (line []byte, at int64, err error) {
	for {
		if i := bytes.LastIndexByte(b.rest, '\n'); i >= 0 {
			line, b.rest = slices.Concat(b.rest[i+1:], b.tail), b.rest[:i]
			b.tail = nil
			return line, b.from + int64(i) + 1, nil
		}
		if b.from == 0 {
			if b.begun {
				return nil, 0, io.EOF
			}
			b.begun = true
			return slices.Concat(b.rest, b.tail), 0, nil
		}
		if len(b.rest) > longestLine { // its beginning will be damaged enough
			b.tail, b.rest = []byte("\u2026"), nil
		}
		if err := b.fill(); err != nil {
			return nil, 0, err
		}
	}
}

// fill reads a block.
func (b *backward) fill() error {
	block := make([]byte, min(blockSize, b.from))
	if _, err := b.file.ReadAt(block, b.from-int64(len(block))); err != nil {
		return err
	}
	b.from -= int64(len(block))
	b.rest = append(block, b.rest...)
	return nil
}
