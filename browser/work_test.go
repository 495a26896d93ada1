package browser_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// gate is the pipe in the folder of a site that the stop command of the environment demo waits for.
const gate = "gate"

// openGate lets the stop command end.
func (s *site) openGate(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, gate), nil, 0); err != nil {
		t.Fatal(err)
	}
}

// testRestore restores a database and undoes that, with and without scripts.
func (s *site) testRestore(t *testing.T, browser context.Context, axe string) {
	b := s.open(t, browser)
	s.exec(t, "demo.db", "DELETE FROM users")
	b.visit(t, "/snapshots/latest:demo", 200)
	b.follow(t, "restore", chromedp.Click(chromedp.CSS(`main a[href$="/restore"]`)))
	b.judge(t, axe, "the choice of a target")
	button := chromedp.Click(chromedp.CSS("form.confirm button"))
	b.follow(t, "show the plan", button)
	b.judge(t, axe, "a plan")
	if got := b.follow(t, "restore with a wrong name", chromedp.SendKeys(chromedp.CSS("#name"), "app"), button); got != 422 {
		t.Errorf("a wrong name: got status %d, want 422", got)
	}
	b.judge(t, axe, "a plan that was not taken")
	b.check(t, "a wrong name", "422")
	b.follow(t, "restore", chromedp.SendKeys(chromedp.CSS("#name"), "demo"), button)
	b.do(t, "stop of the application", chromedp.WaitVisible(chromedp.CSS(`[data-refresh] .messages`)))
	evaluate[bool](t, b, `window.kept = document.querySelector("#job h1"), document.getSelection().selectAllChildren(kept), true`)
	b.judge(t, axe, "a job that runs")
	s.openGate(t)
	b.do(t, "end of the job", chromedp.WaitVisible(chromedp.CSS("#job:not([data-refresh]) .word.good")))
	if !evaluate[bool](t, b, `window.kept === document.querySelector("#job h1") && document.getSelection().toString() !== ""`) {
		t.Error("the page was loaded anew, or has lost its selection")
	}
	if got := s.exec(t, "demo.db", "SELECT name FROM users"); got != "Demo" {
		t.Errorf("restored: got %q", got)
	}
	b.judge(t, axe, "a job that is done")
	b.scripts(t, false)
	b.follow(t, "undo", chromedp.Click(chromedp.CSS(`#job a[href="/databases/demo/undo"]`)))
	b.follow(t, "undo with the name", chromedp.SendKeys(chromedp.CSS("#name"), "demo"), button)
	if text := b.text(t); !strings.Contains(text, "Running") {
		t.Errorf("the undo says %q", text)
	}
	s.openGate(t)
	b.do(t, "end of the undo", chromedp.WaitVisible(chromedp.CSS("#job .word.good")))
	if got := s.exec(t, "demo.db", "SELECT count(*) FROM users"); got != "0" {
		t.Errorf("undone: got %q rows", got)
	}
	b.check(t, "restore and undo")
}
