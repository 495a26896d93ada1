package repo_test

import "math/bits"

// prune takes the next step of prune i of the model.
func (m *model) prune(s state, i int, emit func(string, state)) {
	p := &s.prune[i]
	switch p.step {
	case 0, 1:
		if (p.step == 0) == m.obeys(recordsFirst) {
			m.listMeta(&s, i)
			emit("P1 list meta", s)
			return
		}
		p.packs |= s.exist &^ m.rounds(s.exist)
		p.step++
		emit("P1 list packs", s)
	case 2:
		m.decide(s, i, emit)
	case 3:
		p.packs &^= p.sweep & -p.sweep
		if s.sweepOne(i); p.sweep == 0 {
			p.step = 4
		}
		emit("P3 delete pack", s)
	case 4:
		m.choose(s, i, emit)
	case 5:
		m.publish(s, i, emit)
	case 6:
		if p.sweep == 0 {
			s.buried &^= p.late
			s.plans &^= p.token
			s.prune[i] = prune{step: done}
			emit("P6 delete plans and tombstones", s)
			return
		}
		s.sweepOne(i)
		emit("P6 delete pack", s)
	}
}

// listMeta is one listing of meta/, or a half of one.
func (m *model) listMeta(s *state, i int) {
	p := &s.prune[i]
	plans := !m.torn || p.half != m.obeys(plansFirst)
	if plans {
		p.token, p.condemned, p.late = s.plans, s.condemned(), s.buried
	}
	if !m.torn || !plans {
		p.packs |= m.rounds(s.exist)
		p.seen, p.tokens = s.visible&m.reachable(s.exist), s.token
	}
	if p.half = m.torn && !p.half; p.half {
		return
	}
	p.step++
	p.seen &^= p.late
	if !m.obeys(readRounds) {
		p.seen &^= inRounds
	}
	shown := p.packs
	if !m.obeys(buryLast) {
		shown &^= p.condemned
	}
	p.late &^= m.reachable(shown)
}

// publish is step P5. The first prune may go on with its listing if it has condemned
// without copying, and put a second plan.
func (m *model) publish(s state, i int, emit func(string, state)) {
	p := &s.prune[i]
	plan := i
	if p.again {
		plan = maxPrunes
	}
	s.plan[plan] = p.publish
	s.plans |= 1 << plan
	if n := s; i == 0 && !m.narrow && !p.again && s.held>>(4*(oldPacks+i))&0xf == 0 && p.packs&^p.condemned&^p.publish != 0 {
		q := &n.prune[i]
		q.step, q.again, q.condemned, q.publish = 4, true, p.condemned|p.publish, 0
		q.token |= 1 << plan
		emit("P5 put plan, go on", n)
	}
	s.prune[i] = prune{step: 6, token: p.token, sweep: p.sweep, late: p.late}
	emit("P5 put plan", s)
}

// sweepOne deletes the first of the packs that prune i is to sweep.
func (s *state) sweepOne(i int) {
	first := s.prune[i].sweep & -s.prune[i].sweep
	s.prune[i].sweep &^= first
	s.exist &^= first
}

// decide is steps P2 and P3: which blobs are needed, and which packs to sweep, at once or after P5. It goes on without
// records of which a blob is missing, and may remove them. A record that was made under the plans of now can miss none.
func (m *model) decide(s state, i int, emit func(string, state)) {
	p := &s.prune[i]
	gone := m.incomplete(&s, p)
	p.need = m.needed(p.seen &^ gone)
	p.sweep = m.sweepable(&s, *p)
	p.seen = 0
	for _, drop := range []bool{false, true} {
		n := s
		if drop && gone == 0 {
			return
		}
		if drop {
			n.drop(i, gone)
		}
		n.prune[i].tokens = [maxBackups]uint8{}
		if n.prune[i].step = 4; p.sweep == 0 || !m.narrow {
			emit("P3 decide, to sweep in P6", n)
		}
		if n.prune[i].step = 3; p.sweep != 0 {
			emit("P3 decide", n)
		}
	}
}

