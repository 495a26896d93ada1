package chunk

import "math/bits"

// A sequence copies literals, and then a match from earlier bytes (RFC 8878, 3.1.1.3.2).
type sequence struct {
	literals, match int // lengths
	offset          int // the offset's value: its distance and 3, or 1 for the last one again
}

// fseTable is one of the predefined tables of finite state entropy (RFC 8878, 4.1.1 and 3.1.1.3.2.2),
// as its decoder has it: state i stands for a symbol, and is followed by
// states[i].next and what the next bits say.
type fseTable struct {
	log     int
	states  []fseState
	symbols [][]int // the states that stand for a symbol
}

type fseState struct{ next, bits int }

// newFSETable builds the table of normalized probabilities; -1 stands for less than one.
func newFSETable(log int, probabilities []int) *fseTable {
	size := 1 << log
	spread := spreadSymbols(size, probabilities)
	t := &fseTable{log: log, states: make([]fseState, size), symbols: make([][]int, len(probabilities))}
	for i, symbol := range spread {
		x := max(1, probabilities[symbol]) + len(t.symbols[symbol])
		n := log - (bits.Len(uint(x)) - 1)
		t.states[i] = fseState{next: x<<n - size, bits: n}
		t.symbols[symbol] = append(t.symbols[symbol], i)
	}
	return t
}

// spreadSymbols gives each state its symbol.
func spreadSymbols(size int, probabilities []int) []int {
	spread, high := make([]int, size), size-1
	for symbol, p := range probabilities {
		if p < 0 {
			spread[high] = symbol
			high--
		}
	}
	at := 0
	for symbol, p := range probabilities {
		for range max(0, p) {
			spread[at] = symbol
			for at = (at + size>>1 + size>>3 + 3) % size; at > high; {
				at = (at + size>>1 + size>>3 + 3) % size
			}
		}
	}
	return spread
}

// before returns the state of a symbol that the given state can follow, and writes
// the bits that lead from one to the other.
func (t *fseTable) before(w *bitWriter, symbol, state int) int {
	for _, i := range t.symbols[symbol] {
		if from := t.states[i]; state >= from.next && state < from.next+1<<from.bits {
			w.write(state-from.next, from.bits)
			return i
		}
	}
	panic("state without a way to it") // the ranges of a symbol's states cover all
}

// codes turns a number into a symbol and extra bits: symbol i stands for numbers
// from first[i] on.
type codes struct {
	*fseTable
	first []int
	extra []int // bits
}

func newCodes(log int, probabilities, extra []int, least int) *codes {
	c := &codes{fseTable: newFSETable(log, probabilities), extra: extra}
	for _, n := range extra {
		c.first = append(c.first, least)
		least += 1 << n
	}
	return c
}

// symbol returns the code of a number.
func (c *codes) symbol(n int) int {
	i := 0
	for i+1 < len(c.first) && n >= c.first[i+1] {
		i++
	}
	return i
}

// writeExtra writes what a number is more than the least one of its symbol.
func (c *codes) writeExtra(w *bitWriter, symbol, n int) { w.write(n-c.first[symbol], c.extra[symbol]) }

// The predefined tables of RFC 8878, 3.1.1.3.2.2, with the codes of 3.1.1.3.2.1.
var (
	literalCodes = newCodes(6,
		[]int{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1},
		[]int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 0)
	matchCodes = newCodes(6,
		[]int{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
			1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1},
		[]int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1,
			2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 3)
	offsetCodes = newCodes(5,
		[]int{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1},
		[]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28}, 1)
)

// appendSequences appends the bit stream of sequences, of which there is at least
// one. A decoder reads it from its end; so all is written in the opposite of the
// order in which that needs it.
func appendSequences(dst []byte, all []sequence) []byte {
	w := bitWriter{bytes: dst}
	var literal, match, offset int // states
	for i := len(all) - 1; i >= 0; i-- {
		s := all[i]
		l, m, o := literalCodes.symbol(s.literals), matchCodes.symbol(s.match), offsetCodes.symbol(s.offset)
		if i == len(all)-1 { // no state follows
			literal, match, offset = literalCodes.symbols[l][0], matchCodes.symbols[m][0], offsetCodes.symbols[o][0]
		} else {
			offset = offsetCodes.before(&w, o, offset)
			match = matchCodes.before(&w, m, match)
			literal = literalCodes.before(&w, l, literal)
		}
		literalCodes.writeExtra(&w, l, s.literals)
		matchCodes.writeExtra(&w, m, s.match)
		offsetCodes.writeExtra(&w, o, s.offset)
	}
	w.write(match, matchCodes.log)
	w.write(offset, offsetCodes.log)
	w.write(literal, literalCodes.log)
	return w.end()
}

// bitWriter writes numbers of some bits, the low ones first.
type bitWriter struct {
	bytes []byte
	held  uint64
	n     int // bits in held, less than 8 between writes
}

// write appends the low n bits, at most 32.
func (w *bitWriter) write(value, n int) {
	w.held |= uint64(value) << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.bytes = append(w.bytes, byte(w.held))
		w.held >>= 8
	}
}

// end marks the last bit by a one above it.
func (w *bitWriter) end() []byte {
	return append(w.bytes, byte(w.held|1<<w.n))
}
