package diff

import (
	"slices"
	"testing"
)

func TestShadowSuffixes(t *testing.T) {
	t.Parallel()
	for definition, want := range map[string]string{
		"CREATE VIRTUAL TABLE words USING fts5(body)":              "docsize",
		"CREATE VIRTUAL TABLE \"a \"\"using b\"USING\n\"FTS4\"(a)": "segdir",
		"CREATE VIRTUAL TABLE [a b] using rtree(id, a, b)":         "node",
		"CREATE VIRTUAL TABLE 'a' USING `geopoly`":                 "parent",
		"CREATE VIRTUAL TABLE own USING mine(x USING fts5)":        "",
	} {
		got := shadowSuffixes(definition)
		if want == "" && got != nil || want != "" && !slices.Contains(got, want) {
			t.Errorf("%s: got %q, want %q among them", definition, got, want)
		}
	}
}
