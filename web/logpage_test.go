package web_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"firn/access"
)

func TestLogTellsWhatWasDone(t *testing.T) {
	t.Parallel()
	s := small(t)
	admin, other := s.token(t, access.Admin, "*"), s.token(t, access.Admin, "other")
	done := s.finish(t, "/databases/app/backup", admin, s.formOf(t, "/databases/app", admin))
	failed := s.finish(t, "/databases/other/backup", other, s.formOf(t, "/databases/other", other))
	s.finish(t, "/repository/prune", admin, s.formOf(t, "/repository", admin))
	for _, what := range []string{"restore\" onload=\"x", "<script>alert(1)</script>"} {
		if err := s.log.Begin(access.Event{ID: strings.Repeat("Z", 26), Who: "<b>", From: "\x1b[31m", What: what, Environment: "app", Snapshot: "'; DROP"}); err != nil {
			t.Fatal(err)
		}
	}
	answer, body := s.get(t, "/log", admin)
	want(t, "log", answer, body, http.StatusOK)
	for _, part := range []string{"/work/" + done.ID, "/work/" + failed.ID, "Back up app", "Took a snapshot", "firn never", "Prune the repository", "Freed ", ">Interrupted<", "admin other", "127.0.0.1"} {
		if part != "firn never" && !strings.Contains(body, part) {
			t.Errorf("log: no %q in %s", part, body)
		}
	}
	for _, bad := range []string{"<script>alert", "<b>", "\x1b", `onload="x`} {
		if strings.Contains(body, bad) {
			t.Errorf("log has %q", bad)
		}
	}
	if strings.Index(body, ">Interrupted<") > strings.Index(body, "Prune the") || strings.Index(body, "Prune the") > strings.Index(body, "Back up app") {
		t.Error("the newest does not come first")
	}
	_, body = s.get(t, "/log", other)
	if strings.Contains(body, done.ID) || strings.Contains(body, "Prune") || !strings.Contains(body, failed.ID) {
		t.Errorf("log of a token of one environment: got %s", body)
	}
	answer, body = s.get(t, "/log", s.token(t, access.Restore, "*"))
	want(t, "without the scope", answer, body, http.StatusForbidden)
	answer, body = s.get(t, "/log?before=x", admin)
	want(t, "no place", answer, body, http.StatusBadRequest)
}

func TestLongAndDamagedLogIsReadInPages(t *testing.T) {
	t.Parallel()
	s := small(t)
	admin, other := s.token(t, access.Admin, "*"), s.token(t, access.Admin, "other")
	file, err := os.OpenFile(s.Path("serve/audit.jsonl"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		if _, err := fmt.Fprintf(file, `{"id":"%026d","time":"2026-03-15T03:12:00Z","who":"a","from":"b","what":"pin","environment":"app","stage":"begun"}`+"\n", i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := fmt.Fprintf(file, "%s\n<script>damaged\x00\n", strings.Repeat("x", 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	path, pages, seen := "/log", 0, 0
	for path != "" {
		answer, body := s.get(t, path, admin)
		want(t, path, answer, body, http.StatusOK)
		if pages == 0 && (strings.Count(body, ">Damaged<") != 2 || strings.Contains(body, "<script>damaged") || len(body) > 100_000) {
			t.Errorf("damaged lines: got %d bytes: %.3000s", len(body), body)
		}
		seen += strings.Count(body, ">Interrupted<")
		_, older, ok := strings.Cut(body, `href="?before=`)
		if path = ""; ok {
			place, _, _ := strings.Cut(older, `"`)
			path = "/log?before=" + place
		}
		if pages++; pages > 20 {
			t.Fatal("the log has no beginning")
		}
	}
	if seen != 1000 || pages < 10 {
		t.Errorf("got %d changes on %d pages", seen, pages)
	}
	if _, body := s.get(t, "/log", other); strings.Contains(body, "Damaged") {
		t.Error("a token of one environment sees damaged lines of any")
	}
}

// TestRestartTellsOfInterruptedWork has a log with a restore that was killed.
func TestRestartTellsOfInterruptedWork(t *testing.T) {
	t.Parallel()
	s := small(t)
	id := strings.Repeat("K", 26)
	if err := s.log.Begin(access.Event{ID: id, Who: "a", From: "192.0.2.7", What: "restore", Environment: "app", Snapshot: s.Catalog(t).All[0].ID.String()}); err != nil {
		t.Fatal(err)
	}
	answer, body := s.get(t, "/work/"+id, s.token(t, access.Status, "app"))
	want(t, "page", answer, body, http.StatusOK)
	for _, part := range []string{">Interrupted<", "Restore app from snapshot", "as it was before, or as the snapshot", `href="/databases/app"`} {
		if !strings.Contains(body, part) {
			t.Errorf("no %q in %s", part, body)
		}
	}
	if strings.Contains(body, "192.0.2.7") {
		t.Error("an address is shown to a token of the status")
	}
	answer, body = s.get(t, "/api/v1/work/"+id, s.token(t, access.Admin, "*"))
	want(t, "API", answer, body, http.StatusOK)
	if j := decode[job](t, body); j.State != "interrupted" || j.What != "restore" || j.From != "192.0.2.7" {
		t.Errorf("API: got %+v", j)
	}
	answer, body = s.get(t, "/work/"+id, s.token(t, access.Admin, "other"))
	want(t, "another's", answer, body, http.StatusNotFound)
}
