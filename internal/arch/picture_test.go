package arch_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

const (
	pictureDocument = "../../docs/architecture.md"
	pictureHeading  = "## The storeys"
)

// picture maps a package to its storey: 0 is the ground.
type picture map[string]int

// TestPictureShowsTheGraph checks the picture of the storeys in the document against the
// table of imports.
func TestPictureShowsTheGraph(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile(pictureDocument)
	if err != nil {
		t.Fatal(err)
	}
	p, err := parsePicture(string(document))
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range p.check(parseTable(imports)) {
		t.Errorf("docs/architecture.md, %q: %s", strings.TrimPrefix(pictureHeading, "## "), finding)
	}
}

// TestPictureChecker proves that the check of a picture can fail.
func TestPictureChecker(t *testing.T) {
	t.Parallel()
	imports := parseTable("low:\nside: low\nhigh: low side")
	const rule = "+---+---+\n"
	for _, tt := range []struct {
		name, picture string
		want          []string // a part of each finding
	}{
		{"OK", rule + "| words | high |\n" + rule + "| ground | low | side |\n" + rule, nil},
		{"Sideways", rule + "| all | high low side |\n" + rule, nil},
		{"LinesOfOneStorey", rule + "| words | high |\n" + rule + "| ground | low |\n|   | side |\n" + rule, nil},
		{"Upwards", rule + "| words | low |\n" + rule + "| ground | high side |\n" + rule, []string{"high must not import low", "side must not import low"}},
		{"Missing", rule + "| words | high |\n" + rule + "| ground | low |\n" + rule, []string{"side is in no storey"}},
		{"Unknown", rule + "| words | high attic |\n" + rule + "| ground | low side |\n" + rule, []string{"attic is not in the table"}},
		{"Twice", rule + "| words | high low |\n" + rule + "| ground | low side |\n" + rule, []string{"low is shown twice"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := parsePicture(pictureHeading + "\n\n```\n" + tt.picture + "```\n")
			var got []string
			if err != nil {
				got = []string{err.Error()}
			} else {
				got = p.check(imports)
			}
			if !slices.EqualFunc(got, tt.want, strings.Contains) {
				t.Errorf("findings: got %q, want %q", got, tt.want)
			}
		})
	}
	if _, err := parsePicture("# A document without a picture"); err == nil {
		t.Error("no picture: got no error")
	}
}

// parsePicture reads the first block of code below the heading. A line "| name | package package | package |" shows
// packages of a storey, the highest first; a storey ends at a line of dashes.
func parsePicture(document string) (picture, error) {
	_, section, found := strings.Cut(document, pictureHeading+"\n")
	_, block, begun := strings.Cut(section, "```\n")
	block, _, ended := strings.Cut(block, "```\n")
	if !found || !begun || !ended {
		return nil, fmt.Errorf("there is no block of code below %q", pictureHeading)
	}
	p := picture{}
	storey := strings.Count(block, "\n+")
	for line := range strings.Lines(block) {
		if strings.HasPrefix(line, "+") {
			storey--
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for _, name := range strings.Fields(strings.Join(cells[1:], " ")) {
			if _, twice := p[name]; twice {
				return nil, fmt.Errorf("%s is shown twice", name)
			}
			p[name] = storey
		}
	}
	return p, nil
}

// check returns a line for each departure of a picture from the table of imports.
func (p picture) check(imports table) []string {
	var findings []string
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		storey, shown := p[name]
		if !shown {
			findings = append(findings, fmt.Sprintf("%s is in no storey: add it to one", name))
			continue
		}
		for _, below := range imports[name] {
			if at, shown := p[below]; shown && at > storey {
				findings = append(findings, fmt.Sprintf("%s must not import %s, which is in a higher storey", name, below))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if _, ok := imports[name]; !ok {
			findings = append(findings, fmt.Sprintf("%s is not in the table of imports", name))
		}
	}
	return findings
}
