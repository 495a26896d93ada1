package web_test

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"firn/access"
)

// sendForm sends a form with a cookie or a token.
func (s *stand) sendForm(t *testing.T, path string, form url.Values, header ...string) (*http.Response, string) {
	t.Helper()
	return s.do(t, http.MethodPost, path, form.Encode(), append(header, "Content-Type", "application/x-www-form-urlencoded")...)
}

// tokenOrder is the form of a new token.
func tokenOrder(name string, scopes ...string) url.Values {
	return url.Values{"name": {name}, "scope": scopes, "environment": {"*"}, "expires": {"90d"}}
}

// shownToken is a token in a page.
var shownToken = regexp.MustCompile(`firn_[0-9A-Za-z]{49}`)

func TestTokenIsMadeAndRemovedByPages(t *testing.T) {
	t.Parallel()
	s := small(t)
	cookie := []string{"Cookie", s.signIn(t, s.server.Link())}
	answer, body := s.sendForm(t, "/access/token", tokenOrder(`<b>"new"`, "read", "stream"), cookie...)
	want(t, "add", answer, body, http.StatusOK)
	token := shownToken.FindString(body)
	if token == "" || answer.Header.Get("Location") != "" || !strings.Contains(body, "&lt;b&gt;") || strings.Contains(body, "<b>\"") {
		t.Fatalf("add: got %s", body)
	}
	answer, text := s.get(t, "/api/v1/snapshots/latest:app/rows?table=t", token)
	want(t, "rows with the new token", answer, text, http.StatusOK)
	answer, body = s.do(t, http.MethodGet, "/access", "", cookie...)
	want(t, "page", answer, body, http.StatusOK)
	log, err := os.ReadFile(s.Path("serve/audit.jsonl"))
	if err != nil || shownToken.MatchString(body+string(log)) || strings.Count(string(log), `"what":"token add"`) != 2 {
		t.Errorf("the token is in the page or in the log, or the log lacks it: %s, %v", log, err)
	}
	for name, bad := range map[string]url.Values{
		"Again": tokenOrder(`<b>"new"`, "read"), "NoScope": tokenOrder("x"), "Scope": tokenOrder("x", "root"), "NoName": tokenOrder("", "read"),
		"Time": {"name": {"x"}, "scope": {"read"}, "environment": {"*"}, "expires": {"soon"}}, "Pattern": {"name": {"x"}, "scope": {"read"}, "environment": {"["}, "expires": {"1d"}},
	} {
		answer, body := s.sendForm(t, "/access/token", bad, cookie...)
		want(t, name, answer, body, http.StatusBadRequest)
		if shownToken.MatchString(body) || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%s: got %s", name, body)
		}
	}
	answer, body = s.sendForm(t, "/access/token/remove", url.Values{"name": {`<b>"new"`}}, cookie...)
	want(t, "remove", answer, body, http.StatusSeeOther)
	answer, body = s.get(t, "/api/v1/status", token)
	want(t, "after the removal", answer, body, http.StatusUnauthorized)
	answer, body = s.sendForm(t, "/access/token/remove", url.Values{"name": {"none"}}, cookie...)
	if answer.StatusCode == http.StatusSeeOther || !strings.Contains(body, "no token of the name") {
		t.Errorf("remove none: got %d: %s", answer.StatusCode, body)
	}
}

