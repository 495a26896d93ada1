package follow

import (
	"fmt"
	"os"
	"testing"
)

// both runs a script with all rules, and with some left out.
func both(t *testing.T, hold bool, w Without, play func(s *script, mutant bool)) {
	t.Helper()
	play(newScript(t, hold, Without{}), false)
	play(newScript(t, hold, w), true)
}

func pick[T any](mutant bool, with, without T) T {
	if mutant {
		return without
	}
	return with
}

// TestCountNeedsHold shows that without a held connection the WAL-index may be made anew, with its change counter.
func TestCountNeedsHold(t *testing.T) {
	t.Parallel()
	both(t, false, Without{Hold: true}, func(s *script, mutant bool) {
		c := s.open()
		s.rows(c, "1 2 3")
		s.poll() // change counter 3
		s.close(c)
		c = s.open()
		defer s.close(c)
		s.rows(c, "11 12 13")
		s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
		s.rows(c, "14 15") // change counter 5: two more, and two in this generation
		s.want(pick(mutant, Salts, CountNew), mutant)
	})
}

// TestAlignedLimit has a journal_size_limit that cuts the old tail where a frame ends.
func TestAlignedLimit(t *testing.T) {
	t.Parallel()
	both(t, true, Without{EndOfFile: true}, func(s *script, mutant bool) {
		c := s.open()
		defer s.close(c)
		s.do(c, "PRAGMA journal_size_limit=20632") // 32 + 5 * (24 + 4096)
		s.rows(c, "1 2 3")
		s.poll()
		s.rows(c, "4 5 6 7")
		s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
		s.rows(c, "8") // frames 6 and 7 are cut off
		s.want(pick(mutant, EndOfFile, Older), mutant)
	})
}

func TestRules(t *testing.T) {
	t.Parallel()
	s := newScript(t, true, Without{})
	c := s.open()
	defer s.close(c)
	s.want(NoWAL, false) // it was removed by the last close
	s.rows(c, "1")
	s.want(First, false)
	s.want(Same, false)
	s.rows(c, "2 3")
	s.want(Append, false)
	s.rows(c, "4")
	s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
	s.rows(c, "5") // restarts; the old tail goes on to the end of the file
	s.want(Count, false)
	s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
	s.rows(c, "6") // the file has an older tail
	s.want(Older, false)
	s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
	s.rows(c, "1 2 3 4 5 6 7") // all commits since are in the new generation
	s.want(CountNew, false)
	s.rows(c, "1")
	s.do(c, "PRAGMA wal_checkpoint(PASSIVE); BEGIN; UPDATE t SET b=randomblob(3000) WHERE id=9; PRAGMA cache_spill=1; ROLLBACK")
	s.want(Append, false)
	s.rows(c, "1 2")
	s.want(CountNew, false)
	s.rows(c, "1")
	s.do(c, "PRAGMA wal_checkpoint(TRUNCATE)")
	s.want(Restarted, false) // the old tail is gone
	s.do(c, "PRAGMA wal_checkpoint(TRUNCATE)")
	s.want(Same, false)
	d := s.open() // draws the salts anew
	s.rows(d, "1 2")
	s.want(CountNew, false)
	s.close(d)
	s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
	s.rows(c, "1")
	s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
	s.rows(c, "1")
	s.want(Salts, false)
}

// TestRedraw has a connection that has never restarted the WAL. It draws new salts for an empty one, and shows them in shared
// memory only when it commits: what it has spilled before looks like frames of an older generation.
func TestRedraw(t *testing.T) {
	t.Parallel()
	both(t, true, Without{Redraw: true}, func(s *script, mutant bool) {
		c, d := s.open(), s.open()
		defer s.close(c)
		defer s.close(d)
		s.do(d, "PRAGMA cache_size=5; SELECT count(*) FROM t")
		s.rows(c, "1 2")
		s.poll()
		s.poll()
		s.rows(c, "41 42 43")
		s.do(c, "PRAGMA wal_checkpoint(TRUNCATE)")
		s.do(d, "BEGIN IMMEDIATE; UPDATE t SET b=randomblob(3000) WHERE id<30")
		if rule := s.peek(); mutant == (rule.Unknown() || !rule.Advanced()) {
			t.Errorf("mutant %v: rule %s", mutant, rule)
		}
		s.do(d, "COMMIT")
		if rule, missed := s.poll(); mutant != (missed > 0) {
			t.Errorf("mutant %v: rule %s, %d pages missed", mutant, rule, missed)
		}
	})
}

