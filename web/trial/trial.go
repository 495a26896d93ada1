// Package trial shows what rules of retention do with the snapshots of a database: those that hold, or others that a form asks about.
package trial

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"firn/config"
	"firn/retention"
	"firn/snapshot"
	"firn/upkeep"
)

// View is what rules of retention do with the snapshots of a database: those that hold, or others that a form asks about.
type View struct {
	Rules   []Rule
	Tried   bool // the rules are others than those that hold
	Text    string
	Gone    int    // how many snapshots no rule keeps
	Problem string // why the rules could not be tried; "" if they were
	reasons map[snapshot.ID]upkeep.Decision
}

// Rule is a rule in the form.
type Rule struct{ Name, Label, Value string }

// New applies the rules of a form, or those that hold for nil, to the snapshots of a database. If other rules were tried, the outcome is
// returned, too.
func New(rules upkeep.Rules, own []*snapshot.Snapshot, form *config.Keep, at time.Time) (*View, *upkeep.Trial, error) {
	now, err := upkeep.Try(rules, own, at)
	if err != nil {
		return nil, nil, err
	}
	view := &View{Rules: fieldsOf(now.Policy)}
	if form == nil {
		view.take(now)
		return view, nil, nil
	}
	rules.Given = form
	tried, err := upkeep.Try(rules, own, at)
	if err != nil {
		view.take(now)
		view.Problem = err.Error()
		return view, nil, nil
	}
	view.Rules, view.Tried = fieldsOf(tried.Policy), true
	view.take(tried)
	return view, tried, nil
}

// Keeps reports whether a rule keeps a snapshot.
func (v *View) Keeps(s *snapshot.Snapshot) bool { return v.reasons[s.ID].Keep }

// take takes the decisions.
func (v *View) take(t *upkeep.Trial) {
	v.reasons = make(map[snapshot.ID]upkeep.Decision, len(t.Decisions))
	v.Gone = len(t.Gone)
	for _, d := range t.Decisions {
		v.reasons[d.Snapshot.ID] = d
	}
}

// The names of parameters: Prefix begins those of rules in the form, and Goes asks for what they would not keep alone.
const (
	Prefix = "keep-"
	Goes   = "goes"
)

// Form reads the rules of a form from the parameters of a URL, nil if none is given.
func Form(query url.Values) (*config.Keep, error) {
	var k config.Keep
	given := false
	for name, target := range map[string]**config.Count{
		"last": &k.Last, "hourly": &k.Hourly, "daily": &k.Daily, "weekly": &k.Weekly, "monthly": &k.Monthly, "yearly": &k.Yearly,
	} {
		text := strings.TrimSpace(query.Get(Prefix + name))
		given = given || query.Has(Prefix+name)
		if text == "" {
			continue
		}
		n, err := retention.ParseCount(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		*target = &config.Count{Count: n}
	}
	if !given {
		return nil, nil
	}
	return &k, nil
}

// fieldsOf returns the fields of a form with the rules of a policy.
func fieldsOf(p retention.Policy) []Rule {
	return []Rule{
		{"last", "Latest", p.Last.String()}, {"hourly", "Hourly", p.Hourly.String()}, {"daily", "Daily", p.Daily.String()},
		{"weekly", "Weekly", p.Weekly.String()}, {"monthly", "Monthly", p.Monthly.String()}, {"yearly", "Yearly", p.Yearly.String()},
	}
}

// Why returns the reasons that keep the newest of some snapshots, or how many of them go.
func (v *View) Why(f snapshot.Fold) (text string, goes bool) {
	var gone int
	for _, s := range f {
		if !v.reasons[s.ID].Keep {
			gone++
		}
	}
	switch {
	case gone == 0:
		return strings.Join(short(v.reasons[f.Newest().ID].Reasons), ", "), false
	case len(f) == 1:
		return "no rule", true
	}
	return fmt.Sprintf("no rule for %d of %d", gone, len(f)), true
}

// short leaves the periods out of reasons, which are those of the snapshot's time.
func short(reasons []string) (names []string) {
	for _, reason := range reasons {
		if name, _, _ := strings.Cut(reason, " "); strings.HasSuffix(name, "ly") {
			reason = name
		}
		names = append(names, reason)
	}
	return names
}
