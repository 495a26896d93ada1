package arch_test

import (
	"slices"
	"strings"
	"testing"
)

// TestChecker proves that the checker can fail: one small file for each rule.
func TestChecker(t *testing.T) {
	t.Parallel()
	imports := parseTable("low:\nhigh: low\nclock: firn\nfirn:")
	only := parseTable("# reason\ntime.Now: clock\ncrypto/*: low\nfmt.Print*:\nfunc init:")
	tests := []struct {
		name, path, src string
		want            []string // a part of each finding
	}{
		{"OK", "high", "// Package high is fine.\npackage high\nimport _ \"" + module + "/low\"", nil},
		{"WrongDirection", "low", "// Package low.\npackage low\nimport _ \"" + module + "/high\"", []string{"low must not import high"}},
		{"WrongDirectionNamed", "low", "// Package low.\npackage low\nimport \"" + module + "/high\"\nvar x = high.X", []string{"low.go:3: low must not import high"}},
		{"OKNamed", "high", "// Package high.\npackage high\nimport \"" + module + "/low\"\nvar x = low.X", nil},
		{"ImportOfUnlisted", "high", "// Package high.\npackage high\nimport _ \"" + module + "/other\"", []string{"high must not import other"}},
		{"ImportOfRoot", "low", "// Package low.\npackage low\nimport _ \"" + module + "\"", []string{"low must not import firn"}},
		{"OKRoot", "clock", "// Package clock.\npackage clock\nimport _ \"" + module + "\"", nil},
		{"UnlistedPackage", "other", "// Package other.\npackage other", []string{"other is not in the table"}},
		{"NoComment", "low", "package low", []string{"low has no package comment"}},
		{"Init", "low", "// Package low.\npackage low\nfunc init() {}", []string{"low must not use func init"}},
		{"MethodInit", "low", "// Package low.\npackage low\ntype t int\nfunc (t) init() {}", nil},
		{"ForeignImport", "high", "// Package high.\npackage high\nimport _ \"crypto/aes\"", []string{"must not use crypto/aes: only [low]"}},
		{"AllowedImport", "low", "// Package low.\npackage low\nimport _ \"crypto/aes\"", nil},
		{"Name", "low", "// Package low.\npackage low\nimport \"time\"\nvar now = time.Now", []string{"low.go:4: low must not use time.Now"}},
		{"NameRenamed", "low", "// Package low.\npackage low\nimport t \"time\"\nvar now = t.Now()", []string{"must not use time.Now"}},
		{"NameAllowed", "clock", "// Package clock.\npackage clock\nimport \"time\"\nvar now = time.Now", nil},
		{"NameShadowed", "low", "// Package low.\npackage low\nimport _ \"time\"\nfunc f(time struct{ Now int }) int { return time.Now }", nil},
		{"Prefix", "low", "// Package low.\npackage low\nimport \"fmt\"\nfunc f() { fmt.Println() }", []string{"must not use fmt.Println"}},
		{"PrefixOther", "low", "// Package low.\npackage low\nimport \"fmt\"\nvar s = fmt.Sprint()", nil},
		{"Two", "low", "package low\nfunc init() {}", []string{"no package comment", "func init"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := pkg{path: tt.path}
			if err := p.add(tt.path+".go", tt.src); err != nil {
				t.Fatal(err)
			}
			got := check(imports, only, []pkg{p})
			if !slices.EqualFunc(got, tt.want, strings.Contains) {
				t.Errorf("findings: got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestTablesAgree checks that the rules speak only of packages that may exist.
func TestTablesAgree(t *testing.T) {
	t.Parallel()
	graph := parseTable(imports)
	for _, rules := range []table{graph, parseTable(only)} {
		for left, right := range rules {
			for _, path := range right {
				if _, ok := graph[path]; !ok {
					t.Errorf("rule %q names %s, which is not in the table of imports", left, path)
				}
			}
		}
	}
}

// TestGraphHasNoCycle refuses a table that no compiler would accept.
func TestGraphHasNoCycle(t *testing.T) {
	t.Parallel()
	graph := parseTable(imports)
	for path := range graph {
		if reaches(graph, path, path) {
			t.Errorf("%s may import itself", path)
		}
	}
}

// reaches reports whether from may import to, directly or not.
func reaches(graph table, from, to string) bool {
	return slices.ContainsFunc(graph[from], func(next string) bool {
		return next == to || reaches(graph, next, to)
	})
}
