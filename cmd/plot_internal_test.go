package cmd

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// elements counts the elements of an XML text by name. It fails the test if the
// text is not XML.
func elements(t *testing.T, text string) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return counts
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			counts[e.Name.Local]++
		}
	}
}

func TestPlot(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	p := &plot{zone: time.UTC, curves: []curve{
		{"production", []point{{start, 100 << 20}, {start.AddDate(0, 0, 10), 180 << 20}, {start.AddDate(0, 0, 20), 192 << 20}}},
		{"a <b> & \x1b", []point{{start.AddDate(0, 0, 5), 64 << 20}}},
	}}
	drawn := p.draw()
	if got := elements(t, drawn)["polyline"]; got != 4 { // two curves, and two lines in the legend
		t.Errorf("got %d lines, want 4", got)
	}
	for _, want := range []string{
		`points="90.0,193.8 420.0,68.8 750.0,50.0 "`, // from left to right, with the largest at the top
		`points="255.0,250.0 "`,
		">192 MiB<", ">32 MiB<", ">0 B<", ">2026-03-01<", ">2026-03-21<", ">a &lt;b&gt; &amp; \ufffd<",
	} {
		if !strings.Contains(drawn, want) {
			t.Errorf("missing %s in:\n%s", want, drawn)
		}
	}
}

// TestPlotOfLittle draws plots without a point, and with one point of size
// zero.
func TestPlotOfLittle(t *testing.T) {
	t.Parallel()
	for _, curves := range [][]curve{nil, {{"empty", []point{{time.Unix(0, 0), 0}}}}} {
		p := &plot{zone: time.UTC, curves: curves}
		drawn := p.draw()
		elements(t, drawn)
		if strings.Contains(drawn, "NaN") || strings.Contains(drawn, "Inf") {
			t.Errorf("not a number in:\n%s", drawn)
		}
	}
}

func TestSparkline(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		sizes []int64
		utf8  bool
		want  string
	}{
		{"Growing", []int64{0, 1, 2, 3, 4, 5, 6, 7}, true, "▁▂▃▄▅▆▇█"},
		{"ASCII", []int64{7, 6, 5, 4, 3, 2, 1, 0}, false, "#*+=~-._"},
		{"Constant", []int64{5, 5, 5}, true, "▁▁▁"},
		{"One", []int64{5}, true, ""},
		{"None", nil, true, ""},
		{"Many", []int64{0, 0, 0, 0, 0, 0, 0, 0, 7, 7, 7, 7, 7, 7, 7, 7, 7}, false, "____####"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := sparkline(tt.sizes, 8, tt.utf8); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
