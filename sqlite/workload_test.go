package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"firn/sqlite/internal/capi"
)

// A writer is a process that executes the lines of its standard input. A line is a letter, the digit of a connection, a space,
// and a text:
//
//	o  open the connection, by the name in the text
//	c  close it
//	x  execute SQL, and roll back what it leaves open
//	k  execute SQL, and keep what it leaves open
//	s  sleep for so many milliseconds
//
// There are two programs: testdata/writer.c, and this test binary.
const sqlWriterEnv = "FIRN_SQL_WRITER"

const uri = 0x40 // SQLITE_OPEN_URI

// sqlWriterMain makes the process a writer, and does not return then.
func sqlWriterMain() {
	if os.Getenv(sqlWriterEnv) == "" {
		return
	}
	var w sqlWriter
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		w.line(in.Text())
	}
	os.Exit(0)
}

type sqlWriter struct {
	conns [8]*capi.Conn
}

func (w *sqlWriter) line(line string) {
	c, text := &w.conns[line[1]-'0'], line[3:]
	switch line[0] {
	case 'o':
		for *c == nil {
			*c, _ = capi.Open(context.Background(), text, capi.ReadWrite|uri)
		}
		_ = (*c).Exec("PRAGMA busy_timeout = 2000")
	case 'c':
		_ = (*c).Close()
		*c = nil
	case 's':
		ms, _ := strconv.Atoi(text)
		<-time.After(time.Duration(ms) * time.Millisecond)
	default:
		_ = (*c).Exec(text)
		if line[0] == 'x' && (*c).InTransaction() {
			_ = (*c).Exec("ROLLBACK")
		}
	}
}

// cWriter compiles the program with SQLite's C library. It returns an empty path where there is no compiler or no library.
func cWriter(t testing.TB) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "writer")
	out, err := exec.Command("cc", "-O2", "-o", program, "testdata/writer.c", "-lsqlite3").CombinedOutput()
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("compile writer: %v: %s", err, out)
	}
	if err != nil {
		t.Logf("without the C library: %v: %s", err, out)
		return ""
	}
	return program
}

// workload is what writers do to a database.
type workload struct {
	path       string
	pageSize   int
	autoVacuum int
	checkpoint int   // wal_autocheckpoint
	limit      int64 // journal_size_limit
	cache      int
	sync       string
	mmap       int64
	conns      int
	rows       int
	pace       int  // 0: bursts without pause, 1: mixed, 2: slow
	vacuum     bool // VACUUM, and databases that shrink and grow
	modes      bool // journal_mode=DELETE and back
	noPSOW     bool // commits are padded to sectors
	big        int  // pages of the largest transactions
	explicit   int  // checkpoints in 1,000 transactions
}

func of[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// newWorkload draws a workload.
func newWorkload(r *rand.Rand, path string) workload {
	size := of(r, 512, 512, 1024, 1024, 1024, 4096, 4096, 16384, 65536)
	rows := min(of(r, 60, 200, 600, 1500), 4<<20/size)
	w := workload{
		path: path, pageSize: size, autoVacuum: r.IntN(3), rows: rows, big: min(1000, rows),
		checkpoint: of(r, 5, 10, 20, 50, 100, 200, 500, 1000, 2000), cache: of(r, 5, 10, 20, 100, 2000),
		limit: of(r, -1, -1, -1, 0, int64(5*size), 1<<20, aligned(size, 1+r.IntN(100)), aligned(size, 1+r.IntN(500))),
		sync:  of(r, "OFF", "OFF", "NORMAL"), mmap: of(r, int64(0), 0, 128<<20), conns: 1 + r.IntN(3), pace: r.IntN(3),
		vacuum: r.IntN(2) == 0, explicit: of(r, 0, 2, 10, 40),
	}
	if r.IntN(6) == 0 {
		w.noPSOW, w.sync = true, "FULL"
	}
	return w
}

// aligned returns the length of a WAL of n frames.
func aligned(pageSize, n int) int64 { return int64(32 + n*(pageSize+24)) }

func (w workload) name() string {
	if w.noPSOW {
		return "file:" + w.path + "?psow=0"
	}
	return "file:" + w.path
}

// create makes the database.
func (w workload) create(t testing.TB) {
	t.Helper()
	c, err := capi.Open(t.Context(), w.path, capi.ReadWrite|capi.Create)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = c.Exec(fmt.Sprintf("PRAGMA page_size=%d; PRAGMA auto_vacuum=%d; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"+
		"CREATE TABLE t(id INTEGER PRIMARY KEY, k INT, b BLOB); CREATE INDEX i ON t(k); CREATE TABLE c(id INTEGER PRIMARY KEY, n INT);"+
		"INSERT INTO c VALUES(1,0),(2,0);"+
		"WITH RECURSIVE s(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM s WHERE x<%d) INSERT INTO t SELECT x, random(), randomblob(%d) FROM s",
		w.pageSize, w.autoVacuum, w.rows/2, w.pageSize*6/10))
	if err != nil {
		t.Fatal(err)
	}
}

// lines writes lines until that fails.
type lines struct {
	workload
	r    *rand.Rand
	out  *bufio.Writer
	done *atomic.Int64 // transactions
	err  error
}

func (s *lines) put(letter byte, conn int, format string, a ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.out, "%c%d %s\n", letter, conn, fmt.Sprintf(format, a...))
	}
}

