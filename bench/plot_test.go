package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestPlotIsWellFormed(t *testing.T) {
	t.Parallel()
	svg := newMonth(100).plot()
	d := xml.NewDecoder(strings.NewReader(svg))
	lines := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "polyline" {
			lines++
		}
	}
	if want := 4; lines != want { // two curves, and two lines in the legend
		t.Errorf("lines: got %d, want %d", lines, want)
	}
}

func TestPlotIsLogarithmic(t *testing.T) {
	t.Parallel()
	m := newMonth(100) // 1 to 4 MB and 100 to 400 MB: an axis from 1 MB to 1 GB
	svg := m.plot()
	for _, want := range []string{
		`points="80.0,370.0 255.0,338.9 430.0,320.7 605.0,307.8 "`,
		`points="80.0,163.3 255.0,132.2 430.0,114.0 605.0,101.1 "`,
		`<text x="72.0" y="374.0" text-anchor="end">1 MB</text>`,
		`<text x="72.0" y="64.0" text-anchor="end">1 GB</text>`,
		"VACUUM INTO, zstd --rsyncable, restic</text>",
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("missing %s in:\n%s", want, svg)
		}
	}
}
