package delta

// A sequence copies literals, and then a match from earlier bytes (RFC 8878, 3.1.1.3.2).
type sequence struct {
	literals, match int // lengths
	offset          int // the offset's value: its distance and 3, or 1 to 3 for a recent one again
}

// codes turns a number into a symbol and extra bits: symbol i stands for numbers
// from first[i] on.
type codes struct {
	predefined    fseTable
	probabilities []int // of the predefined table
	maxLog        int   // of others
	first         []int
	extra         []int    // bits
	small         [128]int // the symbols of small numbers
}

func newCodes(log, maxLog int, probabilities, extra []int, least int) *codes {
	c := &codes{probabilities: probabilities, maxLog: maxLog, extra: extra}
	c.predefined.build(log, probabilities)
	for _, n := range extra {
		c.first = append(c.first, least)
		least += 1 << n
	}
	for n := range c.small {
		c.small[n] = c.from(0, n)
	}
	return c
}

// symbol returns the code of a number.
func (c *codes) symbol(n int) int {
	if n < len(c.small) {
		return c.small[n]
	}
	return c.from(c.small[len(c.small)-1], n)
}

// from returns the code of a number, which is i at least.
func (c *codes) from(i, n int) int {
	for i+1 < len(c.first) && n >= c.first[i+1] {
		i++
	}
	return i
}

// The codes of RFC 8878, 3.1.1.3.2.1, with the predefined tables of 3.1.1.3.2.2.
var (
	literalCodes = newCodes(6, 9,
		[]int{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1},
		[]int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 0)
	matchCodes = newCodes(6, 9,
		[]int{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
			1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1},
		[]int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1,
			2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 3)
	offsetCodes = newCodes(5, 8,
		[]int{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1},
		[]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28}, 1)
)

// How a block has one of its tables (RFC 8878, 3.1.1.3.2.1).
const (
	tablePredefined = 0
	tableOfOne      = 1 // symbol, which takes no bits
	tableDescribed  = 2
)

// column is one of the three numbers of all sequences of a block.
type column struct {
	*codes
	table  *fseTable // the one that was chosen
	own    fseTable
	counts [maxSymbols]int
	state  int
}

// count takes a number into account.
func (c *column) count(n int) { c.counts[c.symbol(n)]++ }

// choose decides for the smallest of the tables, and appends its description.
func (c *column) choose(dst []byte, total int) (mode int, _ []byte) {
	counts := c.counts[:len(c.probabilities)]
	for symbol, n := range counts {
		if n == total {
			var one [maxSymbols]int
			one[symbol] = 1
			c.own.build(0, one[:len(counts)])
			c.table = &c.own
			return tableOfOne, append(dst, byte(symbol))
		}
	}
	log, p := normalize(counts, total, c.maxLog)
	described := appendTable(dst, log, p[:])
	if (len(described)-len(dst))*8+entropy(counts, log, p[:]) < entropy(counts, c.predefined.log, c.probabilities) {
		c.own.build(log, p[:len(counts)])
		c.table = &c.own
		return tableDescribed, described
	}
	c.table = &c.predefined
	return tablePredefined, dst
}

// sequences writes the sequences of blocks. It is large, so reuse it.
type sequences struct{ literals, matches, offsets column }

func newSequences() sequences {
	return sequences{column{codes: literalCodes}, column{codes: matchCodes}, column{codes: offsetCodes}}
}

// append appends the section of sequences of a block (RFC 8878, 3.1.1.3.2).
func (s *sequences) append(dst []byte, all []sequence) []byte {
	dst = appendCount(dst, len(all))
	if len(all) == 0 {
		return dst
	}
	s.literals.counts, s.matches.counts, s.offsets.counts = [maxSymbols]int{}, [maxSymbols]int{}, [maxSymbols]int{}
	for _, q := range all {
		s.literals.count(q.literals)
		s.matches.count(q.match)
		s.offsets.count(q.offset)
	}
	modes := len(dst)
	dst = append(dst, 0)
	l, dst := s.literals.choose(dst, len(all))
	o, dst := s.offsets.choose(dst, len(all))
	m, dst := s.matches.choose(dst, len(all))
	dst[modes] = byte(l<<6 | o<<4 | m<<2)
	return s.appendStream(dst, all)
}

// appendCount appends how many sequences there are.
func appendCount(dst []byte, n int) []byte {
	const long = 0x7f00
	switch {
	case n < 128:
		return append(dst, byte(n))
	case n < long:
		return append(dst, byte(128+n>>8), byte(n))
	}
	return append(dst, 255, byte(n-long), byte((n-long)>>8))
}

// appendStream appends the bit stream. A decoder reads it from its end; so all is
// written in the opposite of the order in which that needs it.
func (s *sequences) appendStream(dst []byte, all []sequence) []byte {
	w := bitWriter{bytes: dst}
	for i := len(all) - 1; i >= 0; i-- {
		q, last := all[i], i == len(all)-1
		l, m, o := s.literals.symbol(q.literals), s.matches.symbol(q.match), s.offsets.symbol(q.offset)
		s.offsets.step(&w, o, last)
		s.matches.step(&w, m, last)
		s.literals.step(&w, l, last)
		s.literals.writeExtra(&w, l, q.literals)
		s.matches.writeExtra(&w, m, q.match)
		s.offsets.writeExtra(&w, o, q.offset)
	}
	w.write(s.matches.state, s.matches.table.log)
	w.write(s.offsets.state, s.offsets.table.log)
	w.write(s.literals.state, s.literals.table.log)
	return w.end()
}

// step goes to the state of a symbol before the current one, of which the last
// sequence has none.
func (c *column) step(w *bitWriter, symbol int, last bool) {
	if last {
		c.state = c.table.last(symbol)
		return
	}
	c.state = c.table.before(w, symbol, c.state)
}

// writeExtra writes the difference between a number and the least one of its symbol.
func (c *column) writeExtra(w *bitWriter, symbol, n int) { w.write(n-c.first[symbol], c.extra[symbol]) }
