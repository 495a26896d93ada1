// Package svg draws the parts of firn's plots: lines, texts and curves in pixels. The SVG file
// needs no other file.
package svg

import (
	"encoding/xml"
	"fmt"
	"strings"
	"unicode"
)

// The colours of curves differ for all eyes, also for colour-blind ones, on a white ground.
var Colours = []string{"#c2410c", "#1d4ed8", "#047857", "#7e22ce", "#525252"}

// The colours of the other parts.
const (
	Ink  = "#222"
	Pale = "#ddd"
)

// Point is a place, from the upper left corner.
type Point struct{ X, Y float64 }

// Drawing is a drawing under way. Make one by [New].
type Drawing struct{ b strings.Builder }

// New begins a drawing with a white ground, which is readable on any page.
func New(title string, width, height int) *Drawing {
	d := &Drawing{}
	fmt.Fprintf(&d.b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" fill="%s">
<title>%s</title>
<rect width="100%%" height="100%%" fill="#fff"/>
`, width, height, Ink, escape(title))
	return d
}

// Line draws a thin line.
func (d *Drawing) Line(from, to Point, colour string) {
	fmt.Fprintf(&d.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`+"\n", from.X, from.Y, to.X, to.Y, colour)
}

// Text writes a line of text. The anchor says which part of the line is at the point: start,
// middle or end.
func (d *Drawing) Text(at Point, anchor, content string) {
	fmt.Fprintf(&d.b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", at.X, at.Y, anchor, escape(content))
}

// Curve draws a thick line through the points in the i-th colour. After the last colour, the
// first is used again, for dashed lines.
func (d *Drawing) Curve(i int, points ...Point) {
	dashes := ""
	if i >= len(Colours) {
		dashes = ` stroke-dasharray="6 4"`
	}
	fmt.Fprintf(&d.b, `<polyline fill="none" stroke-linejoin="round" stroke="%s" stroke-width="2"%s points="`, Colours[i%len(Colours)], dashes)
	for _, p := range points {
		fmt.Fprintf(&d.b, "%.1f,%.1f ", p.X, p.Y)
	}
	d.b.WriteString(`"/>` + "\n")
}

// End returns the file.
func (d *Drawing) End() string { return d.b.String() + "</svg>\n" }

// escape makes a text fit for XML. It replaces control characters, which XML does not allow
// or which change how a reader sees the text.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(strings.Map(func(r rune) rune { // a Builder takes all
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)))
	return b.String()
}
