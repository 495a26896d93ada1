package firn_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn"
)

// TestEnvironmentIsOfOneDatabase checks that a restore into one file can never reach another one which has its environment's name.
func TestEnvironmentIsOfOneDatabase(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	taken := f.backUp(firn.BackupOptions{}).Snapshot
	f.exec("users.db", "CREATE TABLE user(name TEXT)")
	users := f.repo.Database(f.path("users.db"), firn.Environment{Name: "production"})
	_, err := users.Restore(t.Context(), taken, firn.RestoreOptions{})
	if err == nil || !strings.Contains(err.Error(), f.path("app.db")) {
		t.Errorf("another database of the environment: got %v", err)
	}
	plan, err := f.app.PlanRestore(t.Context(), taken, firn.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	if plan.Target.Path != f.app.Path() {
		t.Errorf("the target is %s, want %s", plan.Target.Path, f.app.Path())
	}
}

// TestHandlesKeepTheirEnvironments has two handles of one database, of which the later one would forget more.
func TestHandlesKeepTheirEnvironments(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	f.backUpTimes(3)
	f.repo.Database(f.path("app.db"), firn.Environment{Name: "production", Keep: firn.Keep{Last: 1}})
	if _, err := f.app.Retain(t.Context(), firn.RetainOptions{}); err != nil {
		t.Error(err)
	}
	if n := len(f.all()); n != 3 {
		t.Errorf("%d snapshots stay without a rule of this handle, want 3", n)
	}
}

func TestLatestIsOfTheDatabase(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	want := f.backUp(firn.BackupOptions{}).Snapshot
	_, err := f.repo.BackUpStream(t.Context(), strings.NewReader("text"), "notes", firn.Environment{Name: "production"}, firn.BackupOptions{Accept: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.app.Latest(t.Context()); err != nil || got.ID != want.ID {
		t.Errorf("got %v, %v, want %s", got, err, want.ID)
	}
}

// TestCopyForgetsByGivenRules copies with a prune from a program that knows no rules of the environment.
func TestCopyForgetsByGivenRules(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	f.backUpTimes(13)
	offsite := f.open(f.path("offsite"), firn.Options{KeyFile: f.path("offsite.key"), Create: true})
	stranger := f.open(f.path("repo"), firn.Options{KeyFile: f.key})
	for range 2 {
		result, err := stranger.CopyTo(t.Context(), offsite, firn.CopyOptions{Prune: true})
		if err != nil || result.LeftOut > 0 || len(result.Forgotten) > 0 {
			t.Errorf("without rules: %+v, %v", result, err)
		}
	}
	result, err := stranger.CopyTo(t.Context(), offsite, firn.CopyOptions{Prune: true, Keep: firn.Keep{Last: 2}})
	if err != nil || len(result.Forgotten) != 11 {
		t.Errorf("with rules: %+v, %v", result, err)
	}
}

// TestRetainKeepsWhatRestoresReplaced gives a policy with a time for what restores have replaced, and one without.
func TestRetainKeepsWhatRestoresReplaced(t *testing.T) {
	t.Parallel()
	clock := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	f := newFixture(t, firn.Environment{})
	r := f.open(f.path("timed"), firn.Options{KeyFile: f.key, Create: true, Now: clock.Now})
	app := r.Database(f.path("app.db"), firn.Environment{Name: "production", Keep: firn.Keep{Last: 5, PreRestore: 90 * 24 * time.Hour}})
	first, err := app.Backup(t.Context(), firn.BackupOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f.exec("app.db", "INSERT INTO item(name) VALUES('two')")
	replaced, err := app.Restore(t.Context(), first.Snapshot, firn.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	clock.advance(60 * 24 * time.Hour)
	for _, step := range []struct {
		keep firn.Keep
		gone bool
	}{{firn.Keep{Last: 1}, false}, {firn.Keep{Last: 1, PreRestore: time.Hour}, true}} {
		f.exec("app.db", "INSERT INTO item(name) VALUES('three')")
		if _, err := app.Backup(t.Context(), firn.BackupOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := app.Retain(t.Context(), firn.RetainOptions{Keep: step.keep}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Find(t.Context(), replaced.Saved.ID.String()); errors.Is(err, firn.ErrNotFound) != step.gone {
			t.Errorf("keep %v: what was replaced is found with %v", step.keep, err)
		}
	}
}

// TestRelativePathsStay has the program change its working folder after it has named its files.
func TestRelativePathsStay(t *testing.T) {
	f := newFixture(t, firn.Environment{})
	t.Chdir(f.dir)
	if err := os.WriteFile("scrub.sql", []byte("UPDATE item SET name = 'demo'"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := firn.Open(t.Context(), "relative", firn.Options{KeyFile: "relative.key", Create: true, CacheDir: "cache"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	app := r.Database("app.db", firn.Environment{Name: "production"})
	demo := r.Database("demo.db", firn.Environment{Name: "demo", Scrub: "scrub.sql"})
	elsewhere := t.TempDir()
	t.Chdir(elsewhere)
	result, err := app.Backup(t.Context(), firn.BackupOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := demo.Restore(t.Context(), result.Snapshot, firn.RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	latest, err := app.Latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := latest.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(elsewhere, "*")); len(left) > 0 {
		t.Errorf("files appear in the new working folder: %s", left)
	}
}

// TestPatternsOfAFile uses a configuration whose pattern stands for the environments of files that come and go.
func TestPatternsOfAFile(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	config := fmt.Sprintf("repository = \"repo\"\nkey_file = %q\n[env.\"tenant-*\"]\ndatabase = \"t-*.db\"\n", f.key)
	if err := os.WriteFile(f.path("firn.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	r := f.open("", firn.Options{ConfigFile: f.path("firn.toml"), CacheDir: f.path("cache")})
	f.exec("t-acme.db", "CREATE TABLE item(name)")
	if got := r.Environments(); len(got) != 1 || got[0] != "tenant-acme" {
		t.Errorf("got %q", got)
	}
	acme := r.Environment("tenant-acme")
	taken, err := acme.Backup(t.Context(), firn.BackupOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f.exec("t-bolt.db", "CREATE TABLE item(name)")
	if err := os.Remove(acme.Path()); err != nil {
		t.Fatal(err)
	}
	status, err := r.Status(t.Context())
	if err != nil || len(status.States) != 2 || status.States[0].Vanished != acme.Path() || status.States[0].Judged || !status.States[1].Judged {
		t.Errorf("got %+v, %v, want a vanished environment, and one without a snapshot", status, err)
	}
	if _, err := r.Environment("tenant-acme").Restore(t.Context(), taken.Snapshot, firn.RestoreOptions{}); err != nil {
		t.Error(err)
	}
	if got := r.Environments(); len(got) != 2 {
		t.Errorf("got %q", got)
	}
	other := r.Database(f.path("app.db"), firn.Environment{Name: "tenant-acme"})
	if _, err := other.Backup(t.Context(), firn.BackupOptions{}); err == nil {
		t.Error("another database took the name of a pattern's environment")
	}
}
