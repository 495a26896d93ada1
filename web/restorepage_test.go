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
	"firn/internal/dbtest"
	"firn/internal/sessiontest"
)

// fingerprintField finds the fingerprint of a plan.
var fingerprintField = regexp.MustCompile(`name="fingerprint" value="([0-9a-f]{64})"`)

// planForm returns the fields of a page with a plan.
func (s *stand) planForm(t *testing.T, path, token, name string) url.Values {
	t.Helper()
	form := s.formOf(t, path, token)
	_, body := s.get(t, path, token)
	found := fingerprintField.FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("%s has no plan: %s", path, body)
	}
	form.Set("fingerprint", found[1])
	form.Set("name", name)
	return form
}

func TestRestoreAndUndoByForms(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Restore, "*")
	id := s.Catalog(t).All[0].ID.String()
	s.Exec(t, "DELETE FROM t")
	if _, body := s.get(t, "/databases/app", token); strings.Contains(body, "Undo the last restore") {
		t.Error("there is something to undo before anything was restored")
	}
	answer, body := s.get(t, "/snapshots/"+id+"/restore", token)
	want(t, "choice", answer, body, http.StatusOK)
	if !strings.Contains(body, `<option value="other">`) || strings.Contains(body, "fingerprint") {
		t.Errorf("choice: got %s", body)
	}
	page := "/snapshots/" + id + "/restore?env=app"
	_, body = s.get(t, page, token)
	for _, part := range []string{"app.db", "This replaces the database", "1 in 1 table", "0 in 1 table", "saved first, as a snapshot", "Type <strong>app</strong>"} {
		if !strings.Contains(body, part) {
			t.Errorf("plan: no %q in %s", part, body)
		}
	}
	form := s.planForm(t, page, token, "app")
	form.Set("env", "app")
	j := s.finish(t, "/snapshots/"+id+"/restore", token, form)
	if j.State != "done" || j.What != "restore" || !strings.Contains(j.Done, "Restored ") || count(t, s.Fixture) != 1 {
		t.Fatalf("restore: got %+v, %d rows", j, count(t, s.Fixture))
	}
	if again := s.finish(t, "/snapshots/"+id+"/restore", token, form); again.ID != j.ID {
		t.Errorf("the form again has begun %s", again.ID)
	}
	_, body = s.get(t, "/work/"+j.ID, token)
	if !strings.Contains(body, `<a href="/databases/app/undo">Undo</a>`) {
		t.Errorf("the job offers no undo: %s", body)
	}
	if _, body := s.get(t, "/databases/app", token); !strings.Contains(body, "Undo the last restore") {
		t.Error("the page of the database offers no undo")
	}
	form = s.planForm(t, "/databases/app/undo", token, "app")
	if j = s.finish(t, "/databases/app/undo", token, form); j.State != "done" || j.What != "undo" || count(t, s.Fixture) != 0 {
		t.Errorf("undo: got %+v, %d rows", j, count(t, s.Fixture))
	}
}

func TestRestoreFormIsChecked(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Restore, "*")
	path := "/snapshots/" + s.Catalog(t).All[0].ID.String() + "/restore"
	s.Exec(t, "DELETE FROM t")
	for name, tt := range map[string]struct {
		change func(url.Values)
		status int
		text   string
	}{
		"NoName":        {func(f url.Values) { f.Del("name") }, http.StatusUnprocessableEntity, "the name was not typed"},
		"WrongName":     {func(f url.Values) { f.Set("name", "App") }, http.StatusUnprocessableEntity, "the name was not typed"},
		"OtherPlan":     {func(f url.Values) { f.Set("fingerprint", strings.Repeat("0", 64)) }, http.StatusConflict, "the plan is another one now"},
		"NoFingerprint": {func(f url.Values) { f.Del("fingerprint") }, http.StatusConflict, "the plan is another one now"},
		"OtherTarget":   {func(f url.Values) { f.Set("env", "other"); f.Set("name", "other") }, http.StatusConflict, "the plan is another one now"},
		"NoForm":        {func(f url.Values) { f.Del("job") }, http.StatusConflict, "too old"},
		"NoTarget":      {func(f url.Values) { f.Set("env", "nowhere") }, http.StatusNotFound, "nowhere"},
	} {
		form := s.planForm(t, path+"?env=app", token, "app")
		form.Set("env", "app")
		tt.change(form)
		answer, body := s.send(t, path, token, form)
		want(t, name, answer, body, tt.status)
		if !strings.Contains(body, tt.text) {
			t.Errorf("%s: no %q in %s", name, tt.text, body)
		}
		if tt.status != http.StatusNotFound && name != "NoForm" && !fingerprintField.MatchString(body) {
			t.Errorf("%s: the plan is not shown again", name)
		}
	}
	form := s.planForm(t, path+"?env=app", token, "app")
	form.Set("env", "app")
	s.Exec(t, "PRAGMA user_version = 7")
	answer, body := s.send(t, path, token, form)
	want(t, "the schema has changed", answer, body, http.StatusConflict)
	answer, body = s.send(t, path, s.token(t, access.Read, "*"), form)
	want(t, "without the scope", answer, body, http.StatusForbidden)
	if got := count(t, s.Fixture); got != 0 {
		t.Errorf("something was restored: got %d rows", got)
	}
	if _, list := s.get(t, "/api/v1/work", token); list != "[]\n" {
		t.Errorf("jobs: got %s", list)
	}
}

