package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"firn/access"
	"firn/report"
	"firn/snapshot"
	"firn/upkeep"
	"firn/web/change"
)

//go:embed templates static
var files embed.FS

// words are the templates of the pages. Only html/template writes them, so that every value is escaped for its place.
type words struct{ pages map[string]*template.Template }

// newWords reads the templates.
func newWords(v *Server) (*words, error) {
	s, w := v.s, &words{pages: make(map[string]*template.Template)}
	functions := template.FuncMap{
		"text": report.Clean, "size": report.Size, "signed": signedSize, "segment": url.PathEscape, "plural": report.Plural,
		"add":   func(a, b int) int { return a + b },
		"shell": func(name string) string { return report.QuoteWord(report.Clean(name)) },
		"when":  func(t time.Time) string { return s.When(t) },
		"taken": func(sn *snapshot.Snapshot) string { return s.WhenTaken(sn) },
		"clock": func(t time.Time) string { return t.In(s.Zone).Format("2006-01-02 15:04:05 MST") },
		"stamp": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"ago":   func(t time.Time) string { return report.Ago(s.Now().Sub(t)) },
		"took":  report.Elapsed, "title": change.Title, "newForm": v.board.NewForm,
		"scopes": access.JoinScopes, "kind": upkeep.KindOf, "ended": func(t time.Time) bool { return !s.Now().Before(t) },
	}
	found, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("web: internal error: %w", err)
	}
	for _, file := range found {
		t, err := template.New("layout.html").Funcs(functions).ParseFS(files, "templates/layout.html", file)
		if err != nil {
			return nil, fmt.Errorf("web: internal error: %w", err)
		}
		w.pages[strings.TrimSuffix(path.Base(file), ".html")] = t
	}
	return w, nil
}

// signedSize returns a growth in bytes for people.
func signedSize(n int64) string {
	if n < 0 {
		return "-" + report.Size(-n)
	}
	return "+" + report.Size(n)
}

// page is what every template gets.
type page struct {
	Title string
	Path  []crumb
	Who   string // the client, if it can sign out

	// What the client may do: see rows, get files, restore, and change everything else.
	Reads, Gets, Restores, Rules bool
	Grants                       bool // it may let others in

	Data any
}

// crumb is a step of the way to a page.
type crumb struct{ Name, Link string }

// show sends a page.
func (c *call) show(name, title string, data any, path ...crumb) error {
	return c.showAs(http.StatusOK, name, title, data, path...)
}

func (c *call) showAs(status int, name, title string, data any, path ...crumb) error {
	p := page{Title: title, Path: path, Data: data}
	if c.grant != nil {
		p.Who, p.Reads, p.Gets = c.grant.Name, c.mayRead(), c.mayGet()
		p.Restores, p.Rules, p.Grants = c.grant.Allows(access.Restore), c.grant.Allows(access.Admin), c.mayGrant()
	}
	var out bytes.Buffer
	if err := c.v.words.pages[name].Execute(&out, p); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	c.send(status, "text/html; charset=utf-8", out.Bytes())
	return nil
}

// showProblem sends an error as a page.
func (c *call) showProblem(p Problem) {
	if err := c.showAs(p.Status, "problem", p.Heading, p); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// static sends a style, a script or a picture of ours.
func (c *call) static() error {
	name := c.r.PathValue("file")
	text, err := files.ReadFile("static/" + path.Base(name)) // a name with a slash is none of ours
	if err != nil {
		return refuse(http.StatusNotFound, "", "there is no file %q", name)
	}
	c.w.Header().Set("Cache-Control", "max-age=300")
	c.send(http.StatusOK, mime.TypeByExtension(path.Ext(name)), text)
	return nil
}
