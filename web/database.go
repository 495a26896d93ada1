package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"firn/config"
	"firn/report"
	"firn/session"
	"firn/snapshot"
	"firn/upkeep"
	"firn/web/condition"
	"firn/web/lists"
	"firn/web/picture"
	"firn/web/trial"
)

// databaseView is the page of an environment: its databases, each with its timeline and its snapshots.
type databaseView struct {
	Environment string
	Configured  bool // its database can be backed up and replaced
	Watched     bool // a watch takes its snapshots, and no run can meanwhile
	Undo        bool // there is something that an undo may put back
	Parts       []databasePart
}

// Single returns the only database, nil if there are several.
func (d databaseView) Single() *databasePart {
	if len(d.Parts) != 1 {
		return nil
	}
	return &d.Parts[0]
}

// databasePart is one database of an environment.
type databasePart struct {
	homeRow
	N        int // of the part on the page
	Known    bool
	Zoom     zoom
	Links    []zoomLink
	Timeline *picture.Timeline
	Window   picture.Span // from where to where every state is there; zero for none
	Hidden   []trial.Rule
	Trial    *trial.View
	Lines    []snapshotLine
	Going    string // the link to what rules would not keep alone
	All      string // the link to a line for each snapshot; "" if each has one
	More     string // the link to older ones; "" for none
}

// snapshotLine is a snapshot, or several of a watch.
type snapshotLine struct {
	*snapshot.Snapshot
	Count int
	Added int64
	Words []condition.Word
	Older string // the ID of the one before; "" for none
	Why   string // the rules that keep it
	Goes  bool
}

// linesOnPage is how many lines a page has.
const linesOnPage = 200

// asked is what the URL of the page of an environment asks for.
type asked struct {
	zoom zoom
	skip int
	all  bool // no snapshots are folded
	goes bool // only what rules of retention do not keep
	form *config.Keep
}

// databasePage shows an environment.
func (c *call) databasePage() error {
	env, err := c.environment()
	if err != nil {
		return err
	}
	var a asked
	if a, err = c.readAsked(); err != nil {
		return err
	}
	r, err := c.v.lists.Read(c.r.Context(), lists.Life)
	if err != nil {
		return err
	}
	st, err := c.statesOf(r)
	if err != nil {
		return err
	}
	d := databaseView{Environment: env, Configured: c.v.s.Conf.Knows(env)}
	own := session.Filter(r.All, snapshot.Filter{Environment: env})
	d.Undo = c.mayUndo(own, env)
	histories := snapshot.BySeries(own)
	for _, s := range st.States {
		if s.Environment != env {
			continue
		}
		d.Watched = d.Watched || s.Watch != nil && !s.Watch.Gone
		p, err := c.newPart(s, histories[snapshot.Series{Environment: env, Database: s.Database}], r.Retention(c.r.Context()), a)
		if err != nil {
			return err
		}
		p.N = len(d.Parts)
		d.Parts = append(d.Parts, p)
	}
	return c.show("database", env, d, crumb{"All databases", "/"})
}

// readAsked reads the URL.
func (c *call) readAsked() (a asked, err error) {
	if a.zoom, err = c.readZoom(); err != nil {
		return a, err
	}
	if a.skip, err = c.number("skip", 0, 1<<30); err != nil {
		return a, err
	}
	a.all, a.goes = c.query.Has("all"), c.query.Has(trial.Goes)
	if a.form, err = trial.Form(c.query); err != nil {
		err = badRequest("%w", err)
	}
	return a, err
}

// newPart fills a [databasePart] with some lines of a history, the newest first.
func (c *call) newPart(st upkeep.State, history []*snapshot.Snapshot, rules upkeep.Rules, a asked) (p databasePart, err error) {
	p = databasePart{homeRow: newHomeRow(st, session.OfBackups(history), c.v.s.Now()), Known: st.Newest != nil, Zoom: a.zoom}
	if p.Trial, err = c.try(rules, history, a.form); err != nil {
		return p, err
	}
	p.draw(history, c.v.s.Now(), c.v.s.Zone)
	part := a.zoom.cut(history)
	if a.goes {
		part = slices.DeleteFunc(part, func(s *snapshot.Snapshot) bool { return p.Trial.Keeps(s) })
	}
	folds := snapshot.Unfolded(part)
	if !a.all {
		folds = snapshot.FoldRounds(part, c.v.s.Now(), c.v.s.Zone)
		p.All = a.zoom.with("all", "1")
	}
	if p.Trial.Gone > 0 && !a.goes {
		p.Going = a.zoom.with(trial.Goes, "1")
	}
	older := make(map[snapshot.ID]string, len(history))
	for i := range len(history) - 1 {
		older[history[i].ID] = history[i+1].ID.String()
	}
	skip := min(a.skip, len(folds))
	end := min(skip+linesOnPage, len(folds))
	for _, f := range folds[skip:end] {
		line := snapshotLine{Snapshot: f.Newest(), Count: len(f), Added: f.Added(), Words: c.wordsOf(f.Newest()), Older: older[f.Oldest().ID]}
		line.Why, line.Goes = p.Trial.Why(f)
		p.Lines = append(p.Lines, line)
	}
	if end < len(folds) {
		p.More = a.zoom.with("skip", itoa(end))
	}
	return p, nil
}