// TestOnlyOneWhoMayDoEverythingLetsOthersIn tries to get more rights with each token that lacks some.
func TestOnlyOneWhoMayDoEverythingLetsOthersIn(t *testing.T) {
	t.Parallel()
	s := small(t)
	for _, token := range []string{s.token(t, access.Restore, "*"), s.token(t, access.Read, "*"), s.token(t, access.Admin, "app*")} {
		for path, form := range map[string]url.Values{
			"/access/token": tokenOrder("more", "admin"), "/access/token/remove": {"name": {"read *"}}, "/access/sign-out": {"id": {"0"}},
		} {
			answer, body := s.sendForm(t, path, form, bearer(token)...)
			want(t, path, answer, body, http.StatusForbidden)
		}
		answer, body := s.get(t, "/access", token)
		want(t, "page", answer, body, http.StatusForbidden)
		if _, body := s.get(t, "/", token); strings.Contains(body, `href="/access"`) {
			t.Error("the first page leads to what is refused")
		}
	}
	admin := s.token(t, access.Admin, "*") // it ends in an hour
	answer, body := s.sendForm(t, "/access/token", tokenOrder("longer", "admin"), bearer(admin)...)
	want(t, "a token that outlives its maker", answer, body, http.StatusBadRequest)
	form := tokenOrder("never", "read")
	form.Set("expires", "never")
	answer, body = s.sendForm(t, "/access/token", form, bearer(admin)...)
	want(t, "a token that never ends", answer, body, http.StatusBadRequest)
	form.Set("expires", "10m")
	answer, body = s.sendForm(t, "/access/token", form, bearer(admin)...)
	want(t, "a token that ends earlier", answer, body, http.StatusOK)
	answer, body = s.sendForm(t, "/access/token", tokenOrder("other site", "admin"), append(bearer(admin), "Sec-Fetch-Site", "cross-site")...)
	want(t, "a page of another site", answer, body, http.StatusForbidden)
	list, err := s.tokens.List()
	if err != nil || len(list) != 5 {
		t.Errorf("got %d tokens, %v, want 5", len(list), err)
	}
}

func TestBrowsersAreSignedOutByOthers(t *testing.T) {
	t.Parallel()
	s := small(t)
	own, other := []string{"Cookie", s.signIn(t, s.server.Link())}, []string{"Cookie", s.signIn(t, s.token(t, access.Read, "*"))}
	_, body := s.do(t, http.MethodGet, "/access", "", own...)
	if strings.Count(body, "this browser") != 1 || !strings.Contains(body, "127.0.0.1") || strings.Contains(body, strings.TrimPrefix(own[1], "__Host-firn=")) {
		t.Fatalf("got %s", body)
	}
	var id string
	for _, row := range strings.Split(body, "<tr>") {
		if found := regexp.MustCompile(`name="id" value="(\w{16})"`).FindStringSubmatch(row); found != nil && !strings.Contains(row, "this browser") {
			id = found[1]
		}
	}
	answer, body := s.sendForm(t, "/access/sign-out", url.Values{"id": {id}}, own...)
	want(t, "sign out", answer, body, http.StatusSeeOther)
	answer, body = s.do(t, http.MethodGet, "/", "", other...)
	want(t, "the other browser", answer, body, http.StatusSeeOther)
	answer, body = s.do(t, http.MethodGet, "/", "", own...)
	want(t, "this browser", answer, body, http.StatusOK)
	answer, body = s.sendForm(t, "/access/sign-out", url.Values{"id": {id}}, own...)
	want(t, "again", answer, body, http.StatusNotFound)
	log, err := os.ReadFile(s.Path("serve/audit.jsonl"))
	if err != nil || strings.Count(string(log), `"what":"sign out","token":"read *"`) != 2 {
		t.Errorf("log: got %s, %v", log, err)
	}
}

func TestAccessPageListsKeys(t *testing.T) {
	t.Parallel()
	s := small(t)
	keys, err := s.Repo.Keys(t.Context())
	if err != nil || len(keys) == 0 {
		t.Fatalf("got %v, %v", keys, err)
	}
	_, body := s.get(t, "/access", s.token(t, access.Admin, "*"))
	for _, k := range keys {
		if !strings.Contains(body, k.ID) {
			t.Errorf("the page lacks the key %s", k.ID)
		}
	}
	if !strings.Contains(body, "in use") || !strings.Contains(body, time.Date(2026, 3, 15, 3, 12, 0, 0, time.UTC).Format("2006-01-02")) {
		t.Errorf("got %s", body)
	}
}
