package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"firn/access"
	"firn/internal/sessiontest"
)

// formType is the type of a form's body.
var formType = []string{"Content-Type", "application/x-www-form-urlencoded"}

// jobField finds the ID of the job that a form may begin.
var jobField = regexp.MustCompile(`name="job" value="([A-Z2-7]{26})"`)

// formOf returns the fields of a page's first form that begins a job.
func (s *stand) formOf(t *testing.T, path, token string) url.Values {
	t.Helper()
	answer, body := s.get(t, path, token)
	want(t, path, answer, body, http.StatusOK)
	found := jobField.FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("%s has no form: %s", path, body)
	}
	return url.Values{"job": {found[1]}}
}

// send sends a form with a token.
func (s *stand) send(t *testing.T, path, token string, form url.Values, header ...string) (*http.Response, string) {
	t.Helper()
	return s.do(t, http.MethodPost, path, form.Encode(), append(append(bearer(token), formType...), header...)...)
}

// job is a job as the API tells it.
type job struct {
	ID, What, Environment, Snapshot, State, Done, Error, Hint, From string
	Code                                                            int
	Messages                                                        []struct{ Kind, Text string }
}

// finish sends a form, and waits for the end of the job to which it leads.
func (s *stand) finish(t *testing.T, path, token string, form url.Values) job {
	t.Helper()
	answer, body := s.send(t, path, token, form)
	want(t, path, answer, body, http.StatusSeeOther)
	id, ok := strings.CutPrefix(answer.Header.Get("Location"), "/work/")
	if !ok {
		t.Fatalf("%s leads to %q", path, answer.Header.Get("Location"))
	}
	return s.ended(t, id, token)
}

// ended asks for a job until it has ended.
func (s *stand) ended(t *testing.T, id, token string) job {
	t.Helper()
	for {
		answer, body := s.get(t, "/api/v1/work/"+id, token)
		want(t, "job", answer, body, http.StatusOK)
		if j := decode[job](t, body); j.State != "running" || t.Failed() {
			return j
		}
	}
}

// snapshots returns how many snapshots of the environment app there are.
func (s *stand) snapshots(t *testing.T) int {
	t.Helper()
	return len(s.Catalog(t).All)
}

func TestBackUpNow(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Admin, "*")
	s.Exec(t, "INSERT INTO t VALUES (1)")
	form := s.formOf(t, "/databases/app", token)
	j := s.finish(t, "/databases/app/backup", token, form)
	if j.State != "done" || j.What != "backup" || j.Environment != "app" || !strings.Contains(j.Done, "Took a snapshot") || j.ID != form.Get("job") || j.From != "127.0.0.1" {
		t.Errorf("got %+v", j)
	}
	if got := s.snapshots(t); got != 2 {
		t.Errorf("got %d snapshots, want 2", got)
	}
	if again := s.finish(t, "/databases/app/backup", token, form); again.ID != j.ID || s.snapshots(t) != 2 {
		t.Errorf("the form again: got %+v, %d snapshots", again, s.snapshots(t))
	}
	answer, body := s.get(t, "/work/"+j.ID, token)
	want(t, "page of the job", answer, body, http.StatusOK)
	for _, part := range []string{">Done<", "Back up app", "Took a snapshot", "All copies of app", "from 127.0.0.1", "/static/refresh.js"} {
		if !strings.Contains(body, part) {
			t.Errorf("page of the job: no %q in %s", part, body)
		}
	}
	if strings.Contains(body, "data-refresh") || strings.Contains(body, "http-equiv") {
		t.Error("the page of a job that has ended asks to be refreshed")
	}
	answer, body = s.get(t, "/work", token)
	want(t, "list", answer, body, http.StatusOK)
	if strings.Count(body, `href="/work/`+j.ID) != 1 || !strings.Contains(body, "Nothing runs now.") {
		t.Errorf("list: got %s", body)
	}
}

