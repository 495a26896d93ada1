package rowsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"firn/sqlite"
	"firn/sqlite/caseless"
	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/source"
)

// Sync is one request on its way. Its steps are, in this order: [New]; [Sync.Read]; [Sync.Plan], with [Sync.Fetch] before each
// further call until nothing more is wanted; and [Sync.Apply]. New, Plan and Apply use the live database, Read and Fetch the
// image: a caller may give them different rights. A Sync is for one goroutine.
type Sync struct {
	request Request
	options Options
	schema  *schema
	tables  map[string]*table // by folded name
	table   *table            // that was asked for
	wanted  []wanted
	behind  []wanted        // rows of the image that refer to rows that come back, and are not asked for
	known   map[string]int  // the place of each row among wanted, by table and ID
	held    int64           // bytes that they take
	queue   []demand        // what the next Fetch reads
	queued  map[string]bool // the keys of these demands
	asked   map[string]bool // the keys of those that were read
}

// wanted is a row of the image.
type wanted struct {
	table  *table
	row    *row
	mode   Mode
	parent bool // it is only taken along because others refer to it
}

// demand asks for rows of the image with these values in some columns.
type demand struct {
	key    string // that no other demand has
	table  *table
	by     index
	values []any
	mode   Mode // of the rows
	parent bool // they are only taken along because others refer to them
	behind bool // they are only counted
}

// maxHeld is how much memory the rows may take that are wanted, in bytes.
const maxHeld = 1 << 30

// Options say how the live database is opened.
type Options struct {
	Wait time.Duration    // for locks
	Now  func() time.Time // the clock, against which the times of files are judged
}

// New reads the schema of the live database at a path. The error matches [sqlite.ErrSQL] if the condition is to blame.
func New(ctx context.Context, path string, request Request, options Options) (s *Sync, err error) {
	if request.Mode, err = ParseMode(string(request.Mode)); err != nil {
		return nil, refuse("", "%v", err)
	}
	if request.Where != "" {
		if err := checkExpression(request.Where); err != nil {
			return nil, err
		}
	}
	s = &Sync{request: request, options: options, known: map[string]int{}, asked: map[string]bool{}}
	err = s.look(ctx, path, func(db *connection) (err error) { s.schema, err = readSchema(db, request.Table); return err })
	if err != nil {
		return nil, err
	}
	return s, s.schema.definitions[caseless.Fold(request.Table)].check(request.Table, "the database")
}

// look opens the live database to read it, in one transaction.
func (s *Sync) look(ctx context.Context, path string, f func(*connection) error) (err error) {
	path, _, err = source.Resolve(path)
	if err != nil {
		return err
	}
	conn, still, err := source.Open(ctx, path, s.options.Wait, s.options.Now)
	if err != nil {
		return err
	}
	db := newConnection(conn)
	defer func() { err = errors.Join(err, still.Check(), db.close()) }()
	if err := errors.Join(db.DistrustSchema(), db.Exec("PRAGMA temp_store = MEMORY")); err != nil {
		return err
	}
	if err := db.Exec("BEGIN"); err != nil {
		return err
	}
	return db.Retry(s.options.Wait, func() error { return f(db) })
}

// Read reads the rows of the image that the request names. The condition runs there: an endless one ends with the context of the
// view. The error matches [sqlite.ErrSQL] if the condition is to blame.
func (s *Sync) Read(ctx context.Context, view *sqlite.View) (err error) {
	db := image{view}
	then, err := define(db, s.request.Table)
	if err == nil {
		err = then.check(s.request.Table, "the snapshot")
	}
	if err != nil {
		return err
	}
	if s.tables, err = s.schema.pair(db); err != nil {
		return err
	}
	s.table = s.tables[caseless.Fold(s.request.Table)]
	if s.table.err != nil {
		return s.table.err
	}
	if name := s.table.needsValue(); name != "" && s.request.Mode != Update {
		return refuse("Restore with --mode update, or give the column a default.",
			"table %s: no row can be inserted, since the column %s must have a value and the snapshot does not have it", s.table.name, name)
	}
	all := demand{table: s.table, mode: s.request.Mode}
	err = s.take(ctx, db, all, s.table.selectThen()+condition(s.request.Where), s.request.Args)
	if errors.Is(err, sqlite.ErrSQL) || errors.Is(err, sqlite.ErrReadOnly) {
		err = fmt.Errorf("the condition: %w", err)
	}
	return err
}

