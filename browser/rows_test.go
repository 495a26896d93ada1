package browser_test

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// snapshots returns the IDs of an environment's snapshots, the newest first.
func (s *site) snapshots(t *testing.T, environment string) (ids []string) {
	t.Helper()
	type snap struct{ ID, Time string }
	var list []snap
	if err := json.Unmarshal([]byte(s.run(t, "snapshots", environment, "--json")), &list); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b snap) int { return cmp.Compare(b.Time, a.Time) })
	for _, one := range list {
		ids = append(ids, one.ID)
	}
	return ids
}

// testRows brings rows back that the second snapshot does not have any more: ticked in the comparison, planned, typed, done.
func (s *site) testRows(t *testing.T, browser context.Context, axe string) {
	b := s.open(t, browser)
	ids := s.snapshots(t, "app")
	b.visit(t, "/diff?from="+ids[len(ids)-1]+"&to="+ids[len(ids)-2]+"&table=orders", 200)
	b.do(t, "tick a row", chromedp.Click(chromedp.CSS(`input[type="checkbox"][name="key"]`)))
	if got := b.follow(t, "plan", chromedp.Click(chromedp.CSS(`.actions button:not([name])`))); got != 200 {
		t.Fatalf("plan: got status %d: %s", got, b.text(t))
	}
	if got := s.exec(t, "app.db", "SELECT count(*) FROM orders WHERE id > 240"); got != "0" {
		t.Fatalf("a plan has changed %s rows", got)
	}
	b.judge(t, axe, "a plan of rows")
	run := chromedp.Click(chromedp.CSS(`button[formaction]`))
	b.follow(t, "no name", run)
	if got := s.exec(t, "app.db", "SELECT count(*) FROM orders WHERE id > 240"); got != "0" {
		t.Fatalf("without a name, %s rows have come back", got)
	}
	b.follow(t, "the name", chromedp.SetValue(chromedp.CSS("#name"), "app"), run)
	b.do(t, "done", chromedp.WaitVisible(chromedp.CSS(`a[href="/databases/app/undo"]`)))
	if got := s.exec(t, "app.db", "SELECT count(*) FROM orders WHERE id > 240"); got != "1" {
		t.Errorf("got %s rows back, want 1: %s", got, b.text(t))
	}
	if text := b.text(t); !strings.Contains(text, "Done") && !strings.Contains(text, "done") {
		t.Errorf("the page of the job says %q", text)
	}
	b.check(t, "rows brought back", "400", "409", "422")
}