func TestFormsAreRefused(t *testing.T) {
	t.Parallel()
	s := small(t)
	admin, restore := s.token(t, access.Admin, "*"), s.token(t, access.Restore, "*")
	answer, body := s.send(t, "/databases/app/backup", admin, s.formOf(t, "/databases/app", admin), "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	want(t, "another site", answer, body, http.StatusForbidden)
	answer, body = s.send(t, "/databases/app/backup", restore, s.formOf(t, "/databases/app", admin))
	want(t, "without the scope", answer, body, http.StatusForbidden)
	for name, form := range map[string]url.Values{"None": {}, "Invented": {"job": {strings.Repeat("A", 26)}}, "Hostile": {"job": {"../<script>"}}} {
		answer, body = s.send(t, "/databases/app/backup", admin, form)
		want(t, name, answer, body, http.StatusConflict)
	}
	answer, body = s.send(t, "/databases/nowhere/backup", admin, s.formOf(t, "/databases/app", admin))
	want(t, "unknown environment", answer, body, http.StatusNotFound)
	if got := s.snapshots(t); got != 1 {
		t.Errorf("got %d snapshots, want 1", got)
	}
	_, body = s.get(t, "/databases/app", restore)
	if strings.Contains(body, "Back up now") {
		t.Error("the page shows a button that needs another scope")
	}
}

func TestJobsOfOthersAreNotThere(t *testing.T) {
	t.Parallel()
	s := small(t)
	admin, other, status := s.token(t, access.Admin, "*"), s.token(t, access.Admin, "other"), s.token(t, access.Status, "app")
	j := s.finish(t, "/databases/app/backup", admin, s.formOf(t, "/databases/app", admin))
	for _, path := range []string{"/work/" + j.ID, "/api/v1/work/" + j.ID, "/work/" + strings.Repeat("A", 26), "/work/..%2f..", "/work/%3Cscript%3E"} {
		answer, body := s.get(t, path, other)
		want(t, path, answer, body, http.StatusNotFound)
		if strings.Contains(body, "<script>") {
			t.Errorf("%s: got %s", path, body)
		}
	}
	for _, path := range []string{"/work", "/api/v1/work"} {
		if _, body := s.get(t, path, other); strings.Contains(body, j.ID) {
			t.Errorf("%s has a job of another's environment", path)
		}
		if _, body := s.get(t, path, status); !strings.Contains(body, j.ID) || strings.Contains(body, "127.0.0.1") {
			t.Errorf("%s of a token of the status: got %s", path, body)
		}
	}
	form := s.formOf(t, "/databases/app", admin)
	s.finish(t, "/databases/app/backup", admin, form)
	answer, _ := s.send(t, "/databases/other/backup", other, form) // another's form begins nothing, and tells nothing
	answer, body := s.get(t, answer.Header.Get("Location"), other)
	want(t, "job of another's form", answer, body, http.StatusNotFound)
}

func TestFailureIsTold(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Admin, "*")
	j := s.finish(t, "/databases/other/backup", token, s.formOf(t, "/databases/other", token))
	if j.State != "failed" || j.Code != 3 || j.Hint == "" || !strings.Contains(j.Error, "back up other") {
		t.Errorf("got %+v", j)
	}
	if _, body := s.get(t, "/work/"+j.ID, token); !strings.Contains(body, ">Failed<") || !strings.Contains(body, "firn never creates one") {
		t.Errorf("page: got %s", body)
	}
}

func TestChangesOfProgramsAreListed(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Admin, "*")
	answer, body := s.post(t, "/api/v1/snapshots/latest:app/verify", token, "")
	want(t, "verify", answer, body, http.StatusOK)
	_, list := s.get(t, "/api/v1/work", token)
	if jobs := decode[[]job](t, list); len(jobs) != 1 || jobs[0].What != "verify" || jobs[0].State != "done" || !strings.Contains(jobs[0].Done, "is sound") {
		t.Errorf("got %s", list)
	}
}

func TestEnvironmentThatIsNotConfiguredHere(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "[env.other]\ndatabase = \"other.db\"\n")
	f.BackUp(t, 1, time.Minute)
	f.Conf.Env["gone"] = f.Conf.Env["app"]
	delete(f.Conf.Env, "app")
	s := start(t, f, limits)
	token := s.token(t, access.Admin, "app")
	if _, body := s.get(t, "/databases/app", token); strings.Contains(body, "Back up now") {
		t.Error("there is a button for a backup")
	}
	form := s.formOf(t, "/snapshots/latest:app", token)
	for _, path := range []string{"/databases/app/backup", "/databases/app/undo"} {
		answer, body := s.send(t, path, token, form)
		want(t, path, answer, body, http.StatusBadRequest)
		if !strings.Contains(body, "not configured here") || strings.Contains(body, "other") {
			t.Errorf("%s: got %s", path, body)
		}
	}
	answer, body := s.post(t, "/api/v1/databases/app/restore", token, `{"snapshot":"latest:app"}`)
	want(t, "restore by the API", answer, body, http.StatusBadRequest)
	if strings.Contains(body, "other") {
		t.Errorf("restore by the API: got %s", body)
	}
}

// TestHostileNamesOfWork goes through all pages of work with an environment whose name is HTML, and looks for it as such.
func TestHostileNamesOfWork(t *testing.T) {
	t.Parallel()
	const name = `"><img src=x onerror=alert(1)>{{.}}'; DROP TABLE t;--`
	f := sessiontest.New(t, "[env."+strconv.Quote(name)+"]\ndatabase = \"<b>.db\"\nstop = \"true '<script>alert(1)</script>\\u001b[31m'\"\nstart = \"true\"\n")
	f.Exec(t, `CREATE TABLE "<script>alert(1)</script>"(a)`)
	f.BackUp(t, 1, time.Minute)
	s := start(t, f, limits)
	token := s.token(t, access.Admin, "*")
	id := s.Catalog(t).All[0].ID.String()
	page := "/snapshots/" + id + "/restore?" + url.Values{"env": {name}}.Encode()
	form := s.planForm(t, page, token, name)
	form.Set("env", name)
	jobs := []job{s.finish(t, "/snapshots/"+id+"/restore", token, form)}
	if jobs[0].State != "done" {
		t.Fatalf("restore: got %+v", jobs[0])
	}
	path := "/databases/" + url.PathEscape(name)
	jobs = append(jobs, s.finish(t, path+"/backup", token, s.formOf(t, "/snapshots/"+id, token)), s.finish(t, "/snapshots/"+id+"/tag", token, url.Values{
		"job": s.formOf(t, "/snapshots/"+id, token)["job"], "tag": {"<b>bold</b>"},
	}))
	paths := []string{page, path, path + "/undo", "/snapshots/" + id, "/snapshots/" + id + "/restore", "/work", "/log", "/repository", "/"}
	for _, j := range jobs {
		paths = append(paths, "/work/"+j.ID)
	}
	for _, path := range paths {
		_, body := s.get(t, path, token)
		for _, bad := range []string{"<img", "<script>alert", "<b>", "\x1b"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s has %q", path, bad)
			}
		}
		if !strings.Contains(body, "</html>") {
			t.Errorf("%s: got %s", path, body)
		}
	}
}
