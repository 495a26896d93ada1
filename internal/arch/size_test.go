package arch_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
)

// maxLines is the number of lines, tests left out, that a package may have. A reader who wants to change a larger one cannot
// read all of it first: it has two jobs, or one that has parts.
const maxLines = 4000

// larger names the packages that may be larger, and their own limits.
const larger = `
# The protocol, the collection of garbage, repair and copy are one proof: each is safe because of what the others
# promise. Apart they would be joined by an interface that only one package could use. See the comment of the package.
repo: 12100

# One file for each command, and no logic to share: flags, help, tables, JSON. A second package would export the words of
# the first.
cmd: 8400
`

func TestPackagesAreSmall(t *testing.T) {
	t.Parallel()
	pkgs, err := load()
	if err != nil {
		t.Fatal(err)
	}
	limits := parseTable(larger)
	for _, finding := range checkSizes(limits, pkgs) {
		t.Error(finding)
	}
	for path := range limits {
		if !slices.ContainsFunc(pkgs, func(p pkg) bool { return p.path == path && p.lines > maxLines }) {
			t.Errorf("%s has no need of a limit of its own", path)
		}
	}
}

func TestSizeChecker(t *testing.T) {
	t.Parallel()
	limits := parseTable("big: 5000")
	for _, tt := range []struct {
		p    pkg
		want int
	}{
		{pkg{path: "low", lines: maxLines}, 0},
		{pkg{path: "low", lines: maxLines + 1}, 1},
		{pkg{path: "big", lines: 5000}, 0},
		{pkg{path: "big", lines: 5001}, 1},
	} {
		if got := checkSizes(limits, []pkg{tt.p}); len(got) != tt.want {
			t.Errorf("%s with %d lines: got %q, want %d findings", tt.p.path, tt.p.lines, got, tt.want)
		}
	}
}

// checkSizes returns a line for each package that is larger than it may be.
func checkSizes(limits table, pkgs []pkg) (findings []string) {
	for _, p := range pkgs {
		limit := maxLines
		if own := limits[p.path]; len(own) == 1 {
			limit, _ = strconv.Atoi(own[0]) // a wrong number is 0, which is always too small
		}
		if p.lines > limit {
			findings = append(findings, fmt.Sprintf("package %s has %d lines: %d are the most", p.path, p.lines, limit))
		}
	}
	return findings
}
