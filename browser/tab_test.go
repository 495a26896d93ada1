package browser_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a step in the browser may take on a busy machine.
const patience = 30 * time.Second

// newBrowser starts Chromium until the test ends. Its sandbox is off, since it does not work for root, nor in many containers: the
// pages come from the server under test.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.ExecPath(need(t, "chromium")), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(cancel)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return ctx
}

// tab is a tab of the browser. It notes what must not happen on any page: errors, violations of the policy, requests to other
// hosts, and dialogs, which only an injected script would open.
type tab struct {
	ctx  context.Context
	site *site

	mu       sync.Mutex
	problems []string
}

// open opens a tab of a browser until the test ends. With a browser context of its own it is signed in nowhere.
func (s *site) open(t *testing.T, browser context.Context, o ...chromedp.ContextOption) *tab {
	t.Helper()
	b := &tab{site: s}
	ctx, cancel := chromedp.NewContext(browser, append(o, chromedp.WithListener(b.note))...)
	b.ctx = ctx
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, call(audits.Enable, cdp.Empty{})); err != nil { // the tab lives as long as this context
		t.Fatalf("open a tab: %v", err)
	}
	return b
}

// call returns an action that sends a command.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (void chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, command, params)
		return void, err
	}
}

// note looks at an event of the tab.
func (b *tab) note(event any) {
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			b.problem("log: %s (%s)", e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		b.problem("console: %s", e.Type)
	case *runtime.EventExceptionThrown:
		b.problem("exception: %s", e.ExceptionDetails.Text)
	case *audits.EventIssueAdded:
		b.problem("issue: %s", e.Issue.Code)
	case *page.EventJavascriptDialogOpening:
		b.problem("dialog: %s", e.Message)
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, b.site.base+"/") {
			b.problem("request to %s", e.Request.URL)
		}
		if strings.Contains(e.Request.URL, b.site.secret) {
			b.problem("the secret is in a request: %s", e.Request.URL)
		}
	}
}

// problem notes what must not happen.
func (b *tab) problem(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, fmt.Sprintf(format, args...))
}

// taken returns the problems since the last call.
func (b *tab) taken() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	problems := b.problems
	b.problems = nil
	return problems
}

// check fails the test if there were problems, but for those that are expected.
func (b *tab) check(t *testing.T, what string, expected ...string) {
	t.Helper()
	for _, problem := range b.taken() {
		if !slices.ContainsFunc(expected, func(part string) bool { return strings.Contains(problem, part) }) {
			t.Errorf("%s: %s", what, problem)
		}
	}
}

// do runs steps in the tab.
func (b *tab) do(t *testing.T, what string, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// follow runs steps that lead to another page, and returns its status when it is loaded.
func (b *tab) follow(t *testing.T, what string, steps ...chromedp.Action[chromedp.Void]) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, steps...)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return answer.Status
}

// visit loads a page and wants a status.
func (b *tab) visit(t *testing.T, path string, status int64) {
	t.Helper()
	if got := b.follow(t, path, chromedp.Navigate(b.site.base+path)); got != status {
		t.Errorf("%s: got status %d, want %d", path, got, status)
	}
}

// at wants the tab to be at a page.
func (b *tab) at(t *testing.T, what, path string) {
	t.Helper()
	place := evaluate[string](t, b, "location.href")
	if u, err := url.Parse(place); err != nil || u.Path != path || u.Fragment != "" {
		t.Errorf("%s: the browser is at %s, want %s", what, place, path)
	}
}

// evaluate returns the value of an expression in the page.
func evaluate[T any](t *testing.T, b *tab, expression string, o ...chromedp.EvaluateOption) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, o...))
	if err != nil {
		t.Fatalf("%.100s: %v", expression, err)
	}
	return value
}

// text returns the text of the page's content.
func (b *tab) text(t *testing.T) string {
	t.Helper()
	return evaluate[string](t, b, `document.querySelector("main").innerText`)
}

// look is a way to look at a page.
type look struct {
	name  string
	dark  bool
	width int64
}

// looks are all of them.
func looks() []look {
	return []look{{"light", false, 1280}, {"dark", true, 1280}, {"narrow", false, 360}, {"narrow dark", true, 360}}
}

// wear shows the page in a look. Motion is reduced: a colour on its way to another has a contrast of its own.
func (b *tab) wear(t *testing.T, l look) {
	t.Helper()
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	b.do(t, l.name, chromedp.EmulateViewport(l.width, 900), call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	}))
}

// scripts turns the scripts of pages on or off.
func (b *tab) scripts(t *testing.T, on bool) {
	t.Helper()
	b.do(t, "scripts", call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}))
}

// judge has axe-core judge the page in every look. A narrow page must not be wider than the screen.
func (b *tab) judge(t *testing.T, axe, what string) {
	t.Helper()
	evaluate[bool](t, b, axe+"; true")
	for _, l := range looks() {
		b.wear(t, l)
		for _, f := range evaluate[[]finding](t, b, axeRun, chromedp.EvalAwaitPromise) {
			t.Errorf("%s, %s: %s", what, l.name, f)
		}
		if width := evaluate[int64](t, b, "document.scrollingElement.scrollWidth"); width > l.width {
			t.Errorf("%s, %s: the page is %d pixels wide", what, l.name, width)
		}
	}
}
