package browser_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// mostTabs is how many times a person presses Tab to reach something on a page.
const mostTabs = 80

// focused describes the element that has the focus, and whether the focus can be seen.
const focused = `(() => {
	const e = document.activeElement, style = getComputedStyle(e);
	return {link: e.getAttribute("href") || "", seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || e.matches("input, textarea, select")};
})()`

// place is the element that has the focus.
type place struct {
	Link string `json:"link"`
	Seen bool   `json:"seen"`
}

// press presses a key.
func press(key string) chromedp.Action[chromedp.Void] { return chromedp.KeyEvent(key) }

// reach presses Tab until a link has the focus.
func (b *tab) reach(t *testing.T, what string, match func(link string) bool) {
	t.Helper()
	for range mostTabs {
		b.do(t, "press Tab", press(kb.Tab))
		at := evaluate[place](t, b, focused)
		if !at.Seen {
			t.Errorf("%s: on the way, the focus at %q is not to be seen", what, at.Link)
		}
		if match(at.Link) {
			return
		}
	}
	t.Fatalf("%s: not reached with %d Tabs", what, mostTabs)
}

// testKeyboard goes from the first page to the rows of a table without a mouse.
func (s *site) testKeyboard(t *testing.T, browser context.Context) {
	b := s.open(t, browser)
	b.visit(t, "/", 200)
	b.reach(t, "skip link", func(link string) bool { return link == "#main" })
	b.do(t, "skip the navigation", press(kb.Enter))
	for _, step := range []struct {
		name  string
		match func(string) bool
	}{
		{"database", func(link string) bool { return link == "/databases/app" }},
		{"snapshot", func(link string) bool { return strings.HasPrefix(link, "/snapshots/") && strings.Count(link, "/") == 2 }},
		{"table", func(link string) bool { return strings.HasSuffix(link, "/table?table=users") }},
	} {
		b.reach(t, step.name, step.match)
		if got := b.follow(t, step.name, press(kb.Enter)); got != 200 {
			t.Errorf("%s: got status %d, want 200", step.name, got)
		}
	}
	if text := b.text(t); !strings.Contains(text, "user1@example.org") {
		t.Errorf("the way ends at %.200q", text)
	}
	b.check(t, "keyboard")
}
