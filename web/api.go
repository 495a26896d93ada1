package web

import (
	"net/http"

	"firn/answer"
	"firn/outcome"
	"firn/session"
	"firn/snapshot"
	"firn/upkeep"
	"firn/web/change"
	"firn/web/lists"
	"firn/web/work"
)

// health says that the server is alive, and nothing else: everyone may ask.
func (c *call) health() error {
	c.send(http.StatusOK, textPlain, []byte("alive\n"))
	return nil
}

// visibleStates returns the states that the client may see, as they are now.
func (c *call) visibleStates() (*upkeep.Status, error) {
	r, err := c.v.lists.Read(c.r.Context(), lists.Life)
	if err != nil {
		return nil, err
	}
	return c.statesOf(r)
}

// statesOf returns the states of a reading that the client may see.
func (c *call) statesOf(r *lists.Reading) (*upkeep.Status, error) {
	whole, err := r.State(c.r.Context())
	if err != nil || c.grant.Everything() {
		return whole, err
	}
	seen := *whole
	seen.States, seen.Unlisted = nil, nil // an error of a pattern names files of others
	for _, st := range whole.States {
		if c.grant.Sees(st.Environment) {
			seen.States = append(seen.States, st)
		}
	}
	return &seen, nil
}

// status answers with the state of all databases.
func (c *call) status() error {
	st, err := c.visibleStates()
	if err != nil {
		return err
	}
	return c.sendJSON(answer.NewStatus(st, c.v.s.Place.String()))
}

// databases answers with the state of each database.
func (c *call) databases() error { return c.sendStates(func(upkeep.State) bool { return true }) }

// database answers with the state of the databases of an environment.
func (c *call) database() error {
	env, err := c.environment()
	if err != nil {
		return err
	}
	return c.sendStates(func(st upkeep.State) bool { return st.Environment == env })
}

// sendStates sends the states that match and that the client may see.
func (c *call) sendStates(match func(upkeep.State) bool) error {
	st, err := c.visibleStates()
	if err != nil {
		return err
	}
	states := []answer.State{}
	for _, s := range st.States {
		if match(s) {
			states = append(states, answer.NewState(s))
		}
	}
	return c.sendJSON(states)
}

// snapshots answers with all snapshots.
func (c *call) snapshots() error {
	known, err := c.v.lists.Catalog(c.r.Context())
	if err != nil {
		return err
	}
	return c.sendJSON(answer.NewSnapshots(c.visible(known.All)))
}

// snapshotsOf answers with the snapshots of an environment.
func (c *call) snapshotsOf() error {
	env, err := c.environment()
	if err != nil {
		return err
	}
	known, err := c.v.lists.Catalog(c.r.Context())
	if err != nil {
		return err
	}
	return c.sendJSON(answer.NewSnapshots(session.Filter(known.All, snapshot.Filter{Environment: env})))
}

// oneSnapshot answers with a snapshot.
func (c *call) oneSnapshot() error {
	snap, err := c.snapshot()
	if err != nil {
		return err
	}
	return c.sendJSON(answer.NewSnapshot(snap))
}

// backup takes a snapshot of an environment's database.
func (c *call) backup() error {
	env, err := c.environment()
	if err != nil {
		return err
	}
	t, err := change.Backup(c.v.s, env)
	if err != nil {
		return err
	}
	return c.carryOut(t)
}

// verify looks whether a snapshot is sound.
func (c *call) verify() error {
	snap, err := c.snapshot()
	if err != nil {
		return err
	}
	return c.carryOut(change.Verify(snap))
}

// pinOrder is the body of a pin.
type pinOrder struct {
	Pinned bool `json:"pinned"`
}

// pin keeps retention from removing a snapshot, or leaves it to retention again.
func (c *call) pin() error {
	snap, err := c.snapshot()
	if err != nil {
		return err
	}
	var order pinOrder
	if err := c.readJSON(&order); err != nil {
		return err
	}
	return c.carryOut(change.Pin(snap, order.Pinned))
}

// restoreOrder is the body of a restore.
type restoreOrder struct {
	Snapshot    string `json:"snapshot"`
	Unsound     bool   `json:"unsound,omitempty"`
	Offline     bool   `json:"offline,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"` // of the plan; "" asks for the plan
}

// planMessage is a plan of a restore.
type planMessage struct {
	answer.Restore
	Fingerprint string `json:"fingerprint"`
	Replaces    bool   `json:"replaces"` // there is something that is replaced
	Saves       bool   `json:"saves"`    // which becomes a snapshot first
	Damage      string `json:"damage,omitempty"`
	TargetSize  int64  `json:"target_size"`
	Scrub       string `json:"scrub,omitempty"`
	Stop        string `json:"stop,omitempty"`
}

// newPlanMessage fills a [planMessage].
func newPlanMessage(plan *change.Plan) planMessage {
	m := planMessage{
		Restore: answer.NewRestore(plan.Plan), Fingerprint: plan.Fingerprint, Replaces: plan.Target.Exists, Saves: plan.SavesSnapshot(),
		TargetSize: plan.Target.Size, Scrub: plan.Scrub, Stop: plan.Stop,
	}
	m.DryRun = true
	if plan.Target.Damage != nil {
		m.Damage = plan.Target.Damage.Error()
	}
	return m
}

// restore plans a restore. It runs the plan if the client shows by the fingerprint that it has seen the same one.
func (c *call) restore() error {
	env, err := c.environment()
	if err != nil {
		return err
	}
	var order restoreOrder
	if err := c.readJSON(&order); err != nil {
		return err
	}
	snap, err := c.find(order.Snapshot)
	if err != nil {
		return err
	}
	o := change.Restore{Environment: env, Snapshot: snap, Unsound: order.Unsound, Offline: order.Offline}
	plan, err := o.Plan(c.r.Context(), c.v.s, false)
	if err != nil {
		return err
	}
	switch order.Fingerprint {
	case "":
		return c.sendJSON(newPlanMessage(plan))
	case plan.Fingerprint:
		return c.carryOut(o.Run(plan))
	}
	return &refusal{http.StatusConflict, outcome.Failed("Look at the new plan.", "%w", change.ErrOtherPlan), newPlanMessage(plan)}
}

// carryOut carries out a task for a program, and answers when it has ended. The task goes on without a client that has gone away.
func (c *call) carryOut(t work.Task) error {
	j, err := c.v.board.BeginAlone(c.asked(t))
	if err != nil {
		return err
	}
	select {
	case <-j.Done():
	case <-c.r.Context().Done():
		return c.r.Context().Err()
	}
	result, err := j.Outcome()
	switch {
	case result == nil:
		return err
	case err != nil:
		return withResult(err, result.Value)
	}
	return c.sendJSON(result.Value)
}

// asked says who asks for a task, and what it works with.
func (c *call) asked(t work.Task) work.Task {
	t.Session, t.Changed = c.v.s, c.v.lists.Forget
	t.Event.Who, t.Event.From = c.grant.Name, c.v.gate.Address(c.r)
	return t
}
