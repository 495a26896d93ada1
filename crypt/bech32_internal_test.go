package crypt

import (
	"strings"
	"testing"
)

// TestBech32Vectors checks texts of BIP-173, some with a sound and some with a wrong
// checksum.
func TestBech32Vectors(t *testing.T) {
	t.Parallel()
	for text, sound := range map[string]bool{
		"A12UEL5L": true, "a12uel5l": true,
		"an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs": true,
		"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw":                                              true,
		"split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w":                               true,
		"?1ezyfcl": true,
		"A1G7SGD8": false, "a12uel5m": false, "split1cheokupstagehandshakeupstreamerranterredcaperred2y9e3w": false,
	} {
		lower := strings.ToLower(text)
		at := strings.LastIndex(lower, bech32Separator)
		values, wrong := bech32Values(lower[at+1:])
		if got := len(wrong) == 0 && bech32Remainder(lower[:at], values) == bech32Constant; got != sound {
			t.Errorf("%s: sound is %t, want %t", text, got, sound)
		}
	}
}
