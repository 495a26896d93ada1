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
	// barDelay spares whoever has not to wait a flicker.
	barDelay = 500 * time.Millisecond
	// The bar itself is between so wide; narrower ones tell nothing.
	barLeast, barMost = 10, 40
)

// bar shows how far a long step is, on a line of a terminal that is written over and
// over. It is ASCII and without colour, so that any terminal shows it. A nil bar shows
// nothing. Methods may be called by several goroutines.
type bar struct {
	cli   *cli
	label string

	mu      sync.Mutex
	total   int64 // bytes; 0: not known
	pace    pace
	next    time.Time // when to draw it again
	visible bool
}

// progress starts a bar on a terminal; elsewhere it returns nil.
func (c *cli) progress(label string, total int64) *bar {
	if c.flags.quiet || c.json || !isTerminal(c.stderr) || c.program.Getenv("TERM") == "dumb" {
		return nil
	}
	b := c.newBar(label, total)
	c.bar.Store(b)
	return b
}

func (c *cli) newBar(label string, total int64) *bar {
	now := c.program.Now()
	return &bar{cli: c, label: inLine(label), total: total, pace: pace{at: now}, next: now.Add(barDelay)}
}

// Set tells how many bytes are done.
func (b *bar) Set(n int64) {
	if b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.draw(n)
	}
}

// SetTotal is Set for work whose size shows only on the way.
func (b *bar) SetTotal(n, total int64) {
	if b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.total = total
		b.draw(n)
	}
}

func (b *bar) draw(n int64) {
	now := b.cli.program.Now()
	if now.Before(b.next) {
		return
	}
	b.pace.add(n, now)
	b.next, b.visible = now.Add(barEvery), true
	// One column less than there are: some terminals begin a new line in the last one.
	_ = b.cli.stderr.redraw(barLine(b.label, n, b.total, b.pace.rate, terminalWidth(b.cli.stderr)-1)) // a bar is not worth an error
}

// hide removes the bar until it is drawn again: something else is about to be written.
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

// Done ends the bar, so that what comes next stands in its place.
func (b *bar) Done() {
	if b != nil {
		b.cli.bar.CompareAndSwap(b, nil)
		b.hide()
	}
}

// barLine returns the line without what does not fit into width characters.
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
	order := []int{amount, speed, left, name} // in which they can be spared
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

// joinTexts leaves out the empty ones.
func joinTexts(texts []string) string {
	var b strings.Builder
	for _, t := range texts {
		if t != "" {
			b.WriteString(strings.Repeat(" ", layout.Gap*min(1, b.Len())) + t)
		}
	}
	return b.String()
}

func lineWidth(texts []string) int { return textWidth(joinTexts(texts)) }

// remaining returns a time for people, not more exactly than it can be known.
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

// pace is how fast something goes: a mean in which what is older counts less.
type pace struct {
	n    int64
	at   time.Time
	rate float64 // per second
}

// paceSpan is after how long something counts about a third.
const paceSpan = 5 * time.Second

// add tells what was done so far. Less than before is a new beginning.
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
