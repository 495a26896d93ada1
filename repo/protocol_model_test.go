package repo_test

import (
	"fmt"
	"math/bits"
)

// This file models the protocol of docs/format.md, section 6: one request is
// one step, and any process may take the next one. A crash or a pause is a
// process that is not scheduled again, so an invariant that holds in every
// state holds whatever dies, and whenever. Ages are left out, and prune may
// condemn any packs it likes: the worst case.
//
// Two blobs are enough for the bases of deltas: each may be stored whole, or as
// a delta on the other. In a snapshot of both the first is the node above the second: a run
// that does not find the node does not know that the second blob is needed.

const (
	maxBackups  = 2
	maxPrunes   = 3
	oldPacks    = 2 // and as many old snapshots: one of each blob
	maxRounds   = 5 // with those that have records once more
	maxTogether = 2 // records in a round
)

// records is a set of records: the old ones, that of each backup, and those of each round.
type records uint16

const (
	ownRecords = oldPacks + maxBackups // that are objects of their own
	inRounds   = records(1<<(maxRounds*maxTogether)-1) << ownRecords
	oneRound   = records(1<<maxTogether-1) << ownRecords
)

// blobs is a set of the two blobs.
type blobs uint8

const (
	first  blobs = 0b01
	second blobs = 0b10
	both   blobs = 0b11
)

// bases are the blobs that deltas of b stand on.
func (b blobs) bases() blobs { return b>>1 | b<<1&0b10 }

// set is a set of packs or of plans.
type set uint16

// content is the blobs of a pack: whole blobs in bits 0 and 1, deltas in 2 and 3.
type content uint8

func (c content) whole() blobs { return blobs(c & 0b11) }
func (c content) delta() blobs { return blobs(c >> 2) }
func (c content) any() blobs   { return c.whole() | c.delta() }

// available are the blobs that can be read: the whole ones and, as a delta on a
// delta would need a third blob to be of use, those with a whole base.
func (c content) available() blobs { return c.whole() | c.delta()&c.whole().bases() }

// rule is a rule of the protocol that a model can leave out.
type rule uint32

const (
	lookAgain       rule = 1 << iota // W4: compare the plans before acknowledging
	lookAfterRepair                  // W4: look once more after a repair
	lookAtBases                      // W4: a delta without its base is missing
	avoidCondemned                   // W1: no new reference to a condemned pack
	sweepLater                       // P3: sweep what earlier runs condemned
	recordsFirst                     // P1: list the records before the packs
	needBases                        // P2: the bases of needed deltas are needed
	neverRevoke                      // P5: a condemned pack stays condemned
	carryOver                        // P5: a plan repeats those that it replaces
	keepNewest                       // P6: drop older plans only
	recordAgain                      // W4: acknowledge only what was recorded under the plans of now
	readEveryPlan                    // W1, W4: a plan that cannot be read stops a backup
	lookAtAll                        // W4: look up the snapshots of all rounds since the listing
	staySettling                     // W4: records that could not be stored once more are not settled
	readRounds                       // P1: the snapshots of rounds count
	spareLiving                      // P3: no round is deleted before all its snapshots are forgotten
	buryLast                         // P6: a tombstone outlives its rounds
	plansFirst                       // W1, P1: a listing of meta/ shows plans and tombstones as of before rounds and records
)

// model is the protocol with a number of processes, and without some rules.
type model struct {
	saves           []blobs // what each backup saves
	watch           []blobs // what each snapshot of a watcher saves
	together        bool    // these are of one round; else each has its own
	prunes, forgets int
	without         rule
	torn            bool // listings of meta/ are two steps
	narrow          bool // prunes sweep as early as they may, and put one plan: fewer states
}

func (m *model) String() string {
	text := fmt.Sprintf("saves=%v,prunes=%d,forgets=%d", m.saves, m.prunes, m.forgets)
	if len(m.watch) > 0 {
		text += fmt.Sprintf(",watch=%v,together=%t", m.watch, m.together)
	}
	return text
}

func (m *model) obeys(r rule) bool { return m.without&r == 0 }

