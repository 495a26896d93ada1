package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"firn/answer"
	"firn/diff"
	"firn/outcome"
	"firn/report"
	"firn/rowrestore"
	"firn/snapshot"
	"firn/sqlite"
	"firn/web/change"
	"firn/web/condition"
	"firn/web/shown"
)

// rowSource reads what an order of rows is about, bounded as queries are.
type rowSource struct {
	c    *call
	snap *snapshot.Snapshot
}

// View calls a function with the database of the snapshot.
func (s rowSource) View(use func(*sqlite.View) error) error {
	return s.c.withView(s.snap, longestValue, func(_ context.Context, v *sqlite.View) error { return use(v) })
}

// Differing calls each with the rows of a table that differ in another snapshot.
func (s rowSource) Differing(other, table string, each func(diff.Row) error) error {
	to, err := s.c.find(other)
	if err != nil {
		return err
	}
	return s.c.withComparison(s.snap, to, func(ctx context.Context, opened *diff.Comparison) error {
		_, err := opened.Rows(ctx, table, each)
		return err
	})
}

// plannedRows is a restore of rows that is planned.
type plannedRows struct {
	change.Rows
	plan     *rowrestore.Plan
	warnings []string
}

// planRows plans an order.
func (c *call) planRows(o change.RowOrder) (p *plannedRows, err error) {
	p = &plannedRows{Rows: change.Rows{Limit: c.v.o.Limits.QueryTime}}
	if p.Environment, err = c.environment(); err != nil {
		return nil, err
	}
	if p.Snapshot, err = c.find(o.Snapshot); err != nil {
		return nil, err
	}
	if p.Request, err = o.Request(rowSource{c, p.Snapshot}); err != nil {
		return nil, err
	}
	var told report.Collector
	s := c.v.s.WithReporter(told.Reporter())
	err = c.bounded(func(ctx context.Context) (err error) { p.plan, err = p.Plan(ctx, s); return err })
	p.warnings = told.Warnings()
	return p, err
}

// message returns the plan for JSON.
func (c *call) message(p *plannedRows) answer.RowPlan {
	return answer.NewRowPlan(p.plan, p.warnings, c.v.o.Limits.QueryRows, c.v.o.Limits.QueryBytes)
}

// restoreRows plans a restore of rows. It runs the plan if the client shows by the fingerprint that it has seen the same one.
func (c *call) restoreRows() (err error) {
	var o change.RowOrder
	if err := c.readJSON(&o); err != nil {
		return err
	}
	o.Whole = true
	p, err := c.planRows(o)
	switch {
	case err != nil:
		return err
	case o.Fingerprint == "":
		return c.sendJSON(c.message(p))
	case o.Fingerprint != p.plan.Fingerprint():
		return &refusal{http.StatusConflict, outcome.Failed("Look at the new plan.", "%w", change.ErrOtherPlan), c.message(p)}
	}
	return c.carryOut(p.Run(o.Fingerprint))
}

// rowPlanView is the page of a plan of rows.
type rowPlanView struct {
	shown.Plan
	Environment string
	Words       []condition.Word
	Form        url.Values // what the form brings along unseen
	Modes       []shown.Mode
	Order       change.RowOrder
	Remarks     []rowrestore.Remark
	Warnings    []string
	Fingerprint string
	Trouble     *Problem // why nothing was done; nil for a plan alone
	Show, Run   string   // the addresses of the form
}

// rowPlanPage shows what a restore of rows would do, or sends its script.
func (c *call) rowPlanPage() error {
	if err := c.readForm(); err != nil {
		return err
	}
	o, along := change.ReadRowForm(c.query, c.r.PostForm)
	p, err := c.planRows(o)
	if err != nil {
		return err
	}
	if c.r.PostForm.Get("format") != "sql" {
		return c.showRowPlan(p, o, along, nil)
	}
	script, err := p.plan.Script(c.v.o.Limits.QueryBytes)
	if err != nil {
		return err
	}
	setFileName(c.w.Header(), p.Snapshot, "sql")
	c.send(http.StatusOK, "application/sql", script)
	return nil
}

// showRowPlan shows a plan, with the reason why it was not run, nil for a plan alone.
func (c *call) showRowPlan(p *plannedRows, o change.RowOrder, along url.Values, refused error) error {
	v := rowPlanView{
		Plan: shown.NewPlan(p.plan), Environment: p.Environment, Words: c.wordsOf(p.Snapshot), Form: along, Modes: shown.Modes(p.plan.Rows.Mode), Order: o,
		Warnings: p.warnings, Remarks: p.plan.Remarks(false), Fingerprint: p.plan.Fingerprint(),
		Show: shown.RowsLink(p.Environment, "plan", o.Table), Run: shown.RowsLink(p.Environment, "restore", o.Table),
	}
	status := http.StatusOK
	if refused != nil {
		problem := newProblem(refused)
		v.Trouble, status = &problem, problem.Status
	}
	return c.showAs(status, "rowplan", "Bring rows back", v, c.crumbsBelow(p.Snapshot)...)
}

// rowRestorePage runs the plan that the form shows it has seen, if the environment's name was typed. Else it shows the plan again, as
// it is now.
func (c *call) rowRestorePage() error {
	if err := c.readForm(); err != nil || c.sentBefore() {
		return err
	}
	o, along := change.ReadRowForm(c.query, c.r.PostForm)
	p, err := c.planRows(o)
	switch {
	case err != nil:
		return err
	case o.Fingerprint != p.plan.Fingerprint():
		return c.showRowPlan(p, o, along, refuse(http.StatusConflict, "This is the plan as it is now.", "%w: nothing was changed", change.ErrOtherPlan))
	}
	if err := change.CheckName(p.Environment, strings.TrimSpace(c.r.PostForm.Get("name"))); err != nil {
		return c.showRowPlan(p, o, along, err)
	}
	return c.begin(p.Run(o.Fingerprint))
}
