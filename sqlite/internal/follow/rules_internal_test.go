package follow

import "testing"

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