// incomplete are the snapshots that a prune has seen and of which it has not found all.
func (m *model) incomplete(s *state, p *prune) records {
	found := s.union(p.packs).available()
	var gone records
	for rest := p.seen; rest != 0; rest &= rest - 1 {
		if snap := rest & -rest; m.needed(snap)&^found != 0 {
			gone |= snap
		}
	}
	return gone
}

// drop removes the records that prune i has seen, if they are still the same.
func (s *state) drop(i int, snapshots records) {
	s.buried |= snapshots & inRounds
	for k := range maxBackups {
		snap := snapshots & (1 << (oldPacks + k))
		if s.token[k] == s.prune[i].tokens[k] {
			s.stolen = s.stolen || s.acked&s.visible&snap != 0
			s.visible &^= snap
		}
	}
}

// choose is step P4: every choice of new victims with every choice of copies that makes up for them.
func (m *model) choose(s state, i int, emit func(string, state)) {
	p := s.prune[i]
	good := p.packs &^ p.condemned
	if p.condemned&p.packs != 0 || p.sweep != 0 || p.late != 0 { // no new victims: publish nothing
		n := s
		n.prune[i] = prune{step: 6, sweep: p.sweep, late: p.late}
		if p.again { // what it was to replace
			n.prune[i].token = p.token &^ (1 << i)
		}
		emit("P4 only sweep", n)
	}
	for victims := good; victims != 0; victims = (victims - 1) & good {
		plan := victims | m.carried(&s, p)
		now := p.sweep
		if !m.obeys(sweepLater) {
			now |= victims
		}
		token := p.token
		if !m.obeys(keepNewest) {
			token |= 1 << i
		}
		m.copies(&s, p, good&^victims, func(c content) {
			n := s
			q := &n.prune[i]
			q.step, q.token, q.publish, q.sweep = 5, token, plan, now
			if c != 0 {
				n.put(oldPacks+i, c)
			}
			emit("P4 choose victims, copy", n)
		})
	}
}

// carried are the packs of older plans that a new plan repeats.
func (m *model) carried(s *state, p prune) set {
	switch old := p.condemned & p.packs; {
	case !m.obeys(carryOver):
		return 0
	case !m.obeys(neverRevoke):
		return old &^ holders(s, old, p.need)
	default:
		return old
	}
}

// holders are the packs that hold one of some blobs.
func holders(s *state, packs set, b blobs) set {
	var h set
	for rest := packs; rest != 0; rest &= rest - 1 {
		if pack := bits.TrailingZeros16(uint16(rest)); s.content(pack).any()&b != 0 {
			h |= 1 << pack
		}
	}
	return h
}

// sweepable are the condemned packs whose needed blobs are available without
// any condemned pack.
func (m *model) sweepable(s *state, p prune) set {
	need := p.need
	if m.obeys(needBases) {
		need |= (need & s.union(p.packs).delta()).bases()
	}
	condemned := p.condemned & p.packs
	if m.obeys(spareLiving) {
		condemned &^= m.living(p.seen)
	}
	kept := s.union(p.packs &^ p.condemned).available()
	return condemned &^ holders(s, condemned, need&^kept)
}

// copies calls emit with every smallest set of copies, nothing included, that
// keeps available beside the packs kept what is available before. It may also
// rescue what only condemned packs hold. If a source is gone, the run ends.
func (m *model) copies(s *state, p prune, kept set, emit func(content)) {
	must := p.need & s.union(p.packs&^p.condemned).available()
	m.copiesOf(s, p, kept, must, emit)
	if rescue := p.need & s.union(p.packs).available(); rescue != must {
		m.copiesOf(s, p, kept, rescue, emit)
	}
}

func (m *model) copiesOf(s *state, p prune, kept set, must blobs, emit func(content)) {
	source := s.union(p.packs & s.exist)
	enough := func(c content) bool {
		have := c | s.union(kept)
		if !m.obeys(needBases) {
			return must&^have.any() == 0
		}
		return must&^have.available() == 0
	}
	for c := range content(16) {
		if c&^source == 0 && enough(c) && !smaller(c, enough) {
			emit(c)
		}
	}
}

// smaller reports whether c is still enough without one of its entries.
func smaller(c content, enough func(content) bool) bool {
	for rest := c; rest != 0; rest &= rest - 1 {
		if enough(c &^ (rest & -rest)) {
			return true
		}
	}
	return false
}