// TestTail has commits of the old generation behind the state that was seen.
func TestTail(t *testing.T) {
	t.Parallel()
	both(t, true, Without{Tail: true}, func(s *script, mutant bool) {
		c := s.open()
		defer s.close(c)
		s.rows(c, "1 2 3")
		s.poll()
		s.rows(c, "4 5")
		s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
		s.rows(c, "8")
		s.want(pick(mutant, Count, Older), mutant)
	})
}

// TestTwoRestarts loses a whole generation.
func TestTwoRestarts(t *testing.T) {
	t.Parallel()
	both(t, true, Without{AnySalts: true}, func(s *script, mutant bool) {
		c := s.open()
		defer s.close(c)
		s.rows(c, "1 2 3 4 5 6 7 8 9 10 11 12") // an old generation that is longer than the next ones
		s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
		s.rows(c, "1 2")
		s.poll()
		s.rows(c, "3 4")
		for _, row := range []string{"19", "20"} {
			s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
			s.rows(c, row)
		}
		s.want(pick(mutant, Salts, Older), mutant)
	})
}

// TestOverwritten has a new generation that has overwritten the old tail.
func TestOverwritten(t *testing.T) {
	t.Parallel()
	both(t, true, Without{NewSalts: true, First: true}, func(s *script, mutant bool) {
		c := s.open()
		defer s.close(c)
		s.rows(c, "1")
		s.poll()
		s.rows(c, "2 3 4 5")
		s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
		s.rows(c, "21 22 23")
		s.want(pick(mutant, Overwritten, Older), mutant)
	})
}

// TestPadding has commits that are padded to sectors, and a WAL that is cut in the middle of one: the padding makes up for the
// commits that are missing.
func TestPadding(t *testing.T) {
	t.Parallel()
	missed := 0
	for frames := range 20 {
		both(t, true, Without{Padding: true}, func(s *script, mutant bool) {
			c := s.openURI("psow=0")
			defer s.close(c)
			s.do(c, fmt.Sprintf("PRAGMA synchronous=FULL; PRAGMA journal_size_limit=%d", 32+(frames+1)*(24+4096)))
			s.rows(c, "1 2 3")
			s.poll()
			s.rows(c, "4 5 6 7")
			s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
			s.rows(c, "8")
			rule, n := s.poll()
			if n > 0 && !mutant {
				t.Errorf("%d frames: rule %s, %d pages missed", frames, rule, n)
			}
			missed += n
		})
	}
	if missed == 0 {
		t.Error("the mutant has missed nothing")
	}
}

