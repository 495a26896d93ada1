package chunk_test

import (
	"strings"
	"testing"

	"firn/chunk"
)

func TestID(t *testing.T) {
	t.Parallel()
	id := name(chunk.Data, []byte("some bytes"))
	if got, err := chunk.ParseID(id.String()); got != id || err != nil {
		t.Errorf("ParseID(%q) = %s, %v", id, got, err)
	}
	if text, err := id.MarshalText(); string(text) != id.String() || err != nil {
		t.Errorf("MarshalText = %q, %v, want %q", text, err, id)
	}
	if got, want := (chunk.ID{0xab, 31: 1}).String(), "ab"+strings.Repeat("0", 61)+"1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if id.IsZero() || !(chunk.ID{}).IsZero() {
		t.Error("IsZero does not tell the zero ID")
	}
}

func TestParseIDRefuses(t *testing.T) {
	t.Parallel()
	good := strings.Repeat("a0", chunk.IDLen)
	for _, text := range []string{"", "a0", good[1:], good + "a", good + "a0", "A0" + good[2:], "g0" + good[2:], " " + good[1:], "0x" + good[2:]} {
		id := chunk.ID{7}
		if err := id.UnmarshalText([]byte(text)); err == nil || id != (chunk.ID{7}) {
			t.Errorf("UnmarshalText(%q) = %v and sets %s", text, err, id)
		}
		if id, err := chunk.ParseID(text); err == nil || !id.IsZero() {
			t.Errorf("ParseID(%q) = %s, %v", text, id, err)
		}
	}
}

func TestKindString(t *testing.T) {
	t.Parallel()
	for kind, want := range map[chunk.Kind]string{chunk.Data: "data", chunk.Node: "node", 9: "kind 9"} {
		if got := kind.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