// take reads rows of the image, and remembers them.
func (s *Sync) take(ctx context.Context, db database, d demand, sql string, args []any) error {
	var rows []*row
	held := s.held
	err := db.query(sql, args, func(values []any) error {
		r := d.table.rowThen(values)
		rows = append(rows, r)
		held += r.size()
		return checkHeld(held)
	})
	if err != nil {
		return err
	}
	if err := convert(ctx, d.table, rows); err != nil {
		return err
	}
	for _, r := range rows {
		s.add(wanted{d.table, r, d.mode, d.parent}, d.behind)
	}
	return nil
}

// checkHeld refuses rows that take too much memory.
func checkHeld(n int64) error {
	if n > maxHeld {
		return refuse("Restore them in parts, with --where, or restore the whole database.", "the rows take more than %d MiB of memory", maxHeld>>20)
	}
	return nil
}

// add remembers a row of the image, unless it is known.
func (s *Sync) add(w wanted, behind bool) {
	id := fmt.Sprintf("%v\x00%s\x00%s", behind, w.table.name, w.table.id(w.row))
	place, known := s.known[id]
	if known && len(s.asked) > 0 { // of the rows that were asked for first, two may have the same key now
		if !behind && s.wanted[place].parent && !w.parent {
			s.wanted[place].parent, s.wanted[place].mode = false, w.mode
		}
		return
	}
	s.known[id] = len(s.wanted)
	s.held += w.row.size()
	if behind {
		s.behind = append(s.behind, w)
	} else {
		s.wanted = append(s.wanted, w)
	}
}

// Fetch reads the rows of the image that the last plan has asked for.
func (s *Sync) Fetch(ctx context.Context, view *sqlite.View) error {
	queue := s.queue
	s.forget()
	for _, d := range queue {
		s.asked[d.key] = true
	}
	for len(queue) > 0 {
		n := 1
		most := fetchedValues / len(queue[0].values)
		for n < len(queue) && n < most && queue[n].like(queue[0]) {
			n++
		}
		if err := s.fetch(ctx, image{view}, queue[:n]); err != nil {
			return err
		}
		queue = queue[n:]
	}
	return nil
}

// fetchedValues is how many values are looked for by one statement: where there is no index, it reads the table once for all.
const fetchedValues = 500

// like reports whether two demands can be met by one statement.
func (d demand) like(other demand) bool {
	return d.table == other.table && d.parent == other.parent && d.behind == other.behind && slices.Equal(d.by.columns, other.by.columns)
}

// fetch meets demands of one kind.
func (s *Sync) fetch(ctx context.Context, db database, demands []demand) error {
	first := demands[0]
	columns := make([]string, len(first.by.columns))
	for n, c := range first.by.columns {
		columns[n] = identifier(first.table.columns[c].name) + " COLLATE " + identifier(first.by.collations[n])
	}
	var args []any
	for _, d := range demands {
		args = append(args, d.values...)
	}
	tuples := strings.TrimSuffix(strings.Repeat(parameters(len(columns))+",", len(demands)), ",")
	sql := first.table.selectThen() + " WHERE (" + strings.Join(columns, ", ") + ") IN (VALUES " + tuples + ")"
	return s.take(ctx, db, first, sql, args)
}

// demand asks for rows once. It reports whether they were not asked for before.
func (s *Sync) demand(d demand) bool {
	if d.table == nil || d.table.then == nil {
		return false
	}
	for _, c := range d.by.columns {
		if d.table.from[c] < 0 {
			return false
		}
	}
	d.key = fmt.Sprintf("%s\x00%v\x00%s\x00%v\x00%v", d.table.name, d.by.columns, canonical(d.values, d.by.collations), d.parent, d.behind)
	if s.asked[d.key] || s.queued[d.key] {
		return false
	}
	s.queued[d.key] = true
	s.queue = append(s.queue, d)
	return true
}

// forget empties the queue.
func (s *Sync) forget() { s.queue, s.queued = nil, map[string]bool{} }

// explain makes an error of SQLite one that a person understands.
func explain(err error) error {
	f, ok := errors.AsType[*capi.Failure](err)
	if !ok {
		return err
	}
	switch f.Primary() {
	case capi.Constraint, capi.Mismatch:
		return refuse("Look at what the message names: another definition now, or a row that is in the way.",
			"the database does not take the rows: %s", f.Message)
	case capi.Error:
		return refuse("Only the application has that function, collation or module: let it run the statements of --emit sql.",
			"SQLite cannot write the rows: %s", f.Message)
	}
	return err
}
