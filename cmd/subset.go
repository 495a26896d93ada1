package cmd

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"firn/outcome"
	"firn/pack"
)

// chosen returns which packs --read-data-subset means, nil if it is not given.
func (o checkOptions) chosen() (func(pack.ID) bool, error) {
	switch {
	case o.subset == "":
		return nil, nil
	case o.readData || o.repair:
		return nil, outcome.Usage("", "check: --read-data and --repair read everything: they do not go with --read-data-subset")
	}
	chosen, ok := parseSubset(o.subset, rand.Uint32())
	if !ok {
		return nil, outcome.Usage("Write 2/7 for the second of seven parts, or 5% for some of them.", "--read-data-subset %q is not a part", o.subset)
	}
	return chosen, nil
}

// parseSubset reads n/t, which always means the same packs, or a percentage, whose packs
// are those from a random place on. IDs of packs are random, so any part of them will do.
func parseSubset(text string, from uint32) (func(pack.ID) bool, bool) {
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
