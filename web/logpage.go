package web

import (
	"strconv"

	"firn/access"
	"firn/web/work"
)

// logView is the page of what was changed, by whom, and how that ended.
type logView struct {
	Lines []logLine
	Older string // the link to what was before; "" for none
	First bool   // there is nothing newer
}

// logLine is a change, or a line of the log that is damaged.
type logLine struct {
	jobView
	Damaged string
}

// changesOnPage is how many changes a page of the log has.
const changesOnPage = 100

// logPage shows the log. It names other clients and their addresses, and what they did, so it is for those who may do everything.
func (c *call) logPage() error {
	before, err := strconv.ParseInt(c.query.Get("before"), 10, 64)
	if err != nil && c.query.Has("before") {
		return badRequest("before=%q: it is a place in the log", c.query.Get("before"))
	}
	part, err := c.v.o.Log.Read(before, changesOnPage, c.sees)
	if err != nil {
		return err
	}
	l := logView{First: before <= 0}
	for _, change := range part.Changes {
		if line, ok := c.newLogLine(change); ok {
			l.Lines = append(l.Lines, line)
		}
	}
	if part.Older > 0 {
		l.Older = "?before=" + strconv.FormatInt(part.Older, 10)
	}
	return c.show("log", "Log", l)
}

// newLogLine returns a line of the log, if the client may see it. A damaged line may be of any environment.
func (c *call) newLogLine(change access.Change) (logLine, bool) {
	if change.Damaged != "" {
		return logLine{Damaged: change.Damaged}, c.grant.Everything()
	}
	if j := c.v.board.Find(change.ID); j != nil && !change.Over {
		return logLine{jobView: c.newJobView(j.State(), true)}, true
	}
	return logLine{jobView: c.newJobView(work.Logged(change), false)}, true
}
