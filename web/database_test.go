package web_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"firn/access"
	"firn/backup"
	"firn/internal/sessiontest"
	"firn/session"
)

func TestZoomOfADatabase(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	taken := f.BackUp(t, 5, 24*time.Hour)
	f.Clock = f.Clock.Add(time.Hour)
	s := start(t, f, limits)
	token := s.token(t, access.Read, "*")
	for path, shown := range map[string][]int{
		"":              {0, 1, 2, 3, 4},
		"?last=day":     {4},
		"?last=week":    {0, 1, 2, 3, 4},
		"?last=hour":    {4},
		"?last=century": {0, 1, 2, 3, 4},
		"?" + url.Values{"from": {taken[1].Time.Format(time.RFC3339)}, "to": {taken[3].Time.Format(time.RFC3339)}}.Encode(): {1, 2, 3},
		"?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z":                                                                {},
	} {
		answer, body := s.get(t, "/databases/app"+path, token)
		want(t, path, answer, body, http.StatusOK)
		var got []int
		for i, snap := range taken {
			if strings.Contains(body, ">"+snap.ID.Short()+"</td>") {
				got = append(got, i)
			}
		}
		if len(got) != len(shown) || len(got) > 0 && (got[0] != shown[0] || got[len(got)-1] != shown[len(shown)-1]) {
			t.Errorf("%s: got the copies %v, want %v", path, got, shown)
		}
		if !strings.Contains(body, `<svg class="timeline"`) {
			t.Errorf("%s: got no picture", path)
		}
	}
	for _, path := range []string{"?from=yesterday", "?from=2026-03-15T00:00:00Z&to=2026-03-15T00:00:00Z", "?to=2001-01-01T00:00:00Z&from=2002-01-01T00:00:00Z", "?from=0001-01-01T00:00:00Z&to=9999-01-01T00:00:00Z"} {
		answer, body := s.get(t, "/databases/app"+path, token)
		want(t, path, answer, body, http.StatusBadRequest)
	}
	_, body := s.get(t, "/databases/app?last=day&all=1", token)
	for _, text := range []string{`href="?all=1&amp;last=day" aria-current="true">Last day`, "Earlier", "Wider", `href="?all=1">All`} {
		if !strings.Contains(body, text) {
			t.Errorf("the last day lacks %q", text)
		}
	}
}

func TestTrialOfRules(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.BackUp(t, 5, 24*time.Hour)
	s := start(t, f, limits)
	token := s.token(t, access.Status, "*")
	_, body := s.get(t, "/databases/app", token)
	for _, text := range []string{"last 1, hourly, daily", `name="keep-last" value="10"`, `name="keep-yearly" value="all"`, "<summary>Try other rules"} {
		if !strings.Contains(body, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
	if strings.Contains(body, "would keep") {
		t.Error("the page tries rules that it was not asked for")
	}
	for path, tt := range map[string]struct {
		status int
		text   string
		goes   int
	}{
		"?keep-last=2":                         {http.StatusOK, "These rules would keep 2 of 5 copies; 3 would go, and a prune would free up to ", 3},
		"?keep-daily=3":                        {http.StatusOK, "would keep 3 of 5 copies; 2 would go", 2},
		"?keep-last=all&keep-daily=":           {http.StatusOK, "These rules would keep all 5 copies.", 0},
		"?keep-last=":                          {http.StatusOK, "no retention rule keeps anything", 0},
		"?keep-last=-1":                        {http.StatusBadRequest, "", 0},
		"?keep-last=%3Cb%3E":                   {http.StatusBadRequest, "", 0},
		"?keep-last=1&last=day":                {http.StatusOK, "would keep 1 of 5 copies; 4 would go", 1},
		"?keep-last=2&goes=1":                  {http.StatusOK, "would keep 2 of 5 copies; 3 would go", 3},
		"?keep-hourly=1&from=2020-01-01&skip=": {http.StatusBadRequest, "", 0},
	} {
		answer, body := s.get(t, "/databases/app"+path, token)
		want(t, path, answer, body, tt.status)
		if got := strings.Count(body, `<tr class="goes">`); !strings.Contains(body, tt.text) || got != tt.goes {
			t.Errorf("%s: got %d that go, want %d, and %q", path, got, tt.goes, tt.text)
		}
	}
	if _, body = s.get(t, "/databases/app?keep-last=2", token); !strings.Contains(body, `href="?goes=1&amp;keep-last=2"`) {
		t.Error("no link to what would go")
	}
	if _, body = s.get(t, "/databases/app?keep-last=2&goes=1", token); strings.Count(body, `<th scope="row">`) != 3 {
		t.Error("what would go is not alone")
	}
	if n := len(f.Catalog(t).All); n != 5 {
		t.Errorf("%d snapshots are left, want 5: a trial has removed some", n)
	}
}

func TestHomeSaysOfWhenItIs(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.BackUp(t, 1, time.Minute)
	f.Clock = f.Clock.Add(time.Minute)
	s := start(t, f, limits)
	token := s.token(t, access.Status, "*")
	as := func(clock time.Time) string { return `<time datetime="` + clock.UTC().Format(time.RFC3339) + `">` }
	first := f.Clock
	if _, body := s.get(t, "/", token); !strings.Contains(body, "As of "+as(first)) || !strings.Contains(body, "copy is 1 min old") {
		t.Errorf("got %s", body)
	}
	f.Clock = f.Clock.Add(9 * time.Second)
	f.Exec(t, "INSERT INTO t VALUES (1)")
	f.Take(t, backup.Options{})
	_, body := s.get(t, "/", token)
	if old := strings.Contains(body, as(first)) && strings.Contains(body, "copy is 1 min old"); !old {
		t.Errorf("the page waits for what it reads meanwhile, or does not say of when it is: %s", body)
	}
	_, status := s.get(t, "/api/v1/status", token) // which says of no other time, and waits
	if !strings.Contains(status, `"age":0,`) {
		t.Errorf("got %s", status)
	}
	if _, body = s.get(t, "/", token); !strings.Contains(body, as(f.Clock)) || !strings.Contains(body, "copy is 0 s old") {
		t.Errorf("the page is older than what a program was told: %s", body)
	}
}

func TestHomeWithoutARepository(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.BackUp(t, 1, time.Minute)
	s := start(t, f, limits)
	token := s.token(t, access.Admin, "*")
	if err := os.Rename(f.Path("repo"), f.Path("away")); err != nil {
		t.Fatal(err)
	}
	answer, body := s.get(t, "/", token)
	want(t, "home", answer, body, http.StatusServiceUnavailable)
	if !strings.Contains(body, `<h1 class="sentence bad">Nothing is known of the databases now`) || strings.Contains(body, "rotected") || !strings.Contains(body, `role="alert"`) {
		t.Errorf("got %s", body)
	}
}

func TestHomeSaysWhatToDoFirst(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.Write(t, "firn.toml", "repository = \"repo\"\n")
	f.Session = f.Open(t, session.OpenOptions{})
	s := start(t, f, limits)
	_, body := s.get(t, "/", s.token(t, access.Admin, "*"))
	for _, text := range []string{"There is no database to protect yet.", "What to do first", f.Path("firn.toml"), "firn backup production", "firn watch"} {
		if !strings.Contains(body, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
	if _, body = s.get(t, "/", s.token(t, access.Status, "app")); strings.Contains(body, "What to do first") {
		t.Error("a token for one environment learns the path of the configuration")
	}
}