func (s *lines) open(conn int) {
	s.put('o', conn, "%s", s.name())
	s.put('x', conn, "PRAGMA journal_size_limit=%d; PRAGMA wal_autocheckpoint=%d; PRAGMA cache_size=%d; PRAGMA synchronous=%s; PRAGMA mmap_size=%d",
		s.limit, s.checkpoint, s.cache, s.sync, s.mmap)
}

func (s *lines) run() {
	for conn := range s.conns {
		s.open(conn)
	}
	for burst, pause := 0, 0; s.err == nil; burst-- {
		conn := s.r.IntN(s.conns)
		s.put('x', conn, "%s", s.transaction())
		s.done.Add(1)
		s.event(conn)
		if burst <= 0 {
			burst, pause = 1+s.r.IntN(200), 0
			if s.pace == 2 || s.pace == 1 && s.r.IntN(2) == 0 {
				pause, burst = s.r.IntN(6), burst/4
			}
			if s.r.IntN(6) == 0 && s.pace > 0 {
				s.put('s', 0, "%d", s.r.IntN(200))
			}
		}
		if pause > 0 {
			s.put('s', 0, "%d", pause)
		}
		if s.err == nil {
			s.err = s.out.Flush()
		}
	}
}

// event does something else than a transaction, now and then.
func (s *lines) event(conn int) {
	switch p := s.r.IntN(1000) - s.explicit; {
	case p < 0:
		s.put('x', conn, "PRAGMA wal_checkpoint(%s)", of(s.r, "PASSIVE", "FULL", "RESTART", "TRUNCATE"))
	case p < 2 && s.vacuum && s.r.IntN(3) == 0:
		s.put('x', conn, "VACUUM")
	case p < 5 && s.vacuum: // shrink, and grow again by pages that are freed before the commit
		s.put('x', conn, "DELETE FROM t WHERE id>%d; PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(PASSIVE)", s.rows/4+s.r.IntN(s.rows/2))
		s.put('x', conn, "%s", s.grow())
	case p < 8:
		s.put('x', conn, "PRAGMA incremental_vacuum(%d)", 1+s.r.IntN(50))
	case p < 11:
		s.reopen(conn)
	case p < 15 && s.conns > 1:
		s.longReader(conn)
	case p < 17:
		s.put('x', conn, "PRAGMA journal_size_limit=%d", of(s.r, -1, 0, s.limit, aligned(s.pageSize, 1+s.r.IntN(200))))
	case p < 19 && s.modes:
		s.leaveWAL(conn)
	}
}

// reopen closes connections, mostly all.
func (s *lines) reopen(conn int) {
	var closed []int
	for other := range s.conns {
		if other == conn || s.r.IntN(4) > 0 {
			s.put('c', other, "")
			closed = append(closed, other)
		}
	}
	for _, conn := range closed {
		s.open(conn)
	}
}

func (s *lines) longReader(conn int) {
	other := s.r.IntN(s.conns)
	s.put('k', other, "BEGIN; SELECT count(*) FROM c")
	for range s.r.IntN(30) {
		s.put(of[byte](s.r, 'x', 'k'), conn, "%s", s.transaction())
		s.put('s', 0, "%d", s.r.IntN(3))
	}
	s.put('x', other, "COMMIT")
}

