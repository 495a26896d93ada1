package cmd

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"firn/internal/svg"
	"firn/report"
	"firn/site"
)

// curve is a size over time, the oldest point first.
type curve struct {
	name   string
	points []point
}

// point is a size at a time.
type point struct {
	time time.Time
	size int64
}

// The size of the plot, its frame and the room around it, in pixels.
const (
	plotWidth, plotRight  = 800, 750
	plotLeft, plotTop     = 90, 50
	plotBottom, plotLine  = 350, 18 // height of a line of the legend
	plotTimes, plotSteps  = 5, 6    // labels of the axes, at most
	plotMargin, plotTitle = 20, 24
)

// plot draws curves of sizes as SVG.
type plot struct {
	*svg.Drawing
	curves      []curve
	first, last time.Time
	step, top   int64 // of the axis of sizes
	zone        *time.Location
}

// writePlot draws curves into a file. After an error the old file is still there.
func (c *cli) writePlot(path string, curves []curve) error {
	p := &plot{curves: curves, zone: c.program.Zone}
	if err := site.ReplaceFile(path, p.draw()); err != nil {
		return fmt.Errorf("write plot: %w", err)
	}
	c.note("Wrote %s", path)
	return nil
}

// draw returns the plot as SVG.
func (p *plot) draw() string {
	p.measure()
	p.Drawing = svg.New("Database sizes over time", plotWidth, plotBottom+3*plotMargin+plotLine*len(p.curves))
	p.Text(svg.Point{X: plotLeft, Y: plotTitle}, "start", "Size of the database in each snapshot")
	for size := int64(0); size <= p.top; size += p.step {
		p.Line(svg.Point{X: plotLeft, Y: p.y(size)}, svg.Point{X: plotRight, Y: p.y(size)}, svg.Pale)
		p.Text(svg.Point{X: plotLeft - 8, Y: p.y(size) + 4}, "end", sizeLabel(size))
	}
	for i := range plotTimes {
		at := p.first.Add(p.last.Sub(p.first) / (plotTimes - 1) * time.Duration(i))
		p.Line(svg.Point{X: p.x(at), Y: plotBottom}, svg.Point{X: p.x(at), Y: plotBottom + 5}, svg.Ink)
		p.Text(svg.Point{X: p.x(at), Y: plotBottom + plotMargin}, "middle", at.In(p.zone).Format(p.layout()))
	}
	corner := svg.Point{X: plotLeft, Y: plotBottom}
	p.Line(corner, svg.Point{X: plotRight, Y: plotBottom}, svg.Ink)
	p.Line(svg.Point{X: plotLeft, Y: plotTop}, corner, svg.Ink)
	for i, c := range p.curves {
		p.curve(i, c)
	}
	return p.End()
}

// measure finds the ends of the axes. The axis of sizes begins at 0, since otherwise a small growth would look large.
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

// x returns the horizontal place of a time.
func (p *plot) x(at time.Time) float64 {
	return plotLeft + float64(at.Sub(p.first))/float64(p.last.Sub(p.first))*(plotRight-plotLeft)
}

// y returns the vertical place of a size.
func (p *plot) y(size int64) float64 {
	return plotBottom - float64(size)/float64(p.top)*(plotBottom-plotTop)
}

// sizeLabel formats a multiple of a power of two for people, without ".0".
func sizeLabel(n int64) string { return strings.Replace(report.Size(n), ".0 ", " ", 1) }

// layout returns the layout for the labels of times: with hours if the axis is short.
func (p *plot) layout() string {
	if p.last.Sub(p.first) < 2*24*time.Hour {
		return "Jan 2 15:04"
	}
	return time.DateOnly
}

// curve draws a curve and its line in the legend.
func (p *plot) curve(i int, c curve) {
	var points []svg.Point
	for _, at := range c.points {
		points = append(points, svg.Point{X: p.x(at.time), Y: p.y(at.size)})
	}
	p.Curve(i, points...)
	y := float64(plotBottom + 2*plotMargin + plotLine*(i+1))
	p.Curve(i, svg.Point{X: plotLeft, Y: y - 4}, svg.Point{X: plotLeft + 24, Y: y - 4})
	p.Text(svg.Point{X: plotLeft + 32, Y: y}, "start", c.name)
}

// sparkline draws sizes over time in up to width characters. The lowest character stands for the smallest size and the highest
// for the largest.
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
		// Each character shows the last of its sizes, so the line ends with the newest.
		s := sizes[(i+1)*len(sizes)/width-1]
		level := 0
		if high > low {
			level = int(float64(s-low) / float64(high-low) * float64(len(levels)-1))
		}
		b.WriteRune(levels[level])
	}
	return b.String()
}
