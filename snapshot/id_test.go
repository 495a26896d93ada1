package snapshot_test

import (
	"encoding/json"
	"strings"
	"testing"

	"firn/snapshot"
)

const idText = "3f2a91c0112233445566778899aabbcc"

func parseID(t testing.TB, s string) snapshot.ID {
	t.Helper()
	id, err := snapshot.ParseID(s + strings.Repeat("0", 32-len(s)))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestID(t *testing.T) {
	t.Parallel()
	id := parseID(t, idText)
	if id.String() != idText || id.Short() != "3f2a91c0" || id.IsZero() {
		t.Errorf("got %s, %s, %v", id, id.Short(), id.IsZero())
	}
	if !(snapshot.ID{}).IsZero() {
		t.Error("the zero ID is not zero")
	}
	var read snapshot.ID
	b, err := json.Marshal(id)
	if err != nil || string(b) != `"`+idText+`"` {
		t.Errorf("marshal: got %s, %v", b, err)
	}
	if err := json.Unmarshal(b, &read); err != nil || read != id {
		t.Errorf("unmarshal: got %v, %v", read, err)
	}
}

func TestParseIDRejects(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "3f2a91c0", idText + "00", idText[:31], idText[:31] + "g", " " + idText[1:]} {
		if id, err := snapshot.ParseID(s); err == nil || !id.IsZero() {
			t.Errorf("%q: got %s, %v", s, id, err)
		}
	}
	id := parseID(t, idText)
	if err := id.UnmarshalText([]byte("ff" + idText[:29] + "g")); err == nil || id.String() != idText {
		t.Errorf("changed to %s by a failed parse (%v)", id, err)
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	seen := make(map[snapshot.ID]bool)
	for range 1000 {
		id := snapshot.NewID()
		if id.IsZero() || seen[id] {
			t.Fatalf("%s again", id)
		}
		seen[id] = true
	}
}
