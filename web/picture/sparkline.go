package picture

import (
	"fmt"
	"math"
	"strings"

	"firn/snapshot"
)

// The line of a row on the first page.
const (
	sparkWidth  = 72.0
	sparkHeight = 20.0
	sparkPoints = 32
)

// Sparkline returns the points of the line of a database's size, "" for a history with less than two snapshots.
func Sparkline(history []*snapshot.Snapshot) string {
	if len(history) < 2 {
		return ""
	}
	least, most := sizes(history)
	n := min(len(history), sparkPoints)
	points := make([]string, n)
	for i := range n {
		snap := history[len(history)-1-i*(len(history)-1)/(n-1)]
		points[i] = fmt.Sprintf("%.1f,%.1f", 1+float64(i)*(sparkWidth-2)/float64(n-1), height(snap.Image().Size, least, most, 2, sparkHeight-2))
	}
	return strings.Join(points, " ")
}

// sizes returns the smallest and the largest size of a history.
func sizes(history []*snapshot.Snapshot) (least, most int64) {
	least = math.MaxInt64
	for _, s := range history {
		least, most = min(least, s.Image().Size), max(most, s.Image().Size)
	}
	return least, most
}
