package main

import (
	"fmt"
	"html"
	"math"
	"strings"

	"github.com/dustin/go-humanize"
)

// The plot's size, its frame, and what stands around that, in pixels.
const (
	plotWidth, plotHeight = 800, 420
	plotLeft, plotRight   = 80, 780
	plotTop, plotBottom   = 60, 370

	plotHeading, plotLegend = 22, 46 // above the frame
	plotEntry               = 350    // width of a legend's entry
	plotDays                = plotBottom + 20
)

// colours of the lines, told apart by all eyes on a white ground.
var colours = []string{"#c2410c", "#1d4ed8", "#047857", "#7e22ce"}

// scale places sizes on a logarithmic axis from low to high.
type scale struct{ low, high float64 }

// newScale returns the one from the power of ten below all sizes to that above.
func newScale(lines []line) scale {
	s := scale{math.Inf(1), math.Inf(-1)}
	for _, l := range lines {
		for _, p := range l.points {
			size := math.Log10(float64(max(p.size, 1)))
			s.low, s.high = min(s.low, math.Floor(size)), max(s.high, math.Ceil(size))
		}
	}
	if s.high <= s.low {
		s.high = s.low + 1
	}
	return s
}

func (s scale) y(size float64) float64 {
	part := (math.Log10(max(size, 1)) - s.low) / (s.high - s.low)
	return plotBottom - part*(plotBottom-plotTop)
}

func (m *month) x(day float64) float64 {
	return plotLeft + day/float64(m.days)*(plotRight-plotLeft)
}

// plot draws the size of each repository over the days as SVG.
func (m *month) plot() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" fill="#222">
<title>Repository size over a month</title>
<rect width="100%%" height="100%%" fill="#fff"/>
`, plotWidth, plotHeight)
	text(&b, plotLeft, plotHeading, "start", fmt.Sprintf("Repository size: a database of %s, a backup every %s", humanize.Bytes(uint64(m.size)), period(m.every)))
	s := newScale(m.lines)
	s.axis(&b)
	m.axis(&b)
	for i, l := range m.lines {
		m.draw(&b, s, l, colours[i%len(colours)])
	}
	m.legend(&b)
	b.WriteString("</svg>\n")
	return b.String()
}

// axis draws a line across for 1, 2 and 5 of each power of ten.
func (s scale) axis(b *strings.Builder) {
	for power := s.low; power <= s.high; power++ {
		for _, n := range []float64{1, 2, 5} {
			size := n * math.Pow(10, power)
			if math.Log10(size) > s.high {
				break
			}
			rule(b, plotLeft, s.y(size), plotRight, s.y(size), "#ddd")
			text(b, plotLeft-8, s.y(size)+4, "end", sizeLabel(size))
		}
	}
}

// sizeLabel has a decimal unit, as the axis has powers of ten.
func sizeLabel(size float64) string {
	for _, unit := range []string{"B", "kB", "MB"} {
		if size < 1000 {
			return fmt.Sprintf("%g %s", math.Round(size), unit)
		}
		size /= 1000
	}
	return fmt.Sprintf("%g GB", math.Round(size))
}

// axis draws the days, up to ten of them named.
func (m *month) axis(b *strings.Builder) {
	step := max(1, (m.days+5)/10)
	for day := 0; day <= m.days; day += step {
		x := m.x(float64(day))
		rule(b, x, plotBottom, x, plotBottom+5, "#222")
		text(b, x, plotDays, "middle", fmt.Sprint(day))
	}
	rule(b, plotLeft, plotBottom, plotRight, plotBottom, "#222")
	rule(b, plotLeft, plotTop, plotLeft, plotBottom, "#222")
	text(b, (plotLeft+plotRight)/2, plotDays+20, "middle", "days")
}

func (m *month) draw(b *strings.Builder, s scale, l line, colour string) {
	fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="2" stroke-linejoin="round" points="`, colour)
	for i, p := range l.points {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(b, "%.1f,%.1f", m.x(p.day), s.y(float64(p.size)))
	}
	b.WriteString("\"/>\n")
}

// legend stands above the frame, where no line can be.
func (m *month) legend(b *strings.Builder) {
	for i, l := range m.lines {
		x := float64(plotLeft + i*plotEntry)
		fmt.Fprintf(b, `<rect x="%g" y="%d" width="24" height="3" fill="%s"/>`+"\n", x, plotLegend-6, colours[i%len(colours)])
		text(b, x+32, plotLegend, "start", l.title)
	}
}

func rule(b *strings.Builder, x1, y1, x2, y2 float64, colour string) {
	fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`+"\n", x1, y1, x2, y2, colour)
}

func text(b *strings.Builder, x, y float64, anchor, content string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", x, y, anchor, html.EscapeString(content))
}
