package web_test

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firn/access"
	"firn/internal/sessiontest"
	"firn/session"
	"firn/store"
	"firn/web"
)

func TestRepositoryPage(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "[keep]\nlast = 2\nhourly = 0\ndaily = 0\nweekly = 0\nmonthly = 0\nyearly = 0\n[env.other]\ndatabase = \"other.db\"\n")
	f.BackUp(t, 5, time.Minute)
	s := start(t, f, limits)
	admin, some := s.token(t, access.Admin, "*"), s.token(t, access.Admin, "other")
	answer, body := s.get(t, "/repository", admin)
	want(t, "page", answer, body, http.StatusOK)
	for _, part := range []string{f.Path("repo"), "3 snapshots would be removed", "A prune now would free", "Read every byte", "<dd>5</dd>"} {
		if !strings.Contains(body, part) {
			t.Errorf("no %q in %s", part, body)
		}
	}
	if _, body = s.get(t, "/repository", some); strings.Contains(body, "would be removed") || strings.Contains(body, "<button>Prune") {
		t.Errorf("for a token of one environment: got %s", body)
	}
	for _, path := range []string{"/repository/check", "/repository/prune"} {
		answer, body = s.send(t, path, some, url.Values{})
		want(t, path+" of one environment", answer, body, http.StatusForbidden)
	}
	j := s.finish(t, "/repository/check", admin, s.formOf(t, "/repository", admin))
	if j.State != "done" || !strings.Contains(j.Done, "No damage was found in 5 snapshots") || !strings.Contains(j.Done, "Its structure") {
		t.Errorf("check: got %+v", j)
	}
	if j = s.finish(t, "/repository/prune", admin, s.formOf(t, "/repository", admin)); j.State != "done" || !strings.Contains(j.Done, "Freed") {
		t.Errorf("prune: got %+v", j)
	}
	answer, body = s.get(t, "/work/"+j.ID, some)
	want(t, "work of the repository for a token of one environment", answer, body, http.StatusNotFound)
	f.DamagePack(t)
	form := s.formOf(t, "/repository", admin)
	form.Set("data", "1")
	if j = s.finish(t, "/repository/check", admin, form); j.State != "failed" || j.Code != 13 || !strings.Contains(j.Done, "Damage was found") || len(j.Messages) == 0 || !strings.Contains(j.Hint, "repair") {
		t.Errorf("check of a damaged one: got %+v", j)
	}
}

func TestRepositoryWhoseKeyIsGone(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Status, "*")
	slots, err := filepath.Glob(s.Path("repo/meta/key-*"))
	if err != nil || len(slots) == 0 {
		t.Fatalf("got slots %q, %v", slots, err)
	}
	const said = "The key of this server is removed"
	if _, body := s.get(t, "/repository", token); strings.Contains(body, said) {
		t.Error("the page says so while it is there")
	}
	for _, slot := range slots {
		if err := os.Remove(slot); err != nil {
			t.Fatal(err)
		}
	}
	answer, body := s.get(t, "/repository", token)
	want(t, "page", answer, body, http.StatusOK)
	if !strings.Contains(body, said) {
		t.Errorf("got %s", body)
	}
}

func TestRepositoryThatIsAway(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Admin, "*")
	if err := os.Rename(s.Path("repo"), s.Path("elsewhere")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/repository", "/databases/app"} {
		answer, body := s.get(t, path, token)
		want(t, path, answer, body, http.StatusServiceUnavailable)
		for _, part := range []string{"he repository cannot be read", "whether its disk is mounted", `href="/work"`} {
			if !strings.Contains(body, part) {
				t.Errorf("%s: no %q in %s", path, part, body)
			}
		}
	}
	for _, path := range []string{"/work", "/log"} {
		answer, body := s.get(t, path, token)
		want(t, path, answer, body, http.StatusOK)
	}
}

// slowStore is a store that gives no listing until the context ends, once that is asked for.
type slowStore struct {
	store.Store
	slow *atomic.Bool
}

// List lists the objects, or waits.
func (s slowStore) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	if !s.slow.Load() {
		return s.Store.List(ctx, prefix)
	}
	return func(yield func(store.Object, error) bool) {
		<-ctx.Done()
		yield(store.Object{}, ctx.Err())
	}
}

func TestSlowStore(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.BackUp(t, 1, time.Minute)
	opened, err := f.Program().Start(session.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var slow atomic.Bool
	opened.PutBefore(func(s store.Store) store.Store { return slowStore{s, &slow} })
	if err := opened.OpenRepository(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	f.Session = opened
	s := start(t, f, web.Limits{Grace: time.Minute, PageTime: 50 * time.Millisecond})
	token := s.token(t, access.Admin, "*")
	slow.Store(true)
	var all sync.WaitGroup
	for range 3 { // nobody waits for long behind another one
		for _, path := range []string{"/", "/repository", "/snapshots/latest:app", "/api/v1/status"} {
			all.Go(func() {
				answer, body := s.get(t, path, token)
				want(t, path, answer, body, http.StatusServiceUnavailable)
				if !strings.Contains(body, "is slow, or does not answer") {
					t.Errorf("%s: got %s", path, body)
				}
			})
		}
	}
	all.Wait()
	slow.Store(false)
	s = start(t, f, limits)
	answer, body := s.get(t, "/repository", token)
	want(t, "when it answers again", answer, body, http.StatusOK)
}
