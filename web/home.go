package web

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"firn/access"
	"firn/answer"
	"firn/report"
	"firn/retention"
	"firn/snapshot"
	"firn/upkeep"
	"firn/web/condition"
	"firn/web/lists"
	"firn/web/picture"
)

// home is the first page: one sentence that is true, and the databases, the worst first.
type home struct {
	Sentence   string
	Mood       string
	At         time.Time // of what all of this was true
	Problem    *Problem  // why nothing is known; nil if something is
	Remarks    []string
	Begin      bool   // there is nothing yet: the page says what to do
	Config     string // the path of the configuration
	Filter     filter
	Counts     []countOf
	Rows       []homeRow
	From, Of   int    // the first row that is shown, from 1, and the number of those that match
	Before     string // the link to the rows before; "" for none
	After      string
	Repository answer.Repository
}

// homeRow is a database of the first page.
type homeRow struct {
	upkeep.State
	Word  condition.Word
	Limit string
	Spark string // points of the line of its size
	Drill *snapshot.Snapshot
	Next  string // when the next backup runs
	Usual string // how often backups have run; "" if that is not known
	Fresh bool   // a watch has found no change since the newest copy
}

// filter is what the first page is asked to show.
type filter struct{ Query, State string }

// countOf is how many databases are in a condition.
type countOf struct {
	Word condition.Word
	N    int
	Link string
	On   bool // the page shows these alone
}

// rowsOnPage is how many databases the first page has.
const rowsOnPage = 200

// filterFrom is from how many databases on there is a form to filter them.
const filterFrom = 12

// homePage shows all databases.
func (c *call) homePage() error {
	r, err := c.v.lists.Read(c.r.Context(), lists.LongLife)
	if err != nil {
		return c.homeless(err)
	}
	st, err := c.statesOf(r)
	if err != nil {
		return c.homeless(err)
	}
	skip, err := c.number("skip", 0, 1<<30)
	if err != nil {
		return err
	}
	return c.show("home", "All databases", c.newHome(r, st, skip))
}

// homeless shows the first page when nothing is known.
func (c *call) homeless(err error) error {
	p := newProblem(err)
	h := home{Sentence: "Nothing is known of the databases now: the repository cannot be read.", Mood: condition.Bad, At: c.v.s.Now(), Problem: &p}
	return c.showAs(p.Status, "home", "All databases", h)
}

// newHome fills a [home].
func (c *call) newHome(r *lists.Reading, st *upkeep.Status, skip int) home {
	h := home{
		At: r.At, Remarks: remarks(st, c.v.s.Now()), Repository: answer.NewRepository(st, c.v.s.Place.String()), Config: c.v.s.Conf.Path,
		Filter: filter{c.query.Get("q"), c.query.Get("state")}, Begin: len(st.States) == 0 && c.grant.Everything(),
	}
	h.Sentence, h.Mood = condition.Sentence(st)
	h.Counts = h.Filter.counts(st.States)
	matching := slices.DeleteFunc(slices.Clone(st.States), func(s upkeep.State) bool { return !h.Filter.matches(s) })
	slices.SortStableFunc(matching, func(a, b upkeep.State) int {
		return cmp.Or(cmp.Compare(condition.Severity(a), condition.Severity(b)), strings.Compare(a.Environment, b.Environment), strings.Compare(a.Database, b.Database))
	})
	h.Of = len(matching)
	skip = min(skip, h.Of)
	for _, s := range matching[skip:min(skip+rowsOnPage, h.Of)] {
		h.Rows = append(h.Rows, newHomeRow(s, st.Histories[snapshot.Series{Environment: s.Environment, Database: s.Database}], r.At))
	}
	h.From = skip + 1
	if skip > 0 {
		h.Before = h.Filter.link("skip", itoa(max(0, skip-rowsOnPage)))
	}
	if skip+rowsOnPage < h.Of {
		h.After = h.Filter.link("skip", itoa(skip+rowsOnPage))
	}
	return h
}

