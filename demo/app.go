package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver
)

const (
	accounts = 5000
	balance  = 100
)

// app is the example application. As long as it runs, it moves money between accounts, in
// transactions.
type app struct {
	db        *sql.DB
	transfers atomic.Int64
	quit      chan struct{}
	done      chan error
}

const schema = `
PRAGMA journal_mode = wal;
CREATE TABLE account (id INTEGER PRIMARY KEY, owner TEXT, balance INTEGER NOT NULL);
CREATE TABLE transfer (id INTEGER PRIMARY KEY, source INTEGER, target INTEGER, amount INTEGER, note TEXT, made INTEGER);
CREATE INDEX transfer_source ON transfer (source);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO account SELECT i, 'owner ' || hex(randomblob(40)), 100 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
INSERT INTO transfer SELECT i, abs(random()) % 5000 + 1, abs(random()) % 5000 + 1, 0, 'opened ' || hex(randomblob(60)), 0 FROM n;
`

// startApp makes the database and starts the writes.
func startApp(path string) (*app, error) {
	a, err := openApp(path)
	if err != nil {
		return nil, err
	}
	if _, err := a.db.Exec(schema); err != nil {
		return nil, fmt.Errorf("make example database: %w", err)
	}
	a.transfers.Store(30000)
	go func() { a.done <- a.write() }()
	return a, nil
}

// openApp opens the database of an app that does not write yet.
func openApp(path string) (*app, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &app{db: db, quit: make(chan struct{}), done: make(chan error, 1)}, nil
}

// write makes some hundred transfers a second until the app is stopped.
func (a *app) write() error {
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	for {
		select {
		case <-a.quit:
			return nil
		case <-pace.C:
		}
		if err := a.transfer(); err != nil {
			return fmt.Errorf("example application: %w", err)
		}
	}
}

func (a *app) transfer() error {
	tx, err := a.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	source, target, amount := rand.IntN(accounts)+1, rand.IntN(accounts)+1, rand.IntN(20)
	for _, s := range []struct {
		query string
		args  []any
	}{
		{"UPDATE account SET balance = balance - ? WHERE id = ?", []any{amount, source}},
		{"UPDATE account SET balance = balance + ? WHERE id = ?", []any{amount, target}},
		{"INSERT INTO transfer (source, target, amount, note, made) VALUES (?, ?, ?, hex(randomblob(30)), ?)",
			[]any{source, target, amount, time.Now().UnixMilli()}},
	} {
		if _, err := tx.Exec(s.query, s.args...); err != nil {
			return err
		}
	}
	a.transfers.Add(1)
	return tx.Commit()
}

// work lets the application run for a while.
func (a *app) work(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case err := <-a.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *app) written() int64 { return a.transfers.Load() }

func (a *app) stop() {
	close(a.quit)
	_ = a.db.Close()
}

// inspect checks a copy of the database, and returns its number of transfers and when the newest was made.
func inspect(path string) (transfers int64, newest time.Time, err error) {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return 0, newest, err
	}
	defer db.Close()
	var verdict string
	var sum, made int64
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil {
		return 0, newest, err
	}
	err = db.QueryRow("SELECT (SELECT sum(balance) FROM account), count(*), max(made) FROM transfer").Scan(&sum, &transfers, &made)
	if err != nil {
		return 0, newest, err
	}
	if verdict != "ok" || sum != accounts*balance {
		return 0, newest, fmt.Errorf("%s: integrity %s, sum of accounts %d, want %d", path, verdict, sum, accounts*balance)
	}
	return transfers, time.UnixMilli(made), nil
}
