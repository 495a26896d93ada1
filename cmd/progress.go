package cmd

import (
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bar shows how far a long step is. A nil bar shows nothing.
type bar struct {
	container *mpb.Progress
	bar       *mpb.Bar
}

// progress starts a bar on a terminal; elsewhere it returns nil.
func (c *cli) progress(label string, total int64) *bar {
	if c.flags.quiet || c.json || !isTerminal(c.stderr) {
		return nil
	}
	p := mpb.New(mpb.WithOutput(c.stderr), mpb.WithWidth(64))
	b := p.AddBar(total,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(label+" "), decor.CountersKibiByte("% .1f / % .1f")),
		mpb.AppendDecorators(
			decor.AverageSpeed(decor.SizeB1024(0), "% .1f"),
			decor.Name(", "), decor.AverageETA(decor.ET_STYLE_GO), decor.Name(" left")))
	return &bar{p, b}
}

// set tells how many bytes are done. The last one does not complete the bar:
// the total is an estimate, and done ends it.
func (b *bar) set(n int64) {
	if b != nil {
		b.bar.SetCurrent(n)
	}
}

// setTotal is set for work whose size shows only on the way.
func (b *bar) setTotal(n, total int64) {
	if b != nil {
		b.bar.SetTotal(total, false)
		b.bar.SetCurrent(n)
	}
}

// done removes the bar, so that what comes next stands in its place.
func (b *bar) done() {
	if b != nil {
		b.bar.Abort(true)
		b.container.Wait()
	}
}
