package follow

import (
	"hash/maphash"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/sqlite/internal/capi"
)

// script is a database with one page for each row, and a tracker whose claims are compared with the truth.
type script struct {
	t       *testing.T
	path    string
	hold    bool
	seed    maphash.Seed
	hashes  []uint64
	tracker Tracker
	c       *capi.Conn // nil while none is open
	peeker  *Peeker
	steady  bool
}

func newScript(t *testing.T, hold bool, w Without) *script {
	s := &script{t: t, path: filepath.Join(t.TempDir(), "db"), hold: hold, seed: maphash.MakeSeed()}
	s.tracker.Probe = &Probe{Without: w}
	c := s.open()
	s.do(c, "PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB);"+
		"WITH RECURSIVE s(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM s WHERE x<50) INSERT INTO t SELECT x, randomblob(3000) FROM s")
	s.close(c)
	t.Cleanup(func() {
		if s.c != nil {
			s.close(s.c)
		}
	})
	return s
}

func (s *script) open() *capi.Conn {
	s.t.Helper()
	c, err := capi.Open(s.t.Context(), s.path, capi.ReadWrite|capi.Create)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// openURI opens the database with parameters of its name.
func (s *script) openURI(query string) *capi.Conn {
	s.t.Helper()
	const uri = 0x40 // SQLITE_OPEN_URI
	c, err := capi.Open(s.t.Context(), "file:"+s.path+"?"+query, capi.ReadWrite|uri)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// copy copies the database and its WAL.
func (s *script) copy(path string) {
	s.t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(s.path + suffix)
		if err == nil {
			err = os.WriteFile(path+suffix, b, 0o600)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *script) close(c *capi.Conn) {
	s.t.Helper()
	if err := c.Close(); err != nil {
		s.t.Error(err)
	}
}

func (s *script) do(c *capi.Conn, sql string) {
	s.t.Helper()
	if err := c.Exec(sql); err != nil {
		s.t.Fatal(sql, err)
	}
}

// rows changes the pages of rows.
func (s *script) rows(c *capi.Conn, ids string) {
	s.t.Helper()
	for id := range strings.FieldsSeq(ids) {
		s.do(c, "UPDATE t SET b=randomblob(3000) WHERE id="+id)
	}
}

// frames returns a reader of the WAL.
func (s *script) frames() *Frames {
	s.t.Helper()
	wal, err := s.c.WAL()
	if err != nil {
		s.t.Fatal(err)
	}
	return &Frames{File: wal, Buffer: s.c.Alloc(FrameHeaderLen)}
}

// poll takes in the present state, and makes it the base. It returns the rule and how many changed pages the tracker missed.
func (s *script) poll() (rule Rule, missed int) {
	s.t.Helper()
	if s.c == nil {
		s.c, s.steady = s.open(), false
	}
	s.do(s.c, "BEGIN")
	raw, err := s.c.Snapshot()
	if err != nil {
		s.t.Fatal(err)
	}
	rule = NoWAL
	if raw == nil {
		s.tracker.Lose(NoWAL)
	} else {
		rule = s.advance(raw)
	}
	missed = s.compare()
	s.do(s.c, "COMMIT")
	if !s.hold {
		s.close(s.c)
		s.c = nil
	}
	return rule, missed
}

func (s *script) advance(raw []byte) Rule {
	s.t.Helper()
	now, err := ParseHeader(raw)
	if err != nil {
		s.t.Fatal(err)
	}
	frames := s.frames()
	defer s.c.Free(frames.Buffer)
	rule, err := s.tracker.Poll(now, frames, s.steady)
	if err != nil {
		s.t.Fatal(err)
	}
	s.steady = true
	return rule
}

// compare reads all pages in the open transaction.
func (s *script) compare() (missed int) {
	s.t.Helper()
	var now []uint64
	err := s.c.Rows("SELECT data FROM sqlite_dbpage ORDER BY pgno", func(st *capi.Stmt) {
		now = append(now, maphash.Bytes(s.seed, st.Bytes(0)))
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if b := s.tracker.Base(); b != nil && b.Lost == "" {
		for n, hash := range now {
			if (n >= len(s.hashes) || s.hashes[n] != hash) && !b.Pages.Has(int64(n+1)) {
				missed++
			}
		}
	}
	s.hashes = now
	s.tracker.Take(uint32(len(now)))
	s.tracker.Store()
	return missed
}

// tear makes the tracker read the salts of each frame before its page, and does something in its pause with this number.
func (s *script) tear(pause int, do func()) {
	p := s.tracker.Probe
	p.Torn = func() bool { return true }
	p.Pause = func() {
		if pause--; pause == 0 {
			p.Torn, p.Pause = nil, nil
			do()
		}
	}
}

// peek takes in the present state without a transaction.
func (s *script) peek() Rule {
	s.t.Helper()
	if s.peeker == nil {
		index, err := s.c.WALIndex()
		if err != nil {
			s.t.Fatal(err)
		}
		s.peeker = NewPeeker(index)
	}
	frames := s.frames()
	defer s.c.Free(frames.Buffer)
	rule, err := s.tracker.Peek(s.peeker, frames)
	if err != nil {
		s.t.Fatal(err)
	}
	return rule
}

func (s *script) want(rule Rule, missed bool) {
	s.t.Helper()
	if r, n := s.poll(); r != rule || missed != (n > 0) {
		s.t.Errorf("rule %s, %d pages missed; want %s, missed %v", r, n, rule, missed)
	}
}
