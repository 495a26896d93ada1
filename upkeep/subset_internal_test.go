package upkeep

import (
	"crypto/rand"
	"testing"

	"firn/pack"
)

// TestSubset checks that each pack is in exactly one of the parts, and that a
// share has about the right number of packs.
func TestSubset(t *testing.T) {
	t.Parallel()
	const packs = 4000
	counts := make(map[string]int)
	for range packs {
		var id pack.ID
		_, _ = rand.Read(id[:]) // never fails
		parts := 0
		for _, part := range []string{"1/3", "2/3", "3/3", "1/1", "25%", "100%", "0.5%"} {
			chosen, ok := parseSubset(part, 1<<31+12345)
			if !ok {
				t.Fatalf("%s is refused", part)
			}
			if chosen(id) {
				counts[part]++
				if part[1:] == "/3" {
					parts++
				}
			}
		}
		if parts != 1 {
			t.Fatalf("pack %s is in %d of three parts", id, parts)
		}
	}
	for part, want := range map[string]int{"1/3": packs / 3, "3/3": packs / 3, "1/1": packs, "25%": packs / 4, "100%": packs, "0.5%": packs / 200} {
		if got := counts[part]; got < want*3/4-15 || got > want*5/4+15 {
			t.Errorf("%s: %d packs, want about %d", part, got, want)
		}
	}
}

func TestSubsetErrors(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"0/3", "4/3", "1/0", "/", "1/", "1", "-1/3", "1/3x", "1/3 4", "0%", "101%", "%", "x%", "-5%", "NaN%", "1/99999999999"} {
		if _, ok := parseSubset(bad, 0); ok {
			t.Errorf("%q is accepted", bad)
		}
	}
}