func TestCloneIntoAnotherEnvironment(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Restore, "*")
	id := s.Catalog(t).All[0].ID.String()
	page := "/snapshots/" + id + "/restore?env=other"
	if _, body := s.get(t, page, token); !strings.Contains(body, "There is no database at") || !strings.Contains(body, "nothing is there") {
		t.Errorf("plan: got %s", body)
	}
	form := s.planForm(t, page, token, "other")
	form.Set("env", "other")
	j := s.finish(t, "/snapshots/"+id+"/restore", token, form)
	if j.State != "done" || j.Environment != "other" {
		t.Fatalf("got %+v", j)
	}
	if _, err := os.Stat(s.Path("other.db")); err != nil {
		t.Error(err)
	}
	for environment, status := range map[string]int{"app": http.StatusNotFound, "other": http.StatusNotFound, "*": http.StatusOK} {
		answer, body := s.get(t, "/work/"+j.ID, s.token(t, access.Status, environment))
		want(t, "a token of "+environment, answer, body, status)
	}
	answer, body := s.get(t, page, s.token(t, access.Restore, "app"))
	want(t, "into what the token does not see", answer, body, http.StatusNotFound)
	answer, body = s.get(t, page, s.token(t, access.Restore, "other"))
	want(t, "from what the token does not see", answer, body, http.StatusNotFound)
}

func TestUnsoundSnapshotNeedsATick(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.Exec(t, "CREATE TABLE p(id INTEGER PRIMARY KEY)", "CREATE TABLE c(p REFERENCES p)", "INSERT INTO c VALUES (1)")
	s := start(t, f, limits)
	token := s.token(t, access.Admin, "*")
	j := s.finish(t, "/databases/app/backup", token, s.formOf(t, "/databases/app", token))
	if j.State != "failed" || j.Code != 13 || !strings.Contains(j.Done, "Took a snapshot") {
		t.Fatalf("backup of a database that is not sound: got %+v", j)
	}
	path := "/snapshots/" + s.Catalog(t).All[0].ID.String() + "/restore"
	form := s.planForm(t, path+"?env=app", token, "app")
	form.Set("env", "app")
	answer, body := s.send(t, path, token, form)
	want(t, "without the tick", answer, body, http.StatusUnprocessableEntity)
	if !strings.Contains(body, `name="unsound"`) {
		t.Errorf("no box: %s", body)
	}
	form.Set("unsound", "1")
	if j = s.finish(t, path, token, form); j.State != "done" {
		t.Errorf("with the tick: got %+v", j)
	}
}

func TestDamagedTargetNeedsToBeOffline(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Restore, "*")
	if err := os.WriteFile(s.Path("app.db"), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	path := "/snapshots/" + s.Catalog(t).All[0].ID.String() + "/restore"
	_, body := s.get(t, path+"?env=app", token)
	if !strings.Contains(body, `name="offline"`) || !strings.Contains(body, "left as it is") || fingerprintField.MatchString(body) {
		t.Errorf("got %s", body)
	}
	form := s.planForm(t, path+"?env=app&offline=1", token, "app")
	form.Set("env", "app")
	form.Set("offline", "1")
	if j := s.finish(t, path, token, form); j.State != "done" || !strings.Contains(j.Done, "What was there before is the file") || count(t, s.Fixture) != 1 {
		t.Errorf("got %+v", j)
	}
}