// mostWeighed is how many snapshots are looked at for what their removal would free: each takes a reading of its list.
const mostWeighed = 2000

// try applies the rules of the form, or those that hold, to the snapshots of a database.
func (c *call) try(rules upkeep.Rules, own []*snapshot.Snapshot, form *config.Keep) (*trial.View, error) {
	view, tried, err := trial.New(rules, own, form, c.v.s.Now())
	if err == nil && tried != nil {
		view.Text, err = c.outcome(tried)
	}
	return view, err
}

// outcome says in a sentence what rules would do.
func (c *call) outcome(t *upkeep.Trial) (string, error) {
	n := len(t.Decisions)
	if len(t.Gone) == 0 {
		return fmt.Sprintf("These rules would keep all %d copies.", n), nil
	}
	text := fmt.Sprintf("These rules would keep %d of %d copies; %d would go", len(t.Kept), n, len(t.Gone))
	if n > mostWeighed {
		return text + ".", nil
	}
	var frees int64
	err := c.bounded(func(ctx context.Context) (err error) { frees, err = t.Frees(ctx, c.v.s); return err })
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, and a prune would free up to %s.", text, report.Size(frees)), nil
}

// draw draws the timeline.
func (p *databasePart) draw(history []*snapshot.Snapshot, now time.Time, zone *time.Location) {
	for name, values := range p.Zoom.values() {
		if !strings.HasPrefix(name, trial.Prefix) && name != trial.Goes {
			p.Hidden = append(p.Hidden, trial.Rule{Name: name, Value: values[0]})
		}
	}
	slices.SortFunc(p.Hidden, func(a, b trial.Rule) int { return strings.Compare(a.Name, b.Name) })
	if len(history) == 0 {
		return
	}
	backups := session.OfBackups(history)
	h := picture.History{Snapshots: history, Now: now, Zone: zone, Part: p.Zoom.Span, Link: p.Zoom.to}
	if window, ok := p.State.Window(backups, now); ok {
		p.Window = picture.Span(window)
	}
	h.Watched = p.Window
	for _, hole := range p.State.Holes(backups, now) {
		h.Holes = append(h.Holes, picture.Span(hole))
	}
	p.Timeline = picture.NewTimeline(h)
	p.Links = p.Zoom.Links(history[len(history)-1].Time, now)
}

// wordsOf returns what a person should know of a snapshot before using it.
func (c *call) wordsOf(s *snapshot.Snapshot) (all []condition.Word) {
	add := func(is bool, name, class string) {
		if is {
			all = append(all, condition.Word{Name: name, Class: class})
		}
	}
	add(s.Ahead(c.v.s.Now()), "time to come", "warn")
	add(s.Verified != nil && !s.Verified.Sound(), "unsound", "bad")
	add(len(s.Suspect) > 0, "suspect", "warn")
	add(s.Verified.Sound() && s.Verified != s.Proof, "verified", "good") // that a backup has proven its snapshot is usual
	add(s.Pinned, "pinned", "quiet")
	add(session.PreRestore(s), "before a restore", "quiet")
	add(s.Unchanged, "unchanged", "quiet")
	return all
}

// neighbours returns the snapshots before and after one in its series, nil for none.
func (c *call) neighbours(known *session.Catalog, snap *snapshot.Snapshot) (older, newer *snapshot.Snapshot) {
	history := snapshot.BySeries(c.visible(known.All))[snap.Series()]
	i := slices.IndexFunc(history, func(s *snapshot.Snapshot) bool { return s.ID == snap.ID })
	if i > 0 {
		newer = history[i-1]
	}
	if i >= 0 && i+1 < len(history) {
		older = history[i+1]
	}
	return older, newer
}

// newestOf returns the newest snapshot of a series that is not later than now.
func (c *call) newestOf(known *session.Catalog, snap *snapshot.Snapshot) *snapshot.Snapshot {
	for _, s := range snapshot.BySeries(c.visible(known.All))[snap.Series()] {
		if !s.Ahead(c.v.s.Now()) {
			return s
		}
	}
	return snap
}
