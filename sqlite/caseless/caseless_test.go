package caseless_test

import (
	"testing"

	"firn/sqlite/caseless"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "", "users": "users", "Users": "users", "AZ@[`{": "az@[`{", "ÄÖ": "ÄÖ", "K\u212A": "k\u212A", "A\x00B": "a\x00b", "X\xff\xC4": "x\xff\xC4",
	} {
		if got := caseless.Fold(name); got != want {
			t.Errorf("Fold(%q) = %q, want %q", name, got, want)
		}
	}
	if !caseless.Same("ID", "id") || caseless.Same("İd", "id") || caseless.Same("é", "É") {
		t.Error("names are compared in another way than SQLite does")
	}
}
