package web

import (
	"net/http"
	"slices"
	"time"

	"firn/access"
	"firn/answer"
	"firn/upkeep"
	"firn/web/change"
	"firn/web/lists"
	"firn/web/work"
)

// repositoryView is the page of the repository.
type repositoryView struct {
	answer.Repository
	*upkeep.Outlook
	Snapshots int
	Damage    []string
	GoesTotal int
	Running   []jobView // work that is of the whole repository
	Whole     bool      // the client may have the repository checked and pruned
}

// What a page of the repository takes at most.
const (
	mostGoing = 100             // snapshots that are listed that retention would remove
	pruneTime = 2 * time.Second // to find out what a prune would do
)

// repositoryPage shows the repository.
func (c *call) repositoryPage() error {
	st, err := c.visibleStates()
	if err != nil {
		return err
	}
	known, err := c.v.lists.Catalog(c.r.Context())
	if err != nil {
		return err
	}
	v := repositoryView{Repository: answer.NewRepository(st, c.v.s.Place.String()), Snapshots: len(c.visible(known.All)), Whole: c.mayPrune()}
	if st.Damage != nil {
		v.Damage = append(v.Damage, "Some snapshots cannot be read: "+st.Damage.Error())
	}
	if err := c.v.s.Unaccepted(); err != nil {
		p := newProblem(err)
		v.Damage = append(v.Damage, p.Detail+". "+p.Hint)
	}
	running, _ := c.jobs()
	v.Running = slices.DeleteFunc(running, func(j jobView) bool { return j.Environment != "" })
	if err := c.lookAhead(&v); err != nil {
		return err
	}
	return c.show("repository", "Repository", v)
}

// keyGone says what it means when the key of the server is gone.
const keyGone = `The key of this server is removed from the repository, or damaged there. The server goes on, and may not start again with this key. ` +
	`If it was removed on purpose, start the server with another one. Else "firn check --repair" on this host puts it back, if there is a copy.`

// lookAhead finds out what retention and a prune would remove of what the client sees.
func (c *call) lookAhead(v *repositoryView) (err error) {
	limit := time.Duration(0)
	if v.Whole && len(v.Running) == 0 {
		limit = pruneTime
	}
	if v.Outlook, err = upkeep.Foresee(c.r.Context(), c.v.s, limit); err != nil {
		return lists.Unreadable(err)
	}
	if v.KeyGone {
		v.Damage = append(v.Damage, keyGone)
	}
	if !c.grant.Everything() {
		v.Warnings = nil // they name snapshots of others
	}
	v.Goes = slices.DeleteFunc(v.Goes, func(d upkeep.Decision) bool { return !c.grant.Sees(d.Snapshot.Environment) })
	v.GoesTotal = len(v.Goes)
	v.Goes = v.Goes[:min(v.GoesTotal, mostGoing)]
	return nil
}

// mayPrune reports whether the client may have the repository checked and pruned, which touches all environments.
func (c *call) mayPrune() bool { return c.grant.Allows(access.Admin) && c.grant.Everything() }

// checkForm looks for damage in the repository.
func (c *call) checkForm() error {
	return c.upkeepForm(func() work.Task { return change.Check(c.r.PostForm.Get("data") != "") })
}

// pruneForm frees the space of forgotten snapshots.
func (c *call) pruneForm() error { return c.upkeepForm(change.Prune) }

func (c *call) upkeepForm(task func() work.Task) error {
	if !c.mayPrune() {
		return refuse(http.StatusForbidden, "", "this needs a token for all environments")
	}
	if err := c.readForm(); err != nil {
		return err
	}
	return c.begin(task())
}
