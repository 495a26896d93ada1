package browser_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestBrowser goes through the pages of a real server with a real browser.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	browser, axe := newBrowser(t), readAxe(t)
	s := newSite(t)
	t.Run("SignInPage", func(t *testing.T) { s.testPage(t, browser, axe, "/sign-in") })
	t.Run("Link", func(t *testing.T) { s.testLink(t, browser) })
	t.Run("Restore", func(t *testing.T) { s.testRestore(t, browser, axe) })
	t.Run("Rows", func(t *testing.T) { s.testRows(t, browser, axe) })
	t.Run("Pages", func(t *testing.T) { s.testPages(t, browser, axe) })
	t.Run("Query", func(t *testing.T) { s.testQuery(t, browser, axe) })
	t.Run("Keyboard", func(t *testing.T) { s.testKeyboard(t, browser) })
	t.Run("Access", func(t *testing.T) { s.testAccess(t, browser, axe) })
	t.Run("SignOut", func(t *testing.T) { s.testSignOut(t, browser) })
	t.Run("Token", func(t *testing.T) { s.testToken(t, browser) })
}

// testLink signs in by the link that the server has printed. The other tests share its sign-in.
func (s *site) testLink(t *testing.T, browser context.Context) {
	b := s.open(t, browser)
	b.follow(t, "sign in", chromedp.Navigate(s.base+"/sign-in#"+s.secret))
	b.do(t, "first page", chromedp.WaitVisible(chromedp.CSS(`a[href="/databases/app"]`)))
	b.at(t, "after the sign-in", "/")
	history, err := chromedp.Run(b.ctx, chromedp.NavigationEntries())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range history.Entries {
		if strings.Contains(entry.URL+entry.UserTypedURL, s.secret) {
			t.Errorf("the secret is in the browser's history: %s", entry.URL)
		}
	}
	b.check(t, "sign-in by the link")

	other := s.open(t, browser, chromedp.WithNewBrowserContext())
	other.do(t, "the link again", chromedp.Navigate(s.base+"/sign-in#"+s.secret), chromedp.WaitVisible(chromedp.CSS(`[role="alert"]`)))
	if text := other.text(t); !strings.Contains(text, "good once") {
		t.Errorf("the link again: got %q", text)
	}
	other.check(t, "the link again", "401")
}

// testPages judges each page that links lead to.
func (s *site) testPages(t *testing.T, browser context.Context, axe string) {
	pages := s.open(t, browser).crawl(t)
	for _, part := range []string{"/databases/app", "/table?", "/schema", "/diff?"} {
		if !slices.ContainsFunc(pages, func(page string) bool { return strings.Contains(page, part) }) {
			t.Errorf("no link leads to %s: %q", part, pages)
		}
	}
	for _, path := range pages {
		t.Run(strings.ReplaceAll(path, "/", "|"), func(t *testing.T) {
			t.Parallel()
			s.testPage(t, browser, axe, path)
		})
	}
}

// testQuery asks the newest snapshot with SQL, right and wrong.
func (s *site) testQuery(t *testing.T, browser context.Context, axe string) {
	b := s.open(t, browser)
	b.visit(t, "/snapshots/latest:app", 200)
	run := chromedp.Click(chromedp.CSS(`form.sql button[value="table"]`))
	b.follow(t, "ask", chromedp.SetValue(chromedp.CSS("#sql"), "SELECT name FROM users WHERE id = 1"), run)
	if text := b.text(t); !strings.Contains(text, "Ann") || !strings.Contains(text, "1 row") {
		t.Errorf("the answer is %q", text)
	}
	b.judge(t, axe, "the answer of a query")
	b.check(t, "query")
	b.follow(t, "ask nonsense", chromedp.SetValue(chromedp.CSS("#sql"), "DELETE FROM users"), run)
	if text := b.text(t); !strings.Contains(text, "read") || evaluate[string](t, b, `document.getElementById("sql").value`) != "DELETE FROM users" {
		t.Errorf("the answer of a statement that writes is %q", text)
	}
	b.judge(t, axe, "a query that is refused")
	b.check(t, "refused query", "400")
}

// testAccess makes a token and removes it again.
func (s *site) testAccess(t *testing.T, browser context.Context, axe string) {
	b := s.open(t, browser)
	b.visit(t, "/", 200)
	b.follow(t, "access", chromedp.Click(chromedp.CSS(`header a[href="/access"]`)))
	b.follow(t, "make a token", chromedp.SendKeys(chromedp.CSS("#token-name"), hostile[:40]), chromedp.Click(chromedp.CSS("form.token button")))
	token := evaluate[string](t, b, `document.querySelector(".secret").innerText`)
	if !strings.HasPrefix(token, "firn_") || strings.Contains(evaluate[string](t, b, "location.href"), token) {
		t.Errorf("the page shows %q", token)
	}
	b.judge(t, axe, "a new token")
	b.visit(t, "/access", 200)
	if text := b.text(t); strings.Contains(text, token) || !strings.Contains(text, hostile[:20]) || !strings.Contains(text, "this browser") {
		t.Errorf("the page says %q", text)
	}
	b.follow(t, "remove the token", chromedp.Click(chromedp.CSS(`form[action="/access/token/remove"] button`)))
	if text := b.text(t); strings.Contains(text, hostile[:20]) {
		t.Errorf("after the removal the page says %q", text)
	}
	b.check(t, "access")
}

// testSignOut ends the sign-in of the link.
func (s *site) testSignOut(t *testing.T, browser context.Context) {
	b := s.open(t, browser)
	b.visit(t, "/", 200)
	b.follow(t, "sign out", chromedp.Click(chromedp.CSS(`form[action="/sign-out"] button`)))
	b.at(t, "after the sign-out", "/sign-in")
	b.visit(t, "/databases/app", 200)
	b.at(t, "a page after the sign-out", "/sign-in")
	b.check(t, "sign-out")
}

// testToken signs in with a token that may only read, without scripts.
func (s *site) testToken(t *testing.T, browser context.Context) {
	token := s.run(t, "token", "add", "--scope", "status", "--env", "demo", "reader")
	token = token[strings.LastIndexByte(token, '\n')+1:]
	b := s.open(t, browser, chromedp.WithNewBrowserContext())
	b.scripts(t, false)
	b.visit(t, "/sign-in", 200)
	b.follow(t, "sign in", chromedp.SendKeys(chromedp.CSS("#secret"), token), chromedp.Click(chromedp.CSS("#sign-in button")))
	b.at(t, "after the sign-in", "/")
	if text := b.text(t); !strings.Contains(text, "demo") || strings.Contains(text, "app") {
		t.Errorf("a token for demo shows %q", text)
	}
	b.check(t, "sign-in by a token")
	b.visit(t, "/databases/app", 404)
	b.visit(t, "/snapshots/latest:demo/table?table=users", 403)
	b.check(t, "pages that the token does not open", "404", "403")
}
