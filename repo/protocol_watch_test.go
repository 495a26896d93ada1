package repo_test

// A watcher of the model puts rounds, which are packs with records, under one W1, and confirms them when it likes. Any
// number of its rounds may wait then. It takes two snapshots in all, in one round or in two. Records that it has to put
// once more go into another round.

// watcher is the memory of the watcher.
type watcher struct {
	step, token uint8
	packs       set     // as that of a backup
	rounds      set     // as listed with the plans
	taken       uint8   // rounds put
	again       uint8   // rounds put with records once more
	waiting     records // not acknowledged yet
	whole       records // of these, those that were found whole
	unwanted    records // to be forgotten once all that wait are acknowledged
	unsettled   bool    // those that wait went by plans of before the listing
}

// place is the pack that a round is.
func (m *model) place(round int) int {
	return oldPacks + maxPrunes + len(m.saves)*(2+m.prunes) + round
}

// rounds are the rounds in a set of packs.
func (m *model) rounds(packs set) set {
	if len(m.watch) == 0 {
		return 0
	}
	return packs & ((1<<maxRounds - 1) << m.place(0))
}

// usable are the packs that a new snapshot may rely on, if the rounds were listed with the plans and all others now.
func (m *model) usable(s *state, condemned, rounds set) set {
	listed := s.exist&^m.rounds(s.exist) | rounds
	if !m.obeys(avoidCondemned) {
		return listed
	}
	return listed &^ condemned
}

// recordsIn are the records that a set of rounds has.
func (m *model) recordsIn(packs set) (in records) {
	for k := range maxRounds {
		if packs>>m.place(k)&1 != 0 {
			in |= oneRound << (k * maxTogether)
		}
	}
	return in
}

// living are the rounds that have some of these records.
func (m *model) living(seen records) (rounds set) {
	for k := range maxRounds {
		if seen>>(k*maxTogether)&oneRound != 0 {
			rounds |= 1 << m.place(k)
		}
	}
	return rounds
}

// reachable are the records that are there while some packs are.
func (m *model) reachable(packs set) records {
	if len(m.watch) == 0 {
		return ^inRounds
	}
	return m.recordsIn(m.rounds(packs)) | ^inRounds
}

// shown are the records that a listing shows, and that no tombstone names.
func (m *model) shown(s *state) records { return s.visible &^ s.buried & m.reachable(s.exist) }

// bury puts a tombstone.
func (s *state) bury(r records) {
	s.buried |= r
	s.goodbye |= r
}

func (m *model) watching(s state, emit func(string, state)) {
	w := &s.watcher
	switch w.step {
	case 0:
		m.look(&s, 1)
		emit("W1 list meta", s)
	case 1:
		w.step, w.packs, w.rounds = 2, m.usable(&s, w.packs, w.rounds), 0
		emit("W1 list packs", s)
	case 2:
		m.takeRound(s, emit)
		if w.waiting|w.unwanted != 0 {
			m.confirm(s, emit)
		}
	case 3:
		m.settle(s, emit)
	case 4:
		m.putAgain(s, emit)
	case 5:
		s.bury(w.unwanted)
		w.step, w.unwanted = 2, 0
		emit("put tombstone", s)
	}
}

// look lists meta/.
func (m *model) look(s *state, step uint8) {
	w := &s.watcher
	w.step, w.token, w.packs, w.rounds = step, s.plans, m.read(s), m.rounds(s.exist)
}

// next are the records of the round to put.
func (m *model) next(s *state) (r records) {
	switch {
	case m.together && s.watcher.taken == 0:
		return oneRound
	case !m.together && int(s.watcher.taken) < len(m.watch):
		return 1 << (ownRecords + int(s.watcher.taken)*(maxTogether+1))
	}
	return 0
}

// takeRound is steps W2 and W3 at once.
func (m *model) takeRound(s state, emit func(string, state)) {
	r := m.next(&s)
	if r == 0 {
		return
	}
	w, pack := &s.watcher, m.place(int(s.watcher.taken))
	usable := s.union(w.packs).available()
	w.taken++
	w.waiting |= r
	w.packs |= 1 << pack
	s.visible |= r
	if !m.obeys(lookAgain) {
		s.acked, w.waiting = s.acked|r, 0
	}
	s.putMissing(pack, m.needed(r)&^usable, usable, func(n state) { emit("W2, W3 put round", n) })
}

// confirm is step W4. Its listing is also the first of what follows if plans were published.
func (m *model) confirm(s state, emit func(string, state)) {
	w := &s.watcher
	if s.plans != w.token || w.unsettled {
		m.look(&s, 3)
		emit("W4 list plans", s)
		return
	}
	s.acked |= w.waiting
	if w.waiting = 0; w.unwanted != 0 {
		w.step = 5
	}
	emit("W4 list plans: acknowledged", s)
}

// settle looks up the blobs of the snapshots that wait.
func (m *model) settle(s state, emit func(string, state)) {
	w := &s.watcher
	w.packs, w.rounds = (s.exist&^m.rounds(s.exist)|w.rounds)&^w.packs, 0
	found := s.union(w.packs).available()
	w.whole = 0
	for rest := w.waiting; rest != 0; rest &= rest - 1 {
		last := rest&(rest-1) == 0
		if snap := rest & -rest; m.needed(snap)&^found == 0 || !m.obeys(lookAtAll) && !last {
			w.whole |= snap
		}
	}
	if w.step = 4; w.whole == 0 || !m.obeys(recordAgain) {
		w.unwanted |= w.waiting &^ w.whole
		w.step, w.waiting, w.whole, w.unsettled = 2, w.whole, 0, false
	}
	emit("W4 list packs", s)
}

// putAgain puts the records that are whole into another round. That may fail, and then they wait on.
func (m *model) putAgain(s state, emit func(string, state)) {
	w := &s.watcher
	round := len(m.watch) + int(w.again)
	if round == maxRounds { // it dies
		return
	}
	failed := s
	failed.watcher.step, failed.watcher.whole, failed.watcher.unsettled = 2, 0, m.obeys(staySettling)
	emit("W4 fail to put round again", failed)
	var again records
	for k := range maxRounds {
		again |= w.whole >> (k * maxTogether) & oneRound
	}
	again <<= round * maxTogether
	w.again++
	s.visible |= again
	s.put(m.place(round), 0)
	w.unwanted |= w.waiting
	w.packs |= 1 << m.place(round)
	w.step, w.waiting, w.whole, w.unsettled = 2, again, 0, false
	emit("W4 put round again", s)
}