// TestLostTail has a crash of the machine that loses the end of the WAL, which then grows beyond the old end, in the same
// generation.
func TestLostTail(t *testing.T) {
	t.Parallel()
	both(t, true, Without{Anchor: true}, func(s *script, mutant bool) {
		c := s.open()
		s.rows(c, "1 2 3 4")
		s.poll()
		s.close(c)
		if err := os.Truncate(s.path+"-wal", 32+2*(24+4096)); err != nil {
			t.Fatal(err)
		}
		shm, err := os.OpenFile(s.path+"-shm", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer shm.Close()
		if _, err := shm.WriteAt([]byte{0x55}, 8); err != nil { // the next connection recovers
			t.Fatal(err)
		}
		c = s.open()
		defer s.close(c)
		s.rows(c, "11 12 13")
		s.want(pick(mutant, Anchor, Append), mutant)
	})
}

// TestTornTail has a writer that overwrites the old tail while it is read: frame 3 shows the salts of the old generation and
// the page of the new one.
func TestTornTail(t *testing.T) {
	t.Parallel()
	both(t, true, Without{First: true}, func(s *script, mutant bool) {
		c := s.open()
		defer s.close(c)
		s.rows(c, "1 2 3 4 5 6 7 8 9 10 11 12") // the tail will end at a frame of this generation
		s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
		s.rows(c, "1")
		s.poll()
		s.rows(c, "2 3 4 5")
		s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
		s.rows(c, "21")
		// Pauses: one at the beginning, two in each frame, one after each frame of the tail; the seventh is within frame 3.
		s.tear(7, func() { s.rows(c, "22 23") })
		if rule := s.peek(); rule != pick(mutant, Overwritten, Older) {
			t.Errorf("mutant %v: rule %s", mutant, rule)
		}
		if rule, missed := s.poll(); mutant != (missed > 0) {
			t.Errorf("mutant %v: rule %s, %d pages missed", mutant, rule, missed)
		}
	})
}

// TestTornAppend has the WAL restarted while its last frame is read without a transaction.
func TestTornAppend(t *testing.T) {
	t.Parallel()
	for _, w := range []Without{{Recheck: true}, {Seqlock: true}} {
		both(t, true, w, func(s *script, mutant bool) {
			c := s.open()
			defer s.close(c)
			s.rows(c, "1")
			s.poll()
			s.rows(c, "2")
			// Pauses: one at the beginning, two in frame 1; the fourth is within frame 2.
			s.tear(4, func() {
				s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
				s.rows(c, "31 32")
			})
			if rule := s.peek(); mutant != (rule == Append) {
				t.Errorf("%+v, mutant %v: rule %s", w, mutant, rule)
			}
			if rule, missed := s.poll(); mutant != (missed > 0) {
				t.Errorf("%+v, mutant %v: rule %s, %d pages missed", w, mutant, rule, missed)
			}
		})
	}
}

// TestUnsalted has a commit whose frame has no salts, as SQLite 3.40.1 leaves some.
func TestUnsalted(t *testing.T) {
	t.Parallel()
	both(t, true, Without{Zero: true}, func(s *script, mutant bool) {
		c := s.open()
		defer s.close(c)
		s.rows(c, "1 2")
		s.poll()
		s.rows(c, "3 4 5")
		wal, err := os.OpenFile(s.path+"-wal", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer wal.Close()
		if _, err := wal.WriteAt(make([]byte, 16), 32+2*(24+4096)+8); err != nil {
			t.Fatal(err)
		}
		s.do(c, "PRAGMA wal_checkpoint(PASSIVE)")
		s.rows(c, "21")
		s.want(pick(mutant, Count, Older), mutant)
	})
}

// TestRecoveryAfterRollbackTo copies a database and its WAL after transactions that have spilled and rolled back to a savepoint.
// With this version of SQLite the copy has all commits; 3.40.1 leaves frames without salts in commits, at which a recovery
// ends.
func TestRecoveryAfterRollbackTo(t *testing.T) {
	t.Parallel()
	const up = "UPDATE t SET b=randomblob(3000) WHERE id BETWEEN %d AND %d;"
	for n := range 10 {
		s := newScript(t, true, Without{})
		c := s.open()
		s.do(c, "PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=5")
		for range 2 {
			s.do(c, "BEGIN;"+fmt.Sprintf(up, n, n+20)+"SAVEPOINT s;"+fmt.Sprintf(up, n+5, n+40)+fmt.Sprintf(up, n+2, n+20)+"ROLLBACK TO s;"+
				fmt.Sprintf(up, n+10, n+30)+"COMMIT")
		}
		const sum = "SELECT group_concat(hex(substr(b,1,8))) FROM (SELECT b FROM t ORDER BY id)"
		want, err := c.Text(sum)
		if err != nil {
			t.Fatal(err)
		}
		s.copy(s.path + "2")
		s.close(c)
		s.path += "2"
		c = s.open()
		if got, err := c.Text(sum); err != nil || got != want {
			t.Errorf("a copy lacks a commit: %v", err)
		}
		s.close(c)
	}
}
