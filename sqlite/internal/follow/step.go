package follow

// step takes a tracker from one state to another.
type step struct {
	*Tracker
	old, now Header
	wal      *Frames
	held     bool  // a connection was open all the while
	live     *live // shared memory, of a step without a transaction; nil within one
}

// advance takes in what was committed between the states.
func (s *step) advance() (Rule, error) {
	rule, err := s.rule()
	if err != nil || !rule.Advanced() {
		return rule, err
	}
	if rule.Unknown() {
		s.Lose(rule)
	} else if rule != Same {
		s.each(func(c *Changes) { c.Moved = true })
	}
	if s.now.PageSize != 0 {
		s.each(func(c *Changes) { c.Pages.shrink(s.now.Pages) })
	}
	s.at, s.valid = s.now, s.now.PageSize != 0
	return rule, nil
}

// rule finds the rule that joins the states.
func (s *step) rule() (Rule, error) {
	switch old, now := s.old, s.now; {
	case now.PageSize == 0:
		return Recovered, nil
	case !s.valid:
		return First, nil
	case now.PageSize != old.PageSize:
		return PageSize, nil
	case s.same():
		return Same, nil
	case now.Salt == old.Salt:
		return s.appended()
	default:
		return s.restarted()
	}
}

// same reports whether nothing was committed: the running checksum covers all frames of the generation, and a restart keeps
// the checksum, the size and the change counter until the next commit, whatever the salts are by then.
func (s *step) same() bool {
	old, now := s.old, s.now
	if now.Checksum != old.Checksum || now.Pages != old.Pages {
		return false
	}
	if now.Salt == old.Salt && now.Frames == old.Frames {
		return true
	}
	return now.Frames == 0 && now.Change == old.Change
}

// generation takes in the frames from first up to the last one of the present generation. The rule is empty if all are
// there. Frames up to the header's last one do not change until the next restart: a transaction overwrites only its own.
func (s *step) generation(first uint32) (commits uint32, rule Rule, err error) {
	count := newCounter(s.now.PageSize, s.Probe.without().Padding)
	for n := first; n <= s.now.Frames; n++ {
		f, ok, err := s.wal.frame(n, s.now.PageSize)
		if err != nil {
			return 0, "", err
		}
		if !ok || !s.of(f) || n == s.now.Frames && (f.checksum != s.now.Checksum || f.commit != s.now.Pages) {
			return 0, Broken, nil
		}
		s.add(f, s.now.Pages)
		count.add(f)
	}
	s.Commits += int64(count.commits)
	return count.commits, "", nil
}

// of reports whether a frame can be one of the present generation.
func (s *step) of(f frame) bool { return (f.salt == s.now.Salt || f.unsalted()) && f.page != 0 }

// settle returns a rule, unless the WAL was restarted while it was read: then nothing that was read counts. Pages that were
// added do no harm.
func (s *step) settle(r Rule) (Rule, error) {
	if s.Probe.without().Recheck {
		return r, nil
	}
	still, err := s.still()
	if err == nil && !still {
		return Raced, nil
	}
	return r, err
}

// still reports whether the present generation was the present one all the while. A writer puts new salts into shared memory
// before it overwrites frames (walRestartHdr), and into the file's header before it writes frames (walFrames).
//
// Without a transaction, shared memory is not enough: a connection that has never restarted the WAL (nCkpt is 0) draws both
// salts anew for an empty one, and shows them in shared memory only when it commits. Within a transaction, the read mark
// keeps a WAL with frames from being restarted; one without frames can be restarted.
func (s *step) still() (bool, error) {
	without := s.Probe.without()
	if s.live != nil {
		if without.Seqlock {
			return true, nil
		}
		if then, ok := s.again(); !ok || then.Salt != s.now.Salt {
			return false, nil
		}
		if without.Redraw {
			return true, nil
		}
	}
	salt, whole, err := s.wal.salt()
	return whole && (salt == s.now.Salt || s.now.Frames == 0 && salt == s.old.Salt), err
}

// again reads shared memory once more, and leaves the header that was read first in its place.
func (s *step) again() (Header, bool) {
	then := live{Index: s.live.Index}
	return then.read()
}
