package browser_test

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The bounds of the crawl.
const (
	mostPages = 60
	mostAlike = 2 // pages of one shape
)

// changing matches what differs between pages of one shape.
var changing = regexp.MustCompile(`^([0-9a-f]{8,}|[A-Z2-7]{26}|\d+|latest:.*)$`)

// shape returns what is common to pages of one kind: the path without IDs, and the names of the parameters.
func shape(u *url.URL) string {
	parts := strings.Split(u.Path, "/")
	for i, part := range parts {
		if changing.MatchString(part) {
			parts[i] = "*"
		}
	}
	var names []string
	for name := range u.Query() {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(parts, "/") + "?" + strings.Join(names, "&")
}

// linksOf lists the links of a page that lead to other pages, and not to files. A link in a picture has no text as its href.
const linksOf = `Array.from(document.querySelectorAll("a[href]:not([download])"), a => new URL(a.getAttribute("href"), location).href)`

// crawl follows links from the first page, and returns a page of each shape. A new kind of page is covered as soon as a link leads to it.
func (b *tab) crawl(t *testing.T) (kinds []string) {
	t.Helper()
	seen, alike := map[string]bool{"/": true}, map[string]int{}
	kinds = []string{"/"}
	waiting := []string{"/"}
	for visited := 0; visited < len(waiting) && visited < mostPages; visited++ {
		path := waiting[visited]
		b.visit(t, path, 200)
		for _, link := range evaluate[[]string](t, b, linksOf) {
			u, err := url.Parse(link)
			if err != nil || !strings.HasPrefix(link, b.site.base+"/") {
				t.Errorf("%s: a link leads to %s", path, link)
				continue
			}
			target := u.RequestURI()
			if seen[target] || u.Path == "/sign-in" {
				continue
			}
			seen[target] = true
			if alike[shape(u)]++; alike[shape(u)] <= mostAlike {
				waiting = append(waiting, target)
			}
			if alike[shape(u)] == 1 {
				kinds = append(kinds, target)
			}
		}
		b.check(t, path)
	}
	return kinds
}

// controlsOf lists where the links and the forms of a page lead.
const controlsOf = `Array.from(document.querySelectorAll("main a[href], main form"), e => new URL(e.getAttribute("href") || e.getAttribute("action") || "", location).href)`

// controls returns the shapes of where a page leads: single addresses have times in them.
func (b *tab) controls(t *testing.T) (shapes map[string]bool) {
	t.Helper()
	shapes = map[string]bool{}
	for _, address := range evaluate[[]string](t, b, controlsOf) {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		shapes[shape(u)] = true
	}
	return shapes
}

// testPage judges a page in all looks, and wants the same links and forms without scripts.
func (s *site) testPage(t *testing.T, browser context.Context, axe, path string) {
	b := s.open(t, browser)
	b.visit(t, path, 200)
	with := b.controls(t)
	b.judge(t, axe, path)
	b.check(t, path)
	b.scripts(t, false)
	b.visit(t, path, 200)
	without := b.controls(t)
	for control := range with {
		if !without[control] {
			t.Errorf("%s: without scripts the page does not lead to %s", path, control)
		}
	}
	if text := b.text(t); len(text) < 10 {
		t.Errorf("%s: without scripts the page says %q", path, text)
	}
	b.check(t, path+" without scripts")
}