// leaveWAL leaves WAL mode and comes back, as a lone connection may.
func (s *lines) leaveWAL(conn int) {
	for other := range s.conns {
		if other != conn {
			s.put('c', other, "")
		}
	}
	s.put('x', conn, "PRAGMA journal_mode=DELETE")
	for range s.r.IntN(4) {
		s.put('x', conn, "%s", s.transaction())
	}
	s.put('x', conn, "PRAGMA journal_mode=WAL")
	for other := range s.conns {
		if other != conn {
			s.open(other)
		}
	}
}

func (s *lines) grow() string {
	n := 1 + s.r.IntN(s.rows/2)
	return fmt.Sprintf("BEGIN IMMEDIATE; WITH RECURSIVE s(x) AS (SELECT %d UNION ALL SELECT x+1 FROM s WHERE x<%d) INSERT OR REPLACE INTO t SELECT x, 0, randomblob(%d) FROM s;"+
		"DELETE FROM t WHERE id>=%d; COMMIT", 2*s.rows, 2*s.rows+n, s.pageSize*6/10, 2*s.rows)
}

// transaction returns the SQL of a random transaction.
func (s *lines) transaction() string {
	n := 1 + s.r.IntN(4)
	switch p := s.r.IntN(100); {
	case p < 2:
		n = 1 + s.r.IntN(s.big)
	case p < 12:
		n = 1 + s.r.IntN(min(60, s.big))
	}
	sql := "BEGIN IMMEDIATE;" + s.change(n)
	if s.r.IntN(12) == 0 {
		sql += "SAVEPOINT s;" + s.change(n) + "ROLLBACK TO s;" + s.change(n) + "RELEASE s;"
	}
	if s.r.IntN(12) == 0 {
		return sql + "ROLLBACK"
	}
	return sql + "COMMIT"
}

func (s *lines) change(n int) string {
	id, blob := 1+s.r.IntN(s.rows), s.pageSize*6/10
	switch s.r.IntN(10) {
	case 0, 1:
		return "UPDATE c SET n=n+1 WHERE id=1;"
	case 2:
		return "UPDATE c SET n=n WHERE id=1;" // the same page with the same content
	case 3:
		return fmt.Sprintf("DELETE FROM t WHERE id BETWEEN %d AND %d;", id, id+n)
	case 4:
		return fmt.Sprintf("DELETE FROM t WHERE id>%d;", max(id, s.rows/2))
	case 5, 6:
		return fmt.Sprintf("WITH RECURSIVE s(x) AS (SELECT %d UNION ALL SELECT x+1 FROM s WHERE x<%d) INSERT OR REPLACE INTO t SELECT x, random(), randomblob(%d) FROM s;",
			id, min(id+n, s.rows), blob)
	}
	return fmt.Sprintf("UPDATE t SET b=randomblob(%d), k=k+%d WHERE id BETWEEN %d AND %d;", blob, s.r.IntN(2), id, id+n)
}

// writers are the processes that write to one database.
type writers struct {
	t       testing.TB
	w       workload
	r       *rand.Rand
	program string // of the C library; empty for none
	done    *atomic.Int64
	cmds    []*exec.Cmd
}

func (ws *writers) start() {
	ws.t.Helper()
	cmd := exec.Command(ws.program)
	if ws.program == "" || ws.r.IntN(4) == 0 {
		cmd = exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), sqlWriterEnv+"=1")
	}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		ws.t.Fatalf("start writer: %v", err)
	}
	ws.cmds = append(ws.cmds, cmd)
	s := &lines{workload: ws.w, r: rand.New(rand.NewPCG(ws.r.Uint64(), 1)), out: bufio.NewWriter(in), done: ws.done}
	go func(in io.Closer) {
		defer in.Close()
		s.run()
	}(in)
}

// kill ends one writer at once, in the middle of its work.
func (ws *writers) kill() {
	n := ws.r.IntN(len(ws.cmds))
	ws.cmds[n].Process.Kill()
	ws.cmds[n].Wait()
	ws.cmds = append(ws.cmds[:n], ws.cmds[n+1:]...)
}

func (ws *writers) killAll() {
	for len(ws.cmds) > 0 {
		ws.kill()
	}
}
