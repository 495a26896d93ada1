package agent_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firn/agent"
	"firn/internal/dbtest"
	"firn/pull"
	"firn/sqlite"
)

// errCut is the error of a connection that a test has cut.
var errCut = errors.New("the connection was cut")

// line leads to agents in this process: one for each connection. It counts bytes, and cuts connections.
type line struct {
	t              testing.TB
	options        agent.Options
	sent, received atomic.Int64
	turns          atomic.Int64 // how often a puller has waited
	left           atomic.Int64 // bytes from the agent until the next cut; negative for no cut

	mu      sync.Mutex
	newest  *traffic
	running sync.WaitGroup
}

// traffic is one connection of a line.
type traffic struct {
	line *line
	in   *os.File
	out  *os.File
	cut  atomic.Bool
}

// dial runs an agent.
func (l *line) dial() (pull.Connection, error) {
	in, up, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	down, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	a, err := agent.New(l.options)
	if err != nil {
		return nil, err
	}
	l.running.Go(func() {
		if err := a.Serve(context.Background(), in, out); err != nil && !errors.Is(err, os.ErrClosed) {
			l.t.Errorf("agent: %v", err)
		}
		if err := a.Close(); err != nil {
			l.t.Errorf("close the agent: %v", err)
		}
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.newest = &traffic{line: l, in: down, out: up}
	return l.newest, nil
}

// cut cuts the newest connection.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.newest != nil {
		l.newest.cut.Store(true)
		l.newest.Close()
	}
}

// Read counts bytes, and cuts the connection when the line says so.
func (c *traffic) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.line.received.Add(int64(n))
	if c.line.left.Load() >= 0 && c.line.left.Add(-int64(n)) < 0 {
		c.cut.Store(true)
		c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// Write counts bytes.
func (c *traffic) Write(p []byte) (int, error) {
	n, err := c.out.Write(p)
	c.line.sent.Add(int64(n))
	return n, err
}

// Close ends the connection.
func (c *traffic) Close() error { return errors.Join(c.out.Close(), c.in.Close()) }

// Await calls a function, and counts the call. The tests' agents are never silent.
func (c *traffic) Await(_ <-chan struct{}, f func() error) error {
	c.line.turns.Add(1)
	return f()
}

// Explain names the cut.
func (c *traffic) Explain(err error) error {
	if c.cut.Load() {
		return errCut
	}
	return err
}

// start returns a host with agents.
func start(t testing.TB, o agent.Options) (*pull.Host, *line) {
	t.Helper()
	if o.Now == nil {
		o.Now = later
	}
	l := &line{t: t, options: o}
	l.left.Store(-1)
	h := pull.NewHost("db1", "test", l.dial)
	t.Cleanup(func() {
		h.Close()
		l.running.Wait()
	})
	return h, l
}

// later is a clock for which all files are old enough to be told by their times.
func later() time.Time { return time.Now().Add(time.Minute) }

// database makes a database and returns its path. The agent may have all databases of its folder.
func database(t testing.TB, o dbtest.Options) (path string, allow []string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "app.db")
	dbtest.Create(t, path, o)
	return path, []string{filepath.Join(dir, "*.db")}
}

// imageOf returns the bytes of a database.
func imageOf(t testing.TB, path string) []byte {
	t.Helper()
	i, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	b, err := io.ReadAll(i)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sameContent reports whether two images are equal but for the fields of the header that a restore may leave: the journal mode
// and the numbers that count changes.
func sameContent(a, b []byte) bool {
	masked := func(image []byte) []byte {
		image = bytes.Clone(image)
		for _, field := range [][2]int{{18, 20}, {24, 28}, {40, 44}, {92, 100}} {
			clear(image[field[0]:field[1]])
		}
		return image
	}
	return len(a) == len(b) && bytes.Equal(masked(a), masked(b))
}

// noPrivateFiles fails the test if a folder has files of firn's.
func noPrivateFiles(t testing.TB, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s is left in the folder of the database", e.Name())
		}
	}
}

// exec runs SQL with a connection of its own.
func exec(t testing.TB, path, statement string) {
	t.Helper()
	db := dbtest.Open(t, path)
	defer db.Close()
	dbtest.Exec(t, db, statement)
}

// fillBig returns SQL for a table of 3,000 rows of a kilobyte each. There are fewer in a short run: with the race detector, SQLite
// makes random bytes slowly.
func fillBig() string {
	rows := 3000
	if testing.Short() {
		rows = 600
	}
	return fmt.Sprintf(`CREATE TABLE big(a INTEGER PRIMARY KEY, b);
		WITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<%d) INSERT INTO big SELECT i, randomblob(1000) FROM n`, rows)
}

// slow skips a test of much data in a short run: the race detector makes it take minutes.
func slow(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes long in a short run")
	}
}
