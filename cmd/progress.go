package cmd

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"firn/internal/layout"
	"firn/report"
)

const (
	barEvery = 100 * time.Millisecond
	// barDelay is the time before a bar is drawn. A short step would only make it flicker.
	barDelay = 500 * time.Millisecond
	// barLeast and barMost are the limits of the width of the bar itself. A narrower bar would show too little.
	barLeast, barMost = 10, 40
)

// bar shows the progress of a long step on one line of a terminal, which it overwrites again and again. It uses ASCII without
// colours, so any terminal shows it. A nil bar shows nothing. Several goroutines may call its methods at once.
type bar struct {
	cli   *cli
	label string

	mu      sync.Mutex
	total   int64 // in bytes; 0 if not known
	pace    pace
	next    time.Time // the time of the next drawing
	visible bool
}

// progress starts a bar if standard error is a terminal, and otherwise returns nil.
func (c *cli) progress(label string, total int64) *bar {
	if c.flags.quiet || c.json || !isTerminal(c.stderr) || c.program.Getenv("TERM") == "dumb" {
		return nil
	}
	b := c.newBar(label, total)
	c.bar.Store(b)
	return b
}

// newBar returns a bar for a step with a total in bytes.
func (c *cli) newBar(label string, total int64) *bar {
	now := c.program.Now()
	return &bar{cli: c, label: inLine(label), total: total, pace: pace{at: now}, next: now.Add(barDelay)}
}

// Set sets the number of bytes that are done.
func (b *bar) Set(n int64) {
	if b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.draw(n)
	}
}

// SetTotal is Set for work whose size was not known at its start.
func (b *bar) SetTotal(n, total int64) {
	if b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.total = total
		b.draw(n)
	}
}

// draw draws the bar if it is time for that.
func (b *bar) draw(n int64) {
	now := b.cli.program.Now()
	if now.Before(b.next) {
		return
	}
	b.pace.add(n, now)
	b.next, b.visible = now.Add(barEvery), true
	// The last column stays empty, since some terminals begin a new line after it.
	_ = b.cli.stderr.redraw(barLine(b.label, n, b.total, b.pace.rate, terminalWidth(b.cli.stderr)-1)) // a bar is not worth an error
}

// hide removes the bar from its line, for a message. The next drawing shows the bar again.
func (b *bar) hide() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.visible {
		_ = b.cli.stderr.redraw("")
		b.visible = false
	}
}

// Done ends the bar and removes it from its line.
func (b *bar) Done() {
	if b != nil {
		b.cli.bar.CompareAndSwap(b, nil)
		b.hide()
	}
}

// barLine returns the text of the line. It leaves out the less important parts that do not fit into width characters.
func barLine(label string, n, total int64, rate float64, width int) string {
	share := 0.0
	texts := []string{label, "", report.Size(n), report.Size(int64(rate)) + "/s", ""}
	if total > 0 {
		share = min(1, float64(n)/float64(total))
		texts[1] = fmt.Sprintf("%3.0f%%", 100*share)
		texts[2] += " of " + report.Size(total)
	}
	if rate > 0 && n < total {
		texts[4] = remaining(float64(total-n)/rate) + " left"
	}
	const name, amount, speed, left = 0, 2, 3, 4
	order := []int{amount, speed, left, name} // the order in which parts are left out
	if total == 0 {
		order = []int{speed, name}
	}
	for len(order) > 0 && lineWidth(texts) > width {
		texts[order[0]], order = "", order[1:]
	}
	if room := min(barMost, width-lineWidth(texts)-layout.Gap-len("[]")); total > 0 && room >= barLeast {
		filled := int(share * float64(room))
		texts[0] += fmt.Sprintf("  [%s%s]", strings.Repeat("=", filled), strings.Repeat(" ", room-filled))
	}
	return joinTexts(texts)
}

// joinTexts joins texts as columns and leaves out empty texts.
func joinTexts(texts []string) string {
	var b strings.Builder
	for _, t := range texts {
		if t != "" {
			b.WriteString(strings.Repeat(" ", layout.Gap*min(1, b.Len())) + t)
		}
	}
	return b.String()
}

// lineWidth returns the width of joined texts.
func lineWidth(texts []string) int { return textWidth(joinTexts(texts)) }

// remaining formats a time for people, rounded to seconds, or to minutes if it is long.
func remaining(seconds float64) string {
	if seconds > math.MaxInt32 {
		return "years"
	}
	d := time.Duration(math.Ceil(seconds)) * time.Second
	if d >= time.Hour {
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return d.String()
}

// pace is a mean speed in which older progress counts less.
type pace struct {
	n    int64
	at   time.Time
	rate float64 // per second
}

// paceSpan is the age at which progress counts about a third.
const paceSpan = 5 * time.Second

// add adds the number of bytes that are done so far. A smaller number than before starts a new mean.
func (p *pace) add(n int64, now time.Time) {
	took := now.Sub(p.at)
	if n < p.n {
		*p = pace{}
	}
	current := float64(n-p.n) / max(took, time.Millisecond).Seconds()
	if p.rate == 0 {
		p.rate = current
	}
	p.rate += (current - p.rate) * (1 - math.Exp(-float64(took)/float64(paceSpan)))
	p.n, p.at = n, now
}
