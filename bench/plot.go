package main

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize"

	"firn/internal/svg"
)

// The sizes of the plot, its frame, its heading and its legend, in pixels.
const (
	plotWidth, plotHeight = 800, 420
	plotLeft, plotRight   = 80, 780
	plotTop, plotBottom   = 60, 370

	plotHeading, plotLegend = 22, 46 // above the frame
	plotEntry               = 350    // width of a legend's entry
	plotDays                = plotBottom + 20
)

// scale places sizes on a logarithmic axis from low to high.
type scale struct{ low, high float64 }

// newScale returns a scale from the power of ten below all sizes to the power of ten above.
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
	d := svg.New("Repository size over a month", plotWidth, plotHeight)
	d.Text(svg.Point{X: plotLeft, Y: plotHeading}, "start",
		fmt.Sprintf("Repository size: a database of %s, a backup every %s", humanize.Bytes(uint64(m.size)), period(m.every)))
	s := newScale(m.lines)
	s.axis(d)
	m.axis(d)
	for i, l := range m.lines {
		m.draw(d, s, i, l)
	}
	m.legend(d)
	return d.End()
}

// axis draws a line across for 1, 2 and 5 of each power of ten.
func (s scale) axis(d *svg.Drawing) {
	for power := s.low; power <= s.high; power++ {
		for _, n := range []float64{1, 2, 5} {
			size := n * math.Pow(10, power)
			if math.Log10(size) > s.high {
				break
			}
			d.Line(svg.Point{X: plotLeft, Y: s.y(size)}, svg.Point{X: plotRight, Y: s.y(size)}, svg.Pale)
			d.Text(svg.Point{X: plotLeft - 8, Y: s.y(size) + 4}, "end", sizeLabel(size))
		}
	}
}

// sizeLabel writes a size with a decimal unit, because the axis has powers of ten.
func sizeLabel(size float64) string {
	for _, unit := range []string{"B", "kB", "MB"} {
		if size < 1000 {
			return fmt.Sprintf("%g %s", math.Round(size), unit)
		}
		size /= 1000
	}
	return fmt.Sprintf("%g GB", math.Round(size))
}

// axis draws the axis of days, with at most ten labels.
func (m *month) axis(d *svg.Drawing) {
	step := max(1, (m.days+5)/10)
	for day := 0; day <= m.days; day += step {
		x := m.x(float64(day))
		d.Line(svg.Point{X: x, Y: plotBottom}, svg.Point{X: x, Y: plotBottom + 5}, svg.Ink)
		d.Text(svg.Point{X: x, Y: plotDays}, "middle", fmt.Sprint(day))
	}
	d.Line(svg.Point{X: plotLeft, Y: plotBottom}, svg.Point{X: plotRight, Y: plotBottom}, svg.Ink)
	d.Line(svg.Point{X: plotLeft, Y: plotTop}, svg.Point{X: plotLeft, Y: plotBottom}, svg.Ink)
	d.Text(svg.Point{X: (plotLeft + plotRight) / 2, Y: plotDays + 20}, "middle", "days")
}

func (m *month) draw(d *svg.Drawing, s scale, i int, l line) {
	var points []svg.Point
	for _, p := range l.points {
		points = append(points, svg.Point{X: m.x(p.day), Y: s.y(float64(p.size))})
	}
	d.Curve(i, points...)
}

// legend draws the legend above the frame, where no curve can be.
func (m *month) legend(d *svg.Drawing) {
	for i, l := range m.lines {
		x := float64(plotLeft + i*plotEntry)
		d.Curve(i, svg.Point{X: x, Y: plotLegend - 4}, svg.Point{X: x + 24, Y: plotLegend - 4})
		d.Text(svg.Point{X: x + 32, Y: plotLegend}, "start", l.title)
	}
}