// state is everything that decides what can happen next. It is comparable and
// small (128 bytes), so that millions fit into a map.
type state struct {
	held    uint64 // content of each pack, 4 bits, kept after it is deleted
	exist   set
	plan    [maxPrunes + 1]set // the packs condemned by each prune's plan, and by the second one of the first
	plans   uint8              // the plans that exist; the empty set stands for init's
	visible records            // but for those of rounds, which model.shown tells
	acked   records
	buried  records           // that tombstones name
	goodbye records           // of rounds, that a run has forgotten
	forgot  uint8             // number of snapshots forgotten
	stolen  bool              // an acknowledged snapshot has no record, and no run has forgotten it
	token   [maxBackups]uint8 // in the record of each backup
	backup  [maxBackups]backup
	prune   [maxPrunes]prune
	watcher watcher
}

// backup is the memory of a running backup; prune that of a prune. Fields that are not
// needed any more are set to zero: fewer states.
type backup struct {
	step, token, repairs uint8
	packs                set  // condemned after a LIST of plans, usable after one of packs
	rounds               set  // as listed with the plans
	half                 bool // of a listing of meta/ was made
}

type prune struct {
	step, token      uint8
	seen             records           // as listed
	late             records           // whose tombstones go in P6
	tokens           [maxBackups]uint8 // in their records
	need             blobs
	condemned, packs set  // as listed
	publish, sweep   set  // as decided
	half             bool // of a listing of meta/ was made
	again            bool // it goes on to a second plan, or is at that
}

const done = 99

// start is a repository with two snapshots in two packs, a blob in each; the
// second blob may be a delta.
func start(delta bool) state {
	s := state{visible: 0b11, acked: 0b11}
	s.put(0, content(first))
	if delta {
		s.put(1, content(second)<<2)
	} else {
		s.put(1, content(second))
	}
	return s
}

func (s *state) put(pack int, c content) {
	s.held |= uint64(c) << (4 * pack)
	s.exist |= 1 << pack
}

func (s *state) content(pack int) content { return content(s.held >> (4 * pack) & 0xf) }

// union is the contents of a set of packs together.
func (s *state) union(packs set) content {
	var c content
	for ; packs != 0; packs &= packs - 1 {
		c |= s.content(bits.TrailingZeros16(uint16(packs)))
	}
	return c
}

// condemned are the packs that the plans in existence name.
func (s *state) condemned() set {
	var c set
	for i, p := range s.plan {
		if s.plans>>i&1 != 0 {
			c |= p
		}
	}
	return c
}

// read are the packs that the plans name which a backup reads: all of them. An object that is named like a plan without
// the key is no plan, and no part of the model.
func (m *model) read(s *state) set {
	if m.obeys(readEveryPlan) || s.plans == 0 {
		return s.condemned()
	}
	known := *s
	known.plans &^= 1 << (bits.Len8(s.plans) - 1) // without one
	return known.condemned()
}

// needed are the blobs of a set of snapshots: the old ones, each backup's, then those of rounds.
func (m *model) needed(snapshots records) blobs {
	n := blobs(snapshots) & both
	for i, b := range m.saves {
		if snapshots>>(oldPacks+i)&1 != 0 {
			n |= b
		}
	}
	for rest := snapshots & inRounds; rest != 0; rest &= rest - 1 {
		n |= m.watch[(bits.TrailingZeros16(uint16(rest))-ownRecords)%maxTogether]
	}
	return n
}

// lost are the blobs of acknowledged snapshots that cannot be read any more.
func (m *model) lost(s *state) blobs {
	shown := m.shown(s)
	if s.stolen || s.acked&inRounds&^s.goodbye&^shown != 0 || s.goodbye&shown != 0 { // the last one: it is back
		return both
	}
	return m.needed(shown&s.acked) &^ s.union(s.exist).available()
}

// event is a step of a trace.
type event struct {
	who  string
	i    int
	what string
}

// processes is the number of processes: backups, prunes, one that forgets, and maybe one that watches.
func (m *model) processes() int { return len(m.saves) + m.prunes + 1 + min(len(m.watch), 1) }

// step calls emit with every state that process k can make of s.
func (m *model) step(s state, k int, emit func(event, state)) {
	switch i := k - len(m.saves); {
	case i < 0:
		m.backup(s, k, func(what string, n state) { emit(event{"backup", k, what}, n) })
	case i < m.prunes:
		m.prune(s, i, func(what string, n state) { emit(event{"prune", i, what}, n) })
	case i > m.prunes:
		m.watching(s, func(what string, n state) { emit(event{"watch", 0, what}, n) })
	case int(s.forgot) < m.forgets:
		m.forget(s, func(snap int, n state) { emit(event{"forget", snap, "delete record or put tombstone"}, n) })
	}
}