func TestSnapshotForms(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Admin, "*")
	id := s.Catalog(t).All[0].ID.String()
	page := "/snapshots/" + id
	with := func(pairs ...string) url.Values {
		form := s.formOf(t, page, token)
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	if j := s.finish(t, page+"/verify", token, with()); j.State != "done" || !strings.Contains(j.Done, "is sound") {
		t.Errorf("verify: got %+v", j)
	}
	if j := s.finish(t, page+"/pin", token, with("pinned", "1")); j.What != "pin" || !s.Catalog(t).All[0].Pinned {
		t.Errorf("pin: got %+v", j)
	}
	if j := s.finish(t, page+"/pin", token, with()); j.What != "unpin" || s.Catalog(t).All[0].Pinned {
		t.Errorf("unpin: got %+v", j)
	}
	if j := s.finish(t, page+"/tag", token, with("tag", " before-migration ")); j.State != "done" || !s.Catalog(t).All[0].Tags.Has("before-migration") {
		t.Errorf("tag: got %+v", j)
	}
	_, body := s.get(t, page, token)
	if !strings.Contains(body, "Remove tag before-migration") || strings.Contains(body, "Remove tag env_app") {
		t.Errorf("page: got %s", body)
	}
	if j := s.finish(t, page+"/tag", token, with("tag", "before-migration", "remove", "1")); j.State != "done" || s.Catalog(t).All[0].Tags.Has("before-migration") {
		t.Errorf("untag: got %+v", j)
	}
	for _, tag := range []string{"env_app", "<script>alert(1)</script>", "a\x1b[31mb"} {
		j := s.finish(t, page+"/tag", token, with("tag", tag, "remove", "1"))
		if tag == "env_app" && (j.State != "failed" || j.Code != 2) {
			t.Errorf("untag %q: got %+v", tag, j)
		}
		if _, body := s.get(t, "/work/"+j.ID, token); strings.Contains(body, "<script>alert") || strings.Contains(body, "\x1b") {
			t.Errorf("untag %q: got %s", tag, body)
		}
	}
	answer, body := s.send(t, page+"/tag", token, with("tag", " "))
	want(t, "no tag", answer, body, http.StatusBadRequest)
	restore, other := s.token(t, access.Restore, "*"), s.token(t, access.Admin, "other")
	for _, action := range []string{"verify", "pin", "tag"} {
		answer, body = s.send(t, page+"/"+action, restore, with())
		want(t, action+" without the scope", answer, body, http.StatusForbidden)
		answer, body = s.send(t, page+"/"+action, other, with())
		want(t, action+" of another's snapshot", answer, body, http.StatusNotFound)
	}
	if _, body = s.get(t, page, s.token(t, access.Read, "*")); strings.Contains(body, "<button class=\"plain\">Verify") || strings.Contains(body, "Restore or clone") {
		t.Errorf("buttons without the scope: %s", body)
	}
}

func TestSnapshotThatIsForgottenWhileItsPageIsShown(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.BackUp(t, 2, time.Minute)
	s := start(t, f, limits)
	token := s.token(t, access.Admin, "*")
	gone := s.Catalog(t).All[1]
	page := "/snapshots/" + gone.ID.String()
	form, plan := s.formOf(t, page, token), s.planForm(t, page+"/restore?env=app", token, "app")
	plan.Set("env", "app")
	if err := s.Repo.Forget(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	other := s.Catalog(t).All[0].ID.String()
	s.finish(t, "/snapshots/"+other+"/pin", token, s.formOf(t, "/snapshots/"+other, token)) // after which the lists are read anew
	for path, form := range map[string]url.Values{page + "/verify": form, page + "/restore": plan} {
		answer, body := s.send(t, path, token, form)
		want(t, path, answer, body, http.StatusNotFound)
	}
}

func TestRestoreMeetsAnotherOne(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Restore, "*")
	path := "/snapshots/" + s.Catalog(t).All[0].ID.String() + "/restore"
	form := s.planForm(t, path+"?env=app", token, "app")
	form.Set("env", "app")
	db := dbtest.Open(t, s.Path("app.db"))
	defer db.Close()
	lock, err := s.Lock("restore", s.Path("app.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if j := s.finish(t, path, token, form); j.State != "failed" || j.Code != 11 || j.Hint == "" {
		t.Errorf("got %+v", j)
	}
}
