package crypt_test

import (
	"bytes"
	"errors"
	"testing"

	"firn/crypt"
)

func TestEphemeral(t *testing.T) {
	t.Parallel()
	e := crypt.NewEphemeral()
	plain := bytes.Repeat([]byte("a row of production "), 100)
	sealed := e.Seal([]byte("before"), 7, plain)
	if len(sealed) != len("before")+len(plain)+crypt.Overhead || bytes.Contains(sealed, plain[:20]) {
		t.Errorf("sealed %d bytes as %d, plain=%v", len(plain), len(sealed), bytes.Contains(sealed, plain[:20]))
	}
	got, err := e.Open([]byte("x"), 7, sealed[len("before"):])
	if err != nil || string(got) != "x"+string(plain) {
		t.Errorf("Open: got %d bytes, %v", len(got), err)
	}
}

func TestEphemeralRefuses(t *testing.T) {
	t.Parallel()
	e := crypt.NewEphemeral()
	sealed := e.Seal(nil, 7, []byte("row"))
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-1] ^= 1
	tests := map[string]struct {
		key    *crypt.Ephemeral
		place  uint64
		sealed []byte
	}{
		"OtherKey":   {crypt.NewEphemeral(), 7, sealed},
		"OtherPlace": {e, 8, sealed},
		"Flipped":    {e, 7, flipped},
		"Cut":        {e, 7, sealed[:len(sealed)-1]},
		"Empty":      {e, 7, nil},
	}
	for name, test := range tests {
		if got, err := test.key.Open(nil, test.place, test.sealed); !errors.Is(err, crypt.ErrAuth) || got != nil {
			t.Errorf("%s: got %q, %v, want ErrAuth", name, got, err)
		}
	}
}
