package crypt

import (
	"slices"
	"strings"
)

// Bech32 (BIP-173) is text that people copy by hand. Its 32 characters mean the same in
// upper and lower case, and leave out 1, b, i and o, which look like others. The last six
// characters are a checksum. It detects up to four wrong characters, and locates one or
// two.
const (
	bech32Characters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	bech32Separator  = "1"
	bech32Sum        = 6 // characters
	bech32Constant   = 1 // the remainder of a sound text
)

// bech32Generator is the generator of the code over GF(32), from BIP-173.
func bech32Generator() [5]uint32 {
	return [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3}
}

// bech32Encode returns bytes as lower-case text: prefix, separator, data and checksum.
func bech32Encode(prefix string, b []byte) string {
	values := regroup(b, 8, 5)
	sum := bech32Remainder(prefix, append(slices.Clone(values), make([]byte, bech32Sum)...)) ^ bech32Constant
	for i := range bech32Sum {
		values = append(values, byte(sum>>(5*(bech32Sum-1-i)))&31)
	}
	text := []byte(prefix + bech32Separator)
	for _, v := range values {
		text = append(text, bech32Characters[v])
	}
	return string(text)
}

// bech32Values returns the values of the characters behind the separator, and the
// positions of characters outside of the 32.
func bech32Values(data string) (values []byte, wrong []int) {
	for i, c := range []byte(strings.ToLower(data)) {
		v := strings.IndexByte(bech32Characters, c)
		if v < 0 {
			wrong = append(wrong, i)
		}
		values = append(values, byte(v))
	}
	return values, wrong
}

// bech32Remainder returns 1 for values that end with their checksum.
func bech32Remainder(prefix string, values []byte) uint32 {
	var expanded []byte
	for _, c := range []byte(prefix) {
		expanded = append(expanded, c>>5)
	}
	expanded = append(expanded, 0)
	for _, c := range []byte(prefix) {
		expanded = append(expanded, c&31)
	}
	return polymod(append(expanded, values...), 1)
}

func polymod(values []byte, sum uint32) uint32 {
	for _, v := range values {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(v)
		for i, g := range bech32Generator() {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	return sum
}

// bech32Wrong returns the positions of the one or two wrong characters among n that lead
// to this remainder, and none if more are wrong. The code is linear, so the remainder of a
// difference does not depend on the right characters.
func bech32Wrong(n int, remainder uint32) []int {
	left := remainder ^ bech32Constant
	alone := make(map[uint32]int) // from the remainder of one wrong character to its position
	for at := range n {
		for v := byte(1); v < 32; v++ {
			alone[polymod(append([]byte{v}, make([]byte, n-1-at)...), 0)] = at
		}
	}
	if at, ok := alone[left]; ok {
		return []int{at}
	}
	for one, at := range alone {
		if other, ok := alone[left^one]; ok {
			return []int{min(at, other), max(at, other)}
		}
	}
	return nil
}

// regroup makes groups of bits from groups of another length. If the groups become
// smaller, the bits left over are filled up with zeros. Otherwise they are dropped.
func regroup(values []byte, from, to uint) (out []byte) {
	var bits uint32
	var n uint
	for _, v := range values {
		bits, n = bits<<from|uint32(v), n+from
		for n >= to {
			n -= to
			out = append(out, byte(bits>>n)&(1<<to-1))
		}
		bits &= 1<<n - 1
	}
	if to < from && n > 0 {
		out = append(out, byte(bits<<(to-n)))
	}
	return out
}
