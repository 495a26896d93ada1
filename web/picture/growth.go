package picture

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"firn/report"
	"firn/snapshot"
)

// Growth is the size of a database over time, and what was stored for it.
type Growth struct {
	Size   string // points of the line of the database's size
	Area   string // the same, closed along the ground
	Stored string // points of the line of the bytes that were stored for the snapshots of the picture, from its left edge on
	Levels []Level
}

// Level is a size on the axis.
type Level struct {
	Y    float64
	Text string
}

// The place of the curves.
const (
	curveTop    = 16.0
	curveBottom = 106.0
	curveStep   = 1.5 // points that are nearer are left out
)

// newGrowth draws the sizes of snapshots, the newest first.
func newGrowth(s scale, shown []*snapshot.Snapshot) (g Growth) {
	var most, sum int64
	for _, snap := range shown {
		sum += snap.Added
		most = max(most, snap.Image().Size)
	}
	most = max(most, sum, 1)
	g.Levels = levels(most)
	var size, stored []string
	last, first := math.Inf(-1), left
	sum = 0
	for i, snap := range slices.Backward(shown) {
		sum += snap.Added
		x := s.x(snap.Time)
		if x-last < curveStep && i > 0 {
			continue
		}
		if last = x; len(size) == 0 {
			first = x
		}
		size = append(size, point(x, snap.Image().Size, most))
		stored = append(stored, point(x, sum, most))
	}
	g.Size, g.Stored = strings.Join(size, " "), strings.Join(stored, " ")
	if len(size) > 0 {
		g.Area = fmt.Sprintf("%.1f,%.1f %s %.1f,%.1f", first, curveBottom, g.Size, last, curveBottom)
	}
	return g
}

// point returns a point of a curve.
func point(x float64, size, most int64) string {
	return fmt.Sprintf("%.1f,%.1f", x, height(size, 0, most, curveTop, curveBottom))
}

// mostLevels is how many sizes the axis has at most, beside nothing.
const mostLevels = 4

// levels returns round sizes for the axis.
func levels(most int64) []Level {
	step := int64(1)
	for unit := int64(1); step*mostLevels < most; {
		for _, factor := range []int64{1, 2, 5, 10, 20, 50, 100, 200, 500} {
			if step = factor * unit; step*mostLevels >= most {
				break
			}
		}
		if unit > math.MaxInt64>>20 {
			break
		}
		unit <<= 10
	}
	all := []Level{{curveBottom, "0"}}
	for size := step; size <= most && size > 0; size += step {
		all = append(all, Level{height(size, 0, most, curveTop, curveBottom), strings.Replace(report.Size(size), ".0 ", " ", 1)})
	}
	return all
}

// height places a size between two heights. Equal sizes are in the middle.
func height(size, least, most int64, top, bottom float64) float64 {
	if most == least {
		return (top + bottom) / 2
	}
	return bottom - (bottom-top)*float64(size-least)/float64(most-least)
}
