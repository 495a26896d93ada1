package follow

// tail is the rest of an old generation: the frames after those that the old state ended with.
type tail struct {
	commits uint32
	stop    Rule  // Older, EndOfFile, Overwritten or Broken
	summed  bool  // it has a commit with the checksum and the size of the present header
	first   frame // frame P+1, where P is the old state's last one
}

// restarted takes in the rest of the old generation, as far as it is still there, and the new one.
//
// Frames are written one after the other from 1 on, and the new salts are shown before. So as long as frame P or P+1 is not
// overwritten, no frame after it is. Then the old generation's frames from P+1 on are there, one after the other, unless
// the file was cut. After its last commit there may be more frames with its salts, of transactions that were rolled back: too
// many pages do no harm.
func (s *step) restarted() (Rule, error) {
	commits, rule, err := s.generation(1)
	if err != nil {
		return "", err
	}
	if rule != "" {
		return s.settle(rule)
	}
	t, err := s.tail()
	if err != nil {
		return "", err
	}
	s.Commits += int64(t.commits)
	s.Probe.pause()
	intact, err := s.intact(t.first)
	if err != nil {
		return "", err
	}
	if !intact && !s.Probe.without().First {
		t.discard()
	}
	return s.settle(s.join(t, commits))
}

// tail reads and takes in the rest of the old generation.
func (s *step) tail() (t tail, err error) {
	without := s.Probe.without()
	count := newCounter(s.now.PageSize, without.Padding)
	for n := s.old.Frames + 1; t.stop == ""; n++ {
		f, ok, err := s.wal.frame(n, s.now.PageSize)
		if err != nil {
			return tail{}, err
		}
		if n == s.old.Frames+1 {
			t.first = f
		}
		if t.stop = s.ends(f, ok); t.stop == "" {
			s.add(f, s.now.Pages)
			count.add(f)
			t.summed = t.summed || f.checksum == s.now.Checksum && f.commit == s.now.Pages
			s.Probe.pause()
		}
	}
	t.commits = count.commits
	return t, nil
}

// ends returns why a frame is no longer one of the old generation; empty if it may be one.
func (s *step) ends(f frame, ok bool) Rule {
	switch without := s.Probe.without(); {
	case !ok && without.EndOfFile, without.Tail:
		return Older
	case !ok:
		return EndOfFile
	case f.page == 0: // nothing that SQLite writes
		return Broken
	case f.salt == s.old.Salt, f.unsalted() && !without.Zero:
		return ""
	case f.salt == s.now.Salt && !without.NewSalts:
		return Overwritten
	}
	return Older
}

// intact reports whether the new generation has left everything after frame P alone until now. first is frame P+1 as it was
// read before. A read is not atomic: a frame that is being overwritten can look like anything, but then P+1 was written
// before.
func (s *step) intact(first frame) (bool, error) {
	if s.old.Frames > 0 {
		if same, err := s.anchored(); same || err != nil {
			return same, err
		}
	}
	again, ok, err := s.wal.frame(s.old.Frames+1, s.now.PageSize)
	return ok && again == first && first.salt != s.now.Salt && !first.unsalted(), err
}

// discard makes a tail prove nothing, since parts of it may have been overwritten. Its pages do no harm.
func (t *tail) discard() {
	if t.stop != EndOfFile {
		t.stop = Overwritten
	}
	t.commits, t.summed = 0, false
}

// join returns the rule by which the old tail and the new generation have all pages, or why they may lack some.
//
// Counting proves that nothing is missing. If the file was cut (walLimitSize, a TRUNCATE checkpoint), all frames before the
// cut are of commits that count, and the cut ones are missing: the count falls short. It needs a held connection: else the
// WAL-index may have been made anew, and its change counter with it.
func (s *step) join(t tail, commits uint32) Rule {
	without := s.Probe.without()
	once := s.now.Salt[0] == s.old.Salt[0]+1 || without.AnySalts
	missing := s.now.Change - s.old.Change
	counts := (s.held || without.Hold) && missing > 0
	switch {
	case once && t.stop == Older:
		return Older
	case s.now.Frames == 0 && t.summed && missing > 0:
		return Checksum
	case counts && missing == commits: // the old tail had none
		return CountNew
	case counts && once && t.stop == EndOfFile && missing == commits+t.commits:
		return Count
	case !once:
		return Salts
	}
	return t.stop
}