func (m *model) forget(s state, emit func(int, state)) {
	for rest := m.shown(&s) & s.acked; rest != 0; rest &= rest - 1 {
		n, one := s, rest&-rest
		n.visible &^= one &^ inRounds
		n.bury(one & inRounds)
		n.forgot++
		emit(bits.TrailingZeros16(uint16(one)), n)
	}
}

func (m *model) backup(s state, i int, emit func(string, state)) {
	b := &s.backup[i]
	switch b.step {
	case 0:
		if m.torn && !b.half {
			b.half, b.token, b.packs, b.rounds = true, s.plans, m.read(&s), m.rounds(s.exist)
			emit("W1 list first half of meta", s)
			return
		}
		if !m.torn || !m.obeys(plansFirst) {
			b.token, b.packs = s.plans, m.read(&s)
		}
		if !m.torn || m.obeys(plansFirst) {
			b.rounds = m.rounds(s.exist)
		}
		if b.step, b.half = 1, false; b.token == 0 { // as cached: no need to list packs
			b.step, b.packs, b.rounds = 2, 1<<oldPacks-1|b.rounds, 0
		}
		emit("W1 list meta", s)
	case 1:
		b.step, b.packs, b.rounds = 2, m.usable(&s, b.packs, b.rounds), 0
		emit("W1 list packs", s)
	case 2:
		m.upload(s, i, func(n state) {
			n.backup[i].step = 3
			emit("W2 put pack", n)
		})
	case 3:
		s.record(i)
		if !m.obeys(lookAgain) {
			m.acknowledge(&s, i)
		}
		emit("W3 put record", s)
	case 4:
		if s.plans == b.token {
			m.acknowledge(&s, i)
		} else {
			b.step, b.token, b.packs, b.rounds = 5, s.plans, m.read(&s), m.rounds(s.exist)
		}
		emit("W4 list plans", s)
	case 5:
		b.step, b.packs, b.rounds = 6, (s.exist&^m.rounds(s.exist)|b.rounds)&^b.packs, 0
		if m.missing(&s, i) == 0 {
			if b.step, b.packs = 7, 0; !m.obeys(recordAgain) {
				m.acknowledge(&s, i)
			}
		}
		emit("W4 list packs", s)
	case 6:
		m.upload(s, i, func(n state) {
			n.record(i)
			if !m.obeys(lookAfterRepair) {
				m.acknowledge(&n, i)
			}
			emit("W4 repair", n)
		})
	case 7:
		s.record(i)
		emit("W4 put record again", s)
	}
}

// record puts the record of backup i, in place of the one before it.
func (s *state) record(i int) {
	b := &s.backup[i]
	s.visible |= 1 << (oldPacks + i)
	s.token[i] = b.token
	b.step, b.packs = 4, 0
}

func (m *model) acknowledge(s *state, i int) {
	s.acked |= 1 << (oldPacks + i)
	s.stolen = s.stolen || s.visible>>(oldPacks+i)&1 == 0
	s.backup[i] = backup{step: done}
}

// missing are the blobs of backup i that its usable packs do not make available.
func (m *model) missing(s *state, i int) blobs {
	have := s.union(s.backup[i].packs)
	if looking := s.backup[i].step == 6; looking && !m.obeys(lookAtBases) {
		return m.saves[i] &^ have.any()
	}
	return m.saves[i] &^ have.available()
}

// upload puts the missing blobs into a new pack: each blob whole, or as a delta
// if its base is available.
func (m *model) upload(s state, i int, emit func(state)) {
	missing := m.missing(&s, i)
	if missing == 0 {
		emit(s)
		return
	}
	if int(s.backup[i].repairs) > 1+m.prunes {
		panic("protocol model: more repairs than plans")
	}
	usable := s.union(s.backup[i].packs).available()
	pack := oldPacks + maxPrunes + i*(2+m.prunes) + int(s.backup[i].repairs)
	s.backup[i].repairs++
	s.putMissing(pack, missing, usable, emit)
}

// putMissing puts a pack with blobs, whole or as deltas on usable ones.
func (s state) putMissing(pack int, missing, usable blobs, emit func(state)) {
	s.put(pack, content(missing))
	emit(s)
	if deltas := missing & usable.bases(); deltas != 0 {
		s.held &^= uint64(deltas) << (4 * pack)
		s.put(pack, content(deltas)<<2)
		emit(s)
	}
}
