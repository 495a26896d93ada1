package web

import (
	"net/http"
	"slices"
	"strings"

	"firn/outcome"
	"firn/report"
	"firn/restore"
	"firn/session"
	"firn/snapshot"
	"firn/web/change"
)

// restoreView is the page of a restore or an undo: the choice of its target, or its plan.
type restoreView struct {
	change.Proposal
	Targets []string // environments that may be chosen
	Trouble *Problem // why there is no plan, or why it was not taken
}

// mostTargets is how many environments a page offers. Another one's name can be written.
const mostTargets = 500

// restoreOrderOf reads what is to be restored where, from the path and from the fields of a form or of the URL.
func (c *call) restoreOrderOf(field func(string) string) (o change.Restore, err error) {
	o.Unsound, o.Offline = field("unsound") != "", field("offline") != ""
	if c.r.PathValue("ref") == "" {
		o.Environment, err = c.environment()
		return o, err
	}
	if o.Snapshot, err = c.snapshot(); err != nil {
		return o, err
	}
	if o.Snapshot.IsStream() {
		return o, session.RefuseStream(o.Snapshot)
	}
	o.Environment = field("env")
	if o.Environment != "" && (!c.grant.Sees(o.Environment) || !c.v.s.Conf.Knows(o.Environment)) {
		return o, unknownEnvironment(o.Environment) // the error of the configuration would name others
	}
	return o, nil
}

// restorePage shows what a restore or an undo would do.
func (c *call) restorePage() error {
	o, err := c.restoreOrderOf(c.query.Get)
	if err != nil {
		return err
	}
	if o.Environment == "" {
		return c.showRestore(http.StatusOK, restoreView{Proposal: change.Proposal{Restore: o}})
	}
	proposal, err := o.Propose(c.r.Context(), c.v.s)
	if err != nil {
		p := newProblem(err)
		return c.showRestore(p.Status, restoreView{Proposal: proposal, Trouble: &p})
	}
	return c.showRestore(http.StatusOK, restoreView{Proposal: proposal})
}

// showRestore sends the page.
func (c *call) showRestore(status int, v restoreView) error {
	if v.Plan == nil && !v.Undoes() {
		for _, env := range c.v.s.Conf.All().Environments {
			if c.grant.Sees(env.Name) && len(v.Targets) < mostTargets {
				v.Targets = append(v.Targets, env.Name)
			}
		}
		slices.Sort(v.Targets)
	}
	path := []crumb{{"All databases", "/"}, {report.Clean(v.Environment), change.DatabasePath(v.Environment)}}
	if v.Snapshot != nil {
		path = c.crumbsBelow(v.Snapshot)
	}
	return c.showAs(status, "restore", v.Heading(), v, path...)
}

// restoreForm carries out the plan that a person has seen, and has confirmed with the name of the environment. Else the page comes
// again, with the plan as it is now.
func (c *call) restoreForm() error {
	if err := c.readForm(); err != nil {
		return err
	}
	if c.sentBefore() {
		return nil
	}
	o, err := c.restoreOrderOf(c.r.PostForm.Get)
	if err != nil {
		return err
	}
	plan, err := o.Plan(c.r.Context(), c.v.s.WithReporter(nil), false) // the person has seen its warnings
	if err != nil {
		return err
	}
	form := c.r.PostForm
	if err := o.Check(plan, form.Get("fingerprint"), strings.TrimSpace(form.Get("name"))); err != nil {
		p := newProblem(err)
		proposal, err := o.Propose(c.r.Context(), c.v.s)
		if err != nil {
			return err
		}
		return c.showRestore(p.Status, restoreView{Proposal: proposal, Trouble: &p})
	}
	return c.begin(o.Run(plan))
}

// mayUndo reports whether there is something that an undo may put back in an environment, and the client may do it.
func (c *call) mayUndo(history []*snapshot.Snapshot, environment string) bool {
	env := c.v.s.Conf.Lookup(environment)
	return env != nil && restore.MayUndo(history, env)
}

// verifyForm looks whether a snapshot is sound.
func (c *call) verifyForm() error {
	snap, err := c.labelForm()
	if err != nil || snap == nil {
		return err
	}
	return c.begin(change.Verify(snap))
}

// pinForm pins a snapshot, or leaves it to retention again.
func (c *call) pinForm() error {
	snap, err := c.labelForm()
	if err != nil || snap == nil {
		return err
	}
	return c.begin(change.Pin(snap, c.r.PostForm.Get("pinned") != ""))
}

// tagForm adds a tag to a snapshot, or removes it.
func (c *call) tagForm() error {
	snap, err := c.labelForm()
	if err != nil || snap == nil {
		return err
	}
	tag := strings.TrimSpace(c.r.PostForm.Get("tag"))
	if tag == "" {
		return outcome.Usage("Write a word, such as before-migration.", "there is no tag")
	}
	return c.begin(change.Tag(snap, tag, c.r.PostForm.Get("remove") == ""))
}

// labelForm reads a form of a snapshot's page. The snapshot is nil if the form was sent before, and answered.
func (c *call) labelForm() (*snapshot.Snapshot, error) {
	if err := c.readForm(); err != nil || c.sentBefore() {
		return nil, err
	}
	return c.snapshot()
}

// sentBefore leads to the job that a form has begun before. What the form was about may be gone by now.
func (c *call) sentBefore() bool {
	j := c.v.board.Find(c.r.PostForm.Get("job"))
	if j == nil || !c.sees(j.Event()) {
		return false
	}
	http.Redirect(c.w, c.r, "/work/"+j.ID(), http.StatusSeeOther)
	return true
}