// newHomeRow fills a [homeRow].
func newHomeRow(st upkeep.State, history []*snapshot.Snapshot, now time.Time) homeRow {
	row := homeRow{State: st, Word: condition.Of(st), Limit: retention.FormatDuration(st.MaxAge), Spark: picture.Sparkline(history)}
	if i := slices.IndexFunc(history, (*snapshot.Snapshot).Noted); i >= 0 {
		row.Drill = history[i]
	}
	row.Fresh = st.Watch != nil && st.Newest != nil && st.Watch.Stored.After(st.Newest.Time)
	row.Next = "unknown" // cron and systemd do not tell
	switch {
	case st.Watch != nil && st.Watch.Runs(now):
		row.Next = "within " + report.Age(st.Watch.Every)
	case st.Rhythm > 0:
		row.Usual = "usually every " + report.Age(st.Rhythm)
	}
	return row
}

// remarks says what a person should know beside the states.
func remarks(st *upkeep.Status, now time.Time) (all []string) {
	for _, err := range st.Unlisted {
		all = append(all, err.Error())
	}
	if st.Damage != nil {
		all = append(all, "Some snapshots cannot be read: "+st.Damage.Error())
	}
	for _, s := range st.States {
		w := s.Watch
		if w == nil || w.Store == "" {
			continue
		}
		text := fmt.Sprintf("The watch on %s has not reached the repository for %s, and %s wait there: %s", w.Host, report.Age(now.Sub(w.Away)), report.Size(w.Spool), w.Store)
		if !slices.Contains(all, text) { // all databases of a watch have the same store
			all = append(all, text)
		}
	}
	return all
}

// matches reports whether a database is to be shown.
func (f filter) matches(st upkeep.State) bool {
	query := strings.ToLower(f.Query)
	named := strings.Contains(strings.ToLower(st.Environment), query) || strings.Contains(strings.ToLower(st.Database), query)
	return named && (f.State == "" || f.State == condition.Of(st).Name)
}

// counts returns how many databases that fit the query are in each condition, the worst first.
func (f filter) counts(states []upkeep.State) (all []countOf) {
	found := make(map[condition.Word]*countOf)
	rank := make(map[condition.Word]int)
	for _, st := range states {
		w := condition.Of(st)
		if !(filter{f.Query, w.Name}).matches(st) {
			continue
		}
		if found[w] == nil {
			found[w], rank[w] = &countOf{Word: w, Link: (filter{f.Query, w.Name}).link("", ""), On: f.State == w.Name}, condition.Severity(st)
		}
		found[w].N++
	}
	for _, count := range found {
		all = append(all, *count)
	}
	slices.SortFunc(all, func(a, b countOf) int {
		return cmp.Or(cmp.Compare(rank[a.Word], rank[b.Word]), strings.Compare(a.Word.Name, b.Word.Name))
	})
	return all
}

// link returns the link to the first page with the filter, and one parameter more, unless that is 0.
func (f filter) link(name, value string) string {
	v := url.Values{}
	for _, p := range [][2]string{{"q", f.Query}, {"state", f.State}, {name, value}} {
		if p[1] != "" && p[1] != "0" {
			v.Set(p[0], p[1])
		}
	}
	if len(v) == 0 {
		return "/"
	}
	return "/?" + v.Encode()
}

// Whole returns the link to the first page without the state.
func (f filter) Whole() string { return filter{Query: f.Query}.link("", "") }

// Shows reports whether the form has a place on the page.
func (h home) Shows() bool { return h.Filter != filter{} || total(h.Counts) >= filterFrom }

// total returns the number of all databases of some counts.
func total(counts []countOf) (n int) {
	for _, c := range counts {
		n += c.N
	}
	return n
}

// To returns the number of the last row that is shown.
func (h home) To() int { return h.From + len(h.Rows) - 1 }

// Matching returns how many databases fit the query, in whatever state.
func (h home) Matching() int { return total(h.Counts) }

// mayRead reports whether the client may see rows.
func (c *call) mayRead() bool { return c.grant.Allows(access.Read) }

// mayGet reports whether the client may get files.
func (c *call) mayGet() bool { return c.grant.Allows(access.Read, access.Stream) }
