package web

import (
	"net/http"
	"slices"

	"firn/access"
	"firn/web/change"
	"firn/web/condition"
	"firn/web/work"
)

// workView is the page of what runs, and what has run lately.
type workView struct{ Running, Ended []jobView }

// jobView is a job for people.
type jobView struct {
	work.State
	Word     condition.Word
	Known    bool   // the server has the job itself, and not only its lines in the log
	Database string // the path of its page; "" for none
}

// newJobView returns a job for people. Addresses are for those who may do everything.
func (c *call) newJobView(st work.State, known bool) jobView {
	if !c.grant.Allows(access.Admin) {
		st.From = ""
	}
	v := jobView{State: st, Known: known, Word: map[work.Stage]condition.Word{
		work.Running: {Name: "Running", Class: "quiet"}, work.Done: {Name: "Done", Class: "good"},
		work.Failed: {Name: "Failed", Class: "bad"}, work.Interrupted: {Name: "Interrupted", Class: "warn"},
	}[st.Stage]}
	v.Next = slices.DeleteFunc(v.Next, func(l work.Link) bool { return l.Scope != "" && !c.grant.Allows(l.Scope) })
	if st.Environment != "" {
		v.Database = change.DatabasePath(st.Environment)
	}
	return v
}

// sees reports whether the client may know of a change. One of the whole repository is for clients that see all of it.
func (c *call) sees(e access.Event) bool {
	if e.Environment == "" {
		return c.grant.Everything()
	}
	return c.grant.Sees(e.Environment) && (e.Source == "" || c.grant.Sees(e.Source))
}

// jobs returns what the client may see.
func (c *call) jobs() (running, ended []jobView) {
	views := func(jobs []*work.Job) (list []jobView) {
		for _, j := range jobs {
			if c.sees(j.Event()) {
				list = append(list, c.newJobView(j.State(), true))
			}
		}
		return list
	}
	r, e := c.v.board.Jobs()
	return views(r), views(e)
}

// workPage shows what runs, and what has run lately.
func (c *call) workPage() error {
	var w workView
	w.Running, w.Ended = c.jobs()
	return c.show("work", "Work", w)
}

// job returns the job that the path names. After a restart of the server, the log may know of it.
func (c *call) job() (jobView, error) {
	id := c.r.PathValue("id")
	if j := c.v.board.Find(id); j != nil && c.sees(j.Event()) {
		return c.newJobView(j.State(), true), nil
	}
	if work.IsID(id) {
		logged, err := c.v.o.Log.Find(id)
		if err != nil {
			return jobView{}, err
		}
		if logged != nil && c.sees(logged.Event) {
			return c.newJobView(work.Logged(*logged), false), nil
		}
	}
	return jobView{}, refuse(http.StatusNotFound, "The log may know more.", "there is no job %q", id)
}

// jobPage shows a job.
func (c *call) jobPage() error {
	j, err := c.job()
	if err != nil {
		return err
	}
	return c.show("job", change.Title(j.Event), j, crumb{"Work", "/work"})
}

// begin begins the task of a form, and leads to the page of its job. A form that is sent twice leads there twice.
func (c *call) begin(t work.Task) error {
	j, err := c.v.board.Begin(c.r.PostForm.Get("job"), c.asked(t))
	if err != nil {
		return err
	}
	http.Redirect(c.w, c.r, "/work/"+j.ID(), http.StatusSeeOther)
	return nil
}

// backupForm takes a snapshot.
func (c *call) backupForm() error {
	env, err := c.environment()
	if err != nil {
		return err
	}
	if err := c.readForm(); err != nil {
		return err
	}
	t, err := change.Backup(c.v.s, env)
	if err != nil {
		return err
	}
	return c.begin(t)
}

// workList answers with what runs, and what has run lately.
func (c *call) workList() error {
	running, ended := c.jobs()
	list := []work.Answer{}
	for _, v := range append(running, ended...) {
		m := work.NewAnswer(v.State)
		m.Result = nil // it may be long
		list = append(list, m)
	}
	return c.sendJSON(list)
}

// workOf answers with a job.
func (c *call) workOf() error {
	v, err := c.job()
	if err != nil {
		return err
	}
	return c.sendJSON(work.NewAnswer(v.State))
}
