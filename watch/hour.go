package watch

import (
	"fmt"
	"time"

	"firn/repo"
	"firn/report"
)

// hour is what has happened since the last line of summary.
type hour struct {
	timer
	rounds    int
	databases map[*database]bool // that were stored
	bytes     int64
	forgotten int
	behind    time.Duration // at most
}

// took counts a round that was stored.
func (h *hour) took(result *repo.RoundResult) { h.bytes += result.Size }

// stored counts a database that was stored.
func (h *hour) stored(d *database) {
	if h.databases == nil {
		h.databases = map[*database]bool{}
	}
	h.databases[d] = true
}

// lagged notes how far behind a database was before its state up to a time was stored.
func (h *hour) lagged(d *database, upTo time.Time) {
	if !d.stored.IsZero() {
		h.behind = max(h.behind, upTo.Sub(d.stored))
	}
}

// summarize tells once an hour what was done.
func (w *Watch) summarize(now instant) {
	h := &w.hour
	if h.next == 0 {
		h.set(now, time.Hour)
	}
	if !h.due(now) {
		return
	}
	w.tell(Fact, kindHour, "last hour: %s, %s, %s, %.1f s behind at most", count(h.rounds, "round"), report.Plural(len(h.databases), "database"),
		report.Size(h.bytes), h.behind.Seconds())
	*h = hour{}
	h.set(now, time.Hour)
}

// count is [report.Plural] with commas between thousands.
func count(n int, noun string) string {
	if n < 1000 {
		return report.Plural(n, noun)
	}
	return fmt.Sprintf("%s,%03d %ss", thousands(n/1000), n%1000, noun)
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
