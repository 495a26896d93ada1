package cmd

import (
	"fmt"
	"html"
	"math/bits"
	"os"
	"strings"
	"time"
)

// curve is a size over time, the oldest point first.
type curve struct {
	name   string
	points []point
}

type point struct {
	time time.Time
	size int64
}

// The plot's size, its frame, and what stands around that, in pixels.
const (
	plotWidth, plotRight  = 800, 750
	plotLeft, plotTop     = 90, 50
	plotBottom, plotLine  = 350, 18 // height of a line of the legend
	plotTimes, plotSteps  = 5, 6    // labels of the axes, at most
	plotMargin, plotTitle = 20, 24
)

// plotColours of the lines are told apart by all eyes on a white ground; more lines use
// them again, dashed.
func plotColours() []string { return []string{"#c2410c", "#1d4ed8", "#047857", "#7e22ce", "#525252"} }

// plot draws curves of sizes as SVG.
type plot struct {
	strings.Builder
	curves      []curve
	first, last time.Time
	step, top   int64 // of the axis of sizes
	zone        *time.Location
}

// writePlot draws into a file.
func (c *cli) writePlot(path string, curves []curve) error {
	p := &plot{curves: curves, zone: c.zone}
	p.draw()
	if err := os.WriteFile(path, []byte(p.String()), 0o644); err != nil {
		return fmt.Errorf("write plot: %w", err)
	}
	c.note("Wrote %s", path)
	return nil
}

func (p *plot) draw() {
	p.measure()
	height := plotBottom + 3*plotMargin + plotLine*len(p.curves)
	fmt.Fprintf(p, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" fill="#222">
<title>Database sizes over time</title>
<rect width="100%%" height="100%%" fill="#fff"/>
`, plotWidth, height)
	p.text(plotLeft, plotTitle, "start", "Size of the database in each snapshot")
	for size := int64(0); size <= p.top; size += p.step {
		p.rule(plotLeft, p.y(size), plotRight, p.y(size), "#ddd")
		p.text(plotLeft-8, p.y(size)+4, "end", sizeLabel(size))
	}
	for i := range plotTimes {
		at := p.first.Add(p.last.Sub(p.first) / (plotTimes - 1) * time.Duration(i))
		p.rule(p.x(at), plotBottom, p.x(at), plotBottom+5, "#222")
		p.text(p.x(at), plotBottom+plotMargin, "middle", at.In(p.zone).Format(p.layout()))
	}
	p.rule(plotLeft, plotBottom, plotRight, plotBottom, "#222")
	p.rule(plotLeft, plotTop, plotLeft, plotBottom, "#222")
	for i, c := range p.curves {
		p.line(i, c)
	}
	p.WriteString("</svg>\n")
}

// measure finds the axes' ends. The lower one of sizes is 0: else a little growth would
// look like much.
func (p *plot) measure() {
	for _, c := range p.curves {
		for _, at := range c.points {
			if p.first.IsZero() || at.time.Before(p.first) {
				p.first = at.time
			}
			if at.time.After(p.last) {
				p.last = at.time
			}
			p.top = max(p.top, at.size)
		}
	}
	if !p.last.After(p.first) {
		p.last = p.first.Add(time.Hour)
	}
	p.step = int64(1) << bits.Len64(uint64(max(p.top-1, 1)/plotSteps))
	p.top = max(1, (p.top+p.step-1)/p.step) * p.step
}

func (p *plot) x(at time.Time) float64 {
	return plotLeft + float64(at.Sub(p.first))/float64(p.last.Sub(p.first))*(plotRight-plotLeft)
}

func (p *plot) y(size int64) float64 {
	return plotBottom - float64(size)/float64(p.top)*(plotBottom-plotTop)
}

// sizeLabel is [size] of a power of two or some of them, without ".0".
func sizeLabel(n int64) string { return strings.Replace(size(n), ".0 ", " ", 1) }

// layout is for the labels of times.
func (p *plot) layout() string {
	if p.last.Sub(p.first) < 2*24*time.Hour {
		return "Jan 2 15:04"
	}
	return time.DateOnly
}

// line draws a curve, and its name in the legend.
func (p *plot) line(i int, c curve) {
	colours := plotColours()
	style := fmt.Sprintf(`stroke="%s" stroke-width="2"`, colours[i%len(colours)])
	if i >= len(colours) {
		style += ` stroke-dasharray="6 4"`
	}
	fmt.Fprintf(p, `<polyline fill="none" stroke-linejoin="round" %s points="`, style)
	for _, at := range c.points {
		fmt.Fprintf(p, "%.1f,%.1f ", p.x(at.time), p.y(at.size))
	}
	y := float64(plotBottom + 2*plotMargin + plotLine*(i+1))
	fmt.Fprintf(p, `"/>`+"\n"+`<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" %s/>`+"\n", plotLeft, y-4, plotLeft+24, y-4, style)
	p.text(plotLeft+32, y, "start", c.name)
}

func (p *plot) rule(x1, y1, x2, y2 float64, colour string) {
	fmt.Fprintf(p, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`+"\n", x1, y1, x2, y2, colour)
}

func (p *plot) text(x, y float64, anchor, content string) {
	fmt.Fprintf(p, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", x, y, anchor, html.EscapeString(strings.Map(harmless, content)))
}

// sparkline shows the course of sizes in up to width characters, from the smallest to
// the largest of them.
func sparkline(sizes []int64, width int, utf8 bool) string {
	if len(sizes) < 2 {
		return ""
	}
	levels := []rune("▁▂▃▄▅▆▇█")
	if !utf8 {
		levels = []rune("_.-~=+*#")
	}
	low, high := sizes[0], sizes[0]
	for _, s := range sizes {
		low, high = min(low, s), max(high, s)
	}
	width = min(width, len(sizes))
	var b strings.Builder
	for i := range width {
		// The last of each share, so that the line ends with the newest.
		s := sizes[(i+1)*len(sizes)/width-1]
		level := 0
		if high > low {
			level = int(float64(s-low) / float64(high-low) * float64(len(levels)-1))
		}
		b.WriteRune(levels[level])
	}
	return b.String()
}
