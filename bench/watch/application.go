package main

import (
	"bufio"
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"modernc.org/sqlite"
)

// applicationArg is the argument that makes this program an application:
// DIR DATABASES RATE, with the transactions a second of each database.
const applicationArg = "application"

// schema is of an application that adds a numbered row in each transaction, and keeps a sum of
// all rows in another table, which is on another page.
const schema = `
CREATE TABLE IF NOT EXISTS row (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, a TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS total (id INTEGER PRIMARY KEY CHECK (id = 1), rows INTEGER NOT NULL, crc INTEGER NOT NULL);
INSERT OR IGNORE INTO total VALUES (1, 0, 0);
INSERT OR IGNORE INTO state WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) SELECT i, hex(randomblob(100)) FROM n;
`

// states are the rows that are changed in place.
const states = 400

// written is what an application says of itself at its end.
type written struct {
	Commits, Busy int64
	Latencies     []time.Duration // sorted
	WAL           int64           // its largest size, of any database
}

func (w written) quantile(q float64) time.Duration {
	if len(w.Latencies) == 0 {
		return 0
	}
	return w.Latencies[min(len(w.Latencies)-1, int(q*float64(len(w.Latencies))))]
}

// databaseName is the file name of the i-th database.
func databaseName(i int) string { return fmt.Sprintf("app-%04d.db", i) }

// makeDatabases makes databases in WAL mode, which no program has open afterwards.
func makeDatabases(dir string, n int) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for i := range n {
		db, err := openDatabase(filepath.Join(dir, databaseName(i)))
		if err != nil {
			return err
		}
		_, err = db.Exec("PRAGMA synchronous = off; PRAGMA journal_mode = wal;" + schema)
		if err := errors.Join(err, db.Close()); err != nil {
			return err
		}
	}
	return nil
}

// openDatabase opens a database that waits for no lock, so that each wait is counted.
func openDatabase(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(0)&_pragma=synchronous(normal)&_txlock=immediate")
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// runApplication writes until its input ends, and then prints what it has [written].
func runApplication(args []string) error {
	if len(args) != 3 {
		return errors.New("want DIR DATABASES RATE")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	rate, err := strconv.ParseFloat(args[2], 64)
	if err != nil {
		return err
	}
	var all []*sql.DB
	for i := range n {
		db, err := openDatabase(filepath.Join(args[0], databaseName(i)))
		if err != nil {
			return err
		}
		defer db.Close()
		all = append(all, db)
	}
	quit := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // its end is the end, whatever the reason
		close(quit)
	}()
	w, err := write(args[0], all, rate, quit)
	if err != nil {
		return err
	}
	slices.Sort(w.Latencies)
	return json.NewEncoder(os.Stdout).Encode(w)
}

// write makes transactions in all databases in turn, at an even pace.
func write(dir string, all []*sql.DB, rate float64, quit chan struct{}) (w written, err error) {
	pace := time.NewTicker(time.Duration(float64(time.Second) / rate / float64(len(all))))
	defer pace.Stop()
	for i := 0; ; i = (i + 1) % len(all) {
		select {
		case <-quit:
			return w, nil
		case <-pace.C:
		}
		start := time.Now()
		if err := w.insist(all[i]); err != nil {
			return w, err
		}
		w.Latencies = append(w.Latencies, time.Since(start))
		if info, err := os.Stat(filepath.Join(dir, databaseName(i)+"-wal")); err == nil {
			w.WAL = max(w.WAL, info.Size())
		}
		if w.Commits++; w.Commits == 1 {
			fmt.Println("committed")
		}
	}
}

// insist makes a transaction, and counts how often the database was busy.
func (w *written) insist(db *sql.DB) error {
	for {
		err := transact(db, 1)
		var e *sqlite.Error
		if !errors.As(err, &e) || e.Code()&0xff != 5 { // SQLITE_BUSY
			return err
		}
		w.Busy++
		time.Sleep(time.Millisecond)
	}
}

// transact adds a row, and changes as many others in place.
func transact(db *sql.DB, changes int) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	body := strconv.FormatUint(rand.Uint64(), 36) + " is what a row has, and " + strconv.FormatUint(rand.Uint64(), 36) + " too"
	crc := crc32.ChecksumIEEE([]byte(body))
	_, insertErr := tx.Exec("INSERT INTO row SELECT rows + 1, ?, ?, ? FROM total", time.Now().UnixMicro(), body, crc)
	_, totalErr := tx.Exec("UPDATE total SET rows = rows + 1, crc = crc + ?", crc)
	err = cmp.Or(insertErr, totalErr)
	for range changes {
		_, stateErr := tx.Exec("UPDATE state SET a = hex(randomblob(100)) WHERE id = ?", 1+rand.IntN(states))
		err = cmp.Or(err, stateErr)
	}
	return cmp.Or(err, tx.Commit())
}

// application is the process of an application.
type application struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startApplication starts the process and returns after its first commit.
func startApplication(dir string, databases int, rate float64) (*application, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	a := &application{cmd: exec.Command(self, applicationArg, dir, strconv.Itoa(databases), fmt.Sprint(rate))}
	a.cmd.Stderr = os.Stderr
	if a.in, err = a.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	a.out = bufio.NewReader(out)
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	_, err = a.out.ReadString('\n')
	return a, err
}

// stop ends the process, and returns what it has written.
func (a *application) stop() (w written, err error) {
	err = a.in.Close()
	if err := errors.Join(err, json.NewDecoder(a.out).Decode(&w)); err != nil {
		return w, err
	}
	return w, a.cmd.Wait()
}

// kill ends the process at once.
func (a *application) kill() {
	_ = a.cmd.Process.Kill() // it may have ended
	_ = a.cmd.Wait()         // it was killed
}
