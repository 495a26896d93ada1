package delta

import (
	"math"
	"math/bits"
)

const (
	maxTableLog = 9  // of the tables of sequences (RFC 8878, 3.1.1.3.2.1)
	minTableLog = 5  // of tables that a block describes
	maxSymbols  = 53 // the codes of matches
)

// fseTable is a table of finite state entropy (RFC 8878, 4.1): each of its states
// stands for a symbol, and a symbol has as many states as it is probable.
type fseTable struct {
	log    int
	first  [maxSymbols + 1]uint16 // of a symbol, in states
	states [1 << maxTableLog]uint16
}

// build makes the table of normalized probabilities; -1 stands for less than one.
func (t *fseTable) build(log int, probabilities []int) {
	var spread [1 << maxTableLog]uint8 // the symbol of each state
	size := 1 << log
	high := size - 1
	t.log = log
	for symbol, p := range probabilities {
		t.first[symbol+1] = t.first[symbol] + uint16(max(p, -p))
		if p < 0 {
			spread[high] = uint8(symbol)
			high--
		}
	}
	at := 0
	for symbol, p := range probabilities {
		for range max(0, p) {
			spread[at] = uint8(symbol)
			for at = (at + size>>1 + size>>3 + 3) % size; at > high; {
				at = (at + size>>1 + size>>3 + 3) % size
			}
		}
	}
	next := t.first
	for state, symbol := range spread[:size] {
		t.states[next[symbol]] = uint16(state)
		next[symbol]++
	}
}

// weight returns how many states a symbol has.
func (t *fseTable) weight(symbol int) int { return int(t.first[symbol+1] - t.first[symbol]) }

// last returns a state of a symbol that no other follows.
func (t *fseTable) last(symbol int) int { return int(t.states[t.first[symbol]]) }

// before returns the state of a symbol that the given state can follow, and writes
// the bits that lead from one to the other. From the k-th of a symbol's p states, a decoder
// goes on to the state (p+k)<<n, less the size, plus n bits of the stream.
func (t *fseTable) before(w *bitWriter, symbol, state int) int {
	p, from := t.weight(symbol), state+1<<t.log
	n := bits.Len(uint(from)) - bits.Len(uint(p))
	if from>>n < p {
		n--
	}
	w.write(from&(1<<n-1), n)
	return int(t.states[int(t.first[symbol])+from>>n-p])
}

// normalize returns the log of a table for symbols that are so frequent, and their
// probabilities in it. Every symbol that there is gets one at least.
func normalize(counts []int, total, maxLog int) (log int, probabilities [maxSymbols]int) {
	present := 0
	for _, n := range counts {
		if n > 0 {
			present++
		}
	}
	log = min(maxLog, max(minTableLog, bits.Len(uint(total))-2, bits.Len(uint(present))+1))
	left := 1 << log
	for symbol, n := range counts {
		if n > 0 {
			probabilities[symbol] = max(1, (n<<log+total/2)/total)
			left -= probabilities[symbol]
		}
	}
	for ; left != 0; left -= sign(left) { // the most probable can bear it
		most := 0
		for symbol, p := range probabilities {
			if p > probabilities[most] {
				most = symbol
			}
		}
		probabilities[most] += sign(left)
	}
	return log, probabilities
}

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}

// entropy returns about how many bits symbols take in a table in which they have
// these probabilities.
func entropy(counts []int, log int, probabilities []int) int {
	sum := 0.0
	for symbol, n := range counts {
		if n > 0 {
			sum += float64(n) * (float64(log) - math.Log2(math.Abs(float64(probabilities[symbol]))))
		}
	}
	return int(sum)
}

// appendTable appends the description of a table (RFC 8878, 4.1.1). Probabilities
// take as many bits as the rest of the states needs, or one less where that is unique.
func appendTable(dst []byte, log int, probabilities []int) []byte {
	w := bitWriter{bytes: dst}
	w.write(log-minTableLog, 4)
	for symbol, left := 0, 1<<log; left > 0; {
		p := probabilities[symbol]
		n := bits.Len(uint(left + 1))
		unused := 1<<n - 1 - (left + 1)
		switch value := p + 1; {
		case value < unused:
			w.write(value, n-1)
		case value < 1<<(n-1):
			w.write(value, n)
		default:
			w.write(value+unused, n)
		}
		left -= p
		symbol++
		if p == 0 {
			symbol = writeAbsent(&w, probabilities, symbol)
		}
	}
	return w.flush()
}

// writeAbsent writes how many of the next symbols are absent, in threes and a rest, and
// returns the symbol after them.
func writeAbsent(w *bitWriter, probabilities []int, symbol int) int {
	for n := 0; ; n++ {
		if n == 3 {
			w.write(3, 2)
			n = 0
		}
		if probabilities[symbol] != 0 {
			w.write(n, 2)
			return symbol
		}
		symbol++
	}
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

// flush fills up the last byte.
func (w *bitWriter) flush() []byte {
	if w.n > 0 {
		w.write(0, 8-w.n)
	}
	return w.bytes
}

// end marks the last bit by a one above it.
func (w *bitWriter) end() []byte {
	return append(w.bytes, byte(w.held|1<<w.n))
}
