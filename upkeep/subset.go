package upkeep

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"firn/pack"
)

// Subset says which packs of a repository a check reads.
type Subset func(pack.ID) bool

// ParseSubset reads n/t, the n-th of t parts, which always means the same packs, or a percentage of them, such as 5%,
// which begins at a random place. It reports whether the text is one of these.
func ParseSubset(text string) (subset Subset, ok bool) { return parseSubset(text, rand.Uint32()) }

// parseSubset has the packs of a percentage begin at a place. IDs of packs are random, so any part of them will do.
func parseSubset(text string, from uint32) (Subset, bool) {
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		share, err := strconv.ParseFloat(percent, 64)
		limit := uint64(share / 100 * (math.MaxUint32 + 1))
		return func(id pack.ID) bool { return uint64(place32(id)-from) < limit }, err == nil && share > 0 && share <= 100
	}
	var n, t uint32
	rest := ""
	_, err := fmt.Sscanf(text+" .", "%d/%d %s", &n, &t, &rest)
	ok := err == nil && rest == "." && n >= 1 && n <= t
	return func(id pack.ID) bool { return place32(id)%t == n-1 }, ok
}

func place32(id pack.ID) uint32 { return binary.BigEndian.Uint32(id[:]) }
