package rowsync

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"firn/sqlite/internal/rewrite"
	"firn/sqlite/internal/source"
)

// Apply changes the live database as the plan says, in one transaction. It makes the plan again under the write lock, and returns
// [ErrChanged] if that is another one. Locked is called when the lock is held and nothing has been written; its error ends
// the transaction. After any error the database holds what it held.
func (s *Sync) Apply(ctx context.Context, path string, p *Plan, locked func() error) (err error) {
	path, _, err = source.Resolve(path)
	if err != nil {
		return err
	}
	conn, err := rewrite.Connect(ctx, path, s.options.Wait)
	if err != nil {
		return err
	}
	db := newConnection(conn)
	defer func() { err = errors.Join(err, db.close()) }()
	if err := s.prepare(db); err != nil {
		return err
	}
	if err := db.Retry(s.options.Wait, func() error { return db.Exec("BEGIN IMMEDIATE") }); err != nil {
		return err
	}
	err = s.change(ctx, db, p, locked)
	if err == nil {
		// Busy means that a database with a rollback journal still has readers.
		err = db.Retry(s.options.Wait, func() error { return db.Exec("COMMIT") })
	}
	if err != nil && db.InTransaction() {
		err = errors.Join(explain(err), db.Exec("ROLLBACK"))
	}
	return err
}

// prepare sets what holds for the connection: foreign keys count, the schema is not trusted, and nothing is put into temporary
// files beside the database.
func (s *Sync) prepare(db *connection) error {
	err := errors.Join(db.DistrustSchema(), db.Exec("PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = OFF"))
	if err == nil && !s.request.Triggers {
		err = db.DisableTriggers()
	}
	return err
}

// change does the work within the transaction.
func (s *Sync) change(ctx context.Context, db *connection, p *Plan, locked func() error) error {
	if err := locked(); err != nil {
		return err
	}
	a, err := s.compare(ctx, db, p)
	if err != nil {
		return err
	}
	if err := db.Exec("PRAGMA defer_foreign_keys = ON"); err != nil {
		return err
	}
	for _, statement := range p.Statements {
		if ctx.Err() != nil { // SQLite forgets an interrupt between two statements
			return context.Cause(ctx)
		}
		if err := s.execute(db, statement); err != nil {
			return err
		}
	}
	return a.verify()
}

// execute runs a statement, which changes one row.
func (s *Sync) execute(db *connection, statement Statement) error {
	n, err := db.run(statement.text(), statement.args)
	if err == nil && n != 1 {
		err = refuse("Run it again without --triggers, or look at ON CONFLICT in the definition of the table.",
			"a statement has changed %d rows, since a trigger or a definition meddles", n)
	}
	return err
}

// compare makes the plan again.
func (s *Sync) compare(ctx context.Context, db *connection, p *Plan) (*analysis, error) {
	now, err := readSchema(db, s.request.Table)
	if err != nil {
		return nil, err
	}
	if !now.equal(s.schema) {
		return nil, ErrChanged
	}
	a, err := s.analyse(ctx, db)
	if err == nil {
		_, err = a.order() // which refuses an exchange of keys that other rows would notice by now
	}
	if _, refused := errors.AsType[*Refusal](err); refused {
		return nil, fmt.Errorf("%w: %w", ErrChanged, err)
	}
	if err == nil && (len(s.queue) > 0 || a.digest() != p.digest) {
		err = ErrChanged
	}
	return a, err
}

// equal reports whether two schemas say the same.
func (s *schema) equal(other *schema) bool {
	if !reflect.DeepEqual(s.definitions, other.definitions) || !reflect.DeepEqual(s.triggers, other.triggers) || len(s.references) != len(other.references) {
		return false
	}
	for i, r := range s.references {
		o := other.references[i]
		if r.child != o.child || r.parent != o.parent || r.onDelete != o.onDelete || !reflect.DeepEqual(r.columns, o.columns) || !reflect.DeepEqual(r.keys, o.keys) {
			return false
		}
	}
	return true
}
