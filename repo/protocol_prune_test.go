package repo_test

import "math/bits"

// prune takes the next step of prune i of the model.
func (m *model) prune(s state, i int, emit func(string, state)) {
	p := &s.prune[i]
	switch p.step {
	case 0, 1:
		if (p.step == 0) == m.obeys(recordsFirst) {
			p.token, p.condemned, p.need = s.plans, s.condemned(), m.needed(s.visible)
			p.step++
			emit("P1 list meta", s)
			return
		}
		p.packs = s.exist
		p.step++
		emit("P1 list packs", s)
	case 2:
		m.choose(s, i, emit)
	case 3:
		s.plan[i], p.publish = p.publish, 0
		s.plans |= 1 << i
		p.step = 4
		emit("P5 put plan", s)
	case 4:
		if p.sweep == 0 {
			s.plans &^= p.token
			s.prune[i] = prune{step: done}
			emit("P6 delete plans", s)
			return
		}
		first := p.sweep & -p.sweep
		p.sweep &^= first
		s.exist &^= first
		emit("P6 delete pack", s)
	}
}

// choose is steps P2 to P4: what to sweep, and every choice of new victims with
// every choice of copies that makes up for them.
func (m *model) choose(s state, i int, emit func(string, state)) {
	p := s.prune[i]
	good := p.packs &^ p.condemned
	sweep := m.sweepable(&s, p)
	if p.condemned&p.packs != 0 { // no new victims: sweep only, and publish nothing
		n := s
		n.prune[i] = prune{step: 4, sweep: sweep}
		emit("P4 only sweep", n)
	}
	for victims := good; victims != 0; victims = (victims - 1) & good {
		plan := victims | m.carried(&s, p)
		now := sweep
		if !m.obeys(sweepLater) {
			now |= victims
		}
		token := p.token
		if !m.obeys(keepNewest) {
			token |= 1 << i
		}
		m.copies(&s, p, good&^victims, func(c content) {
			n := s
			n.prune[i] = prune{step: 3, token: token, publish: plan, sweep: now}
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

// holders are those of packs that hold one of blobs.
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
