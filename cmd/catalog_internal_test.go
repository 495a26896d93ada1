package cmd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/outcome"
	"firn/upkeep"
)

const catalogConfig = `repository = "repo"
[env.e]
database = "app.db"
[env.other]
database = "other.db"
`

// recordedSnapshots returns an operator with some snapshots of e, one of which a restore took, and
// one snapshot of another environment. It also returns the paths of the records, newest first.
func recordedSnapshots(t *testing.T) (o *operator, records []string) {
	t.Helper()
	o = newOperator(t, time.Date(2026, 3, 15, 3, 0, 0, 0, time.UTC), catalogConfig)
	o.exec("app.db", "CREATE TABLE t(k, v)")
	o.exec("other.db", "CREATE TABLE t(k, v)")
	o.want(0, "init")
	o.want(0, "backup e other")
	for range 2 {
		o.now = o.now.Add(12 * time.Minute)
		o.exec("app.db", "INSERT INTO t SELECT count(*), 'v' FROM t")
		o.want(0, "backup e")
	}
	o.want(0, "verify e")
	o.now = o.now.Add(12 * time.Minute)
	o.want(0, "restore e --snapshot latest --yes")
	o.now = o.now.Add(12 * time.Minute)
	o.want(0, "backup e")
	o.now = o.now.Add(time.Minute)
	records, err := filepath.Glob(o.path("repo/meta/snap-*"))
	if err != nil || len(records) != 6 {
		t.Fatalf("got %d records, %v", len(records), err)
	}
	return o, records
}

// forgetCache removes the cache and the state, as on a host that has never seen the repository.
func (o *operator) forgetCache() {
	o.t.Helper()
	if err := errors.Join(os.RemoveAll(o.path("cache")), os.RemoveAll(o.path("cache-state"))); err != nil {
		o.t.Fatal(err)
	}
}

func rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// choosing lists commands that choose a newest snapshot.
var choosing = [...]string{
	"query latest:e SELECT/**/1", "query latest SELECT/**/1", "query 2026-03-15 SELECT/**/1", "query 2026-03-15T03:48 SELECT/**/1",
	"query latest-verified:e SELECT/**/1", "query e SELECT/**/1 --at 2026-03-15T03:48:01", "query e@2042 SELECT/**/1",
	"dump e --at -1s -o out", "restore e --at 2026-03-16 --yes", "verify e@-1s", "diff e --at 2026-03-15T03:30 --at -1s",
	"dump latest:e -o out", "dump latest -o out", "dump 2026 -o out",
	"diff latest:other latest:e", "diff ID latest:e",
	"pin latest:e", "pin ID latest:e", "unpin latest:e", "tag add latest:e x", "tag remove latest:e x",
	"verify e", "verify --all", "verify --snapshot latest", "verify e --snapshot 2026-03-15T03:48",
	"restore e --snapshot latest --yes", "restore e --snapshot latest --dry-run", "restore e --snapshot latest:e --yes",
	"restore other --from e --snapshot latest --yes", "restore e --snapshot 2026-03-15T03 --yes",
	"restore e --snapshot latest-verified --yes", "restore e --before-schema 7 --yes", "undo e --yes", "undo other --yes",
}

// TestDamagedNewestRecord checks that no older snapshot passes for the newest one while the newest
// record cannot be read, for every kind of damage.
func TestDamagedNewestRecord(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, record string){
		"Flipped":   func(t *testing.T, r string) { rewrite(t, r, func(b []byte) []byte { b[len(b)/2] ^= 1; return b }) },
		"Cut":       func(t *testing.T, r string) { rewrite(t, r, func(b []byte) []byte { return b[:100] }) },
		"Empty":     func(t *testing.T, r string) { rewrite(t, r, func([]byte) []byte { return nil }) },
		"Version":   func(t *testing.T, r string) { rewrite(t, r, func(b []byte) []byte { b[5] = 9; return b }) },
		"NoMessage": func(t *testing.T, r string) { rewrite(t, r, func(b []byte) []byte { return make([]byte, len(b)) }) },
		"OtherName": func(t *testing.T, r string) {
			if err := os.Rename(r, r+"-0"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, records := recordedSnapshots(t)
			spoil(t, records[0])
			id := records[1][len(records[1])-32:][:8] // the ID of the snapshot before
			before := o.content("app.db")
			for _, line := range choosing {
				o.forgetCache()
				line = strings.ReplaceAll(strings.ReplaceAll(line, "ID", id), "out", o.path("out"))
				_, stderr := o.want(outcome.CodeDamage, line)
				if !strings.Contains(stderr, "cannot be read") || !strings.Contains(stderr, "firn: hint: ") {
					t.Errorf("%s: the reason or the way out is missing:\n%s", line, stderr)
				}
				if hint := "Update firn."; name == "Version" && !strings.Contains(stderr, hint) {
					t.Errorf("%s: got %s, want %s", line, stderr, hint)
				}
				if name != "OtherName" && !strings.Contains(stderr, "of 2026-03-15 03:48 UTC") {
					t.Errorf("%s: the time is missing:\n%s", line, stderr)
				}
			}
			if _, err := os.Stat(o.path("out")); err == nil || o.content("app.db") != before {
				t.Error("something was written")
			}
			if name != "OtherName" { // that one may be of any time
				o.want(0, "query e SELECT/**/1 --at 2026-03-15T03:47:59")
			}
			// Each other snapshot is available by its ID.
			o.want(0, "query "+id+" SELECT/**/1")
			o.want(0, "pin "+id)
			o.want(0, "restore e --yes --snapshot "+id)
		})
	}
}

// TestDamagedOlderRecord checks that a damaged record does not prevent the use of a snapshot that
// is certainly newer.
func TestDamagedOlderRecord(t *testing.T) {
	t.Parallel()
	o, records := recordedSnapshots(t)
	rewrite(t, records[3], func(b []byte) []byte { return b[:100] })
	for _, line := range []string{"query latest:e SELECT/**/1", "query 2026-03-15T03:48 SELECT/**/1", "query e SELECT/**/1 --at -1s", "verify e", "restore e --snapshot latest --yes"} {
		o.forgetCache()
		if _, stderr := o.want(0, line); strings.HasPrefix(line, "query latest") && !strings.Contains(stderr, "firn: warning: the record of an older snapshot, of 2026-03-15 03:12 UTC, cannot be read") {
			t.Errorf("%s: got %q, want a warning", line, stderr)
		}
	}
	o.want(outcome.CodeDamage, "query latest:other SELECT/**/1") // other's newest snapshot is older than the damaged record
	o.want(outcome.CodeDamage, "query latest:nobody SELECT/**/1")
	o.want(outcome.CodeDamage, "verify nobody")
	o.want(outcome.CodeFailed, "query 2025 SELECT/**/1")
}

// TestDamagedNote checks that latest-verified is refused while a note cannot be read, because that
// note may hold the result of a verification.
func TestDamagedNote(t *testing.T) {
	t.Parallel()
	o, _ := recordedSnapshots(t)
	o.want(0, "query latest-verified:e SELECT/**/1")
	o.want(0, "verify e --full")
	notes, err := filepath.Glob(o.path("repo/meta/note-*"))
	if err != nil || len(notes) == 0 {
		t.Fatalf("got %d notes, %v", len(notes), err)
	}
	for _, note := range notes {
		rewrite(t, note, func(b []byte) []byte { return b[:100] })
	}
	o.forgetCache()
	for _, line := range []string{"query latest-verified:e SELECT/**/1", "restore e --snapshot latest-verified --yes", "query latest-verified SELECT/**/1"} {
		if _, stderr := o.want(outcome.CodeDamage, line); !strings.Contains(stderr, "its last verification is unknown") {
			t.Errorf("%s: got %q", line, stderr)
		}
	}
	o.want(0, "query latest:e SELECT/**/1")
	o.want(0, "query latest-verified:other SELECT/**/1")
}

// TestFutureSnapshots checks that a snapshot dated by a wrong clock does not take the place of a
// true snapshot, and does not pass for the newest.
func TestFutureSnapshots(t *testing.T) {
	t.Parallel()
	o := newOperator(t, time.Date(2026, 3, 15, 3, 0, 0, 0, time.UTC), catalogConfig)
	o.exec("app.db", "CREATE TABLE t(k, v)")
	o.want(0, "init")
	right := o.now
	o.exec("app.db", "INSERT INTO t VALUES (0, 'true')")
	o.want(0, "backup e")
	o.exec("app.db", "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i, 'false' FROM n")
	o.now = right.AddDate(16, 0, 0)
	o.want(0, "backup e")
	o.exec("app.db", "DELETE FROM t WHERE k > 0") // the guard must not compare with the false snapshot
	o.now = right
	for i := range 3 {
		o.now = o.now.Add(12 * time.Minute)
		o.exec("app.db", "DELETE FROM t")
		o.exec("app.db", "INSERT INTO t VALUES (?, 'true')", i+1)
		if _, stderr := o.want(0, "backup e --prune --keep-last 2 --quiet"); !strings.Contains(stderr, "1 snapshot of a time to come: ") || !strings.Contains(stderr, `"firn forget `) {
			t.Errorf("backup: got %q, want a warning and what to do", stderr)
		}
	}
	if stdout, _ := o.want(0, "snapshots --json"); strings.Count(stdout, `"short_id"`) != 3 || strings.Count(stdout, `"time":"2042-03-15T03:00:00Z","environment"`) != 1 {
		t.Errorf("retention has left %s", stdout)
	}
	if stdout, _ := o.want(0, "snapshots"); strings.Count(stdout, "FUTURE") != 1 {
		t.Errorf("got %s, want the false one to be marked", stdout)
	}
	for _, ref := range []string{"latest", "latest:e", "2026", "e@2042-12-31", "e@-0s"} {
		stdout, stderr := o.want(0, "query "+ref+" SELECT/**/v,k/**/FROM/**/t --csv --no-header")
		if stdout != "true,3\r\n" || ref != "2026" && ref != "e@-0s" && !strings.Contains(stderr, "of a time to come") {
			t.Errorf("%s: got %q, %q", ref, stdout, stderr)
		}
	}
	if stdout, _ := o.want(0, "query 2042 SELECT/**/v/**/FROM/**/t/**/WHERE/**/k=300 --csv --no-header"); stdout != "false\r\n" {
		t.Errorf("2042: got %q", stdout)
	}
	if stdout, stderr := o.want(0, "snapshots e --at 2042-12-31 --json"); strings.Contains(stdout, "2042") || !strings.Contains(stderr, "of a time to come") {
		t.Errorf("snapshots --at: got %q, %q", stdout, stderr)
	}
	if stdout, stderr := o.want(0, "snapshots e --latest 1 --json"); strings.Contains(stdout, "2042") || !strings.Contains(stderr, "of a time to come") {
		t.Errorf("snapshots --latest: got %q, %q", stdout, stderr)
	}
	o.want(0, "init --repository "+o.path("second")+" --key-file "+o.path("second.key"))
	if stdout, stderr := o.want(0, "copy e --latest 1 --json --to "+o.path("second")+" --to-key-file "+o.path("second.key")); strings.Contains(stdout, "2042") || !strings.Contains(stderr, "of a time to come") {
		t.Errorf("copy --latest: got %q, %q", stdout, stderr)
	}
	if stdout, stderr := o.want(0, "verify e"); !strings.Contains(stdout, "2026-03-15 03:36") || !strings.Contains(stderr, "of a time to come") {
		t.Errorf("verify: got %q, %q", stdout, stderr)
	}
	if stdout, stderr := o.want(0, "restore e --before-schema 7 --dry-run --yes"); !strings.Contains(stderr+stdout, "of a time to come") {
		t.Errorf("restore: got %q, %q", stdout, stderr)
	}
	if states, code := o.status(""); code != outcome.CodeFailed || states["e"].State != upkeep.Future || states["e"].Age > 60 || len(states["e"].Ahead) != 1 {
		t.Errorf("status: got %d, %+v", code, states["e"])
	}
	stdout, stderr := o.want(0, "forget e --keep-last 1 --verbose")
	if !strings.Contains(stdout, "later than now") || !strings.Contains(stderr, "of a time to come") {
		t.Errorf("forget: got %q, %q", stdout, stderr)
	}
	_, hint, _ := strings.Cut(stderr, `"firn `)
	command, _, _ := strings.Cut(hint, `"`)
	o.want(0, command)
	if stdout, stderr := o.want(0, "snapshots --json"); strings.Count(stdout, "short_id") != 1 || strings.Contains(stdout, "2042") || stderr != "" {
		t.Errorf("the way out has left %s%s", stdout, stderr)
	}
}

// TestClockBehind checks that a host whose clock is behind all snapshots still uses the newest of
// them, and that its retention removes none.
func TestClockBehind(t *testing.T) {
	t.Parallel()
	o, _ := recordedSnapshots(t)
	o.now = time.Date(1970, 1, 1, 0, 5, 0, 0, time.UTC)
	if _, stderr := o.want(0, "query latest:e SELECT/**/1"); !strings.Contains(stderr, "of a time to come") {
		t.Errorf("got %q, want a warning", stderr)
	}
	o.want(0, "backup e --prune --keep-last 1")
	o.now = time.Date(2026, 3, 15, 5, 0, 0, 0, time.UTC)
	if stdout, _ := o.want(0, "snapshots e --json"); strings.Count(stdout, "short_id") != 6 {
		t.Errorf("retention under the wrong clock has left %s", stdout)
	}
	if _, stderr := o.want(0, "forget e --keep-last 1 --keep-yearly all --dry-run"); !strings.Contains(stderr, "is years older than all others, and stays for good") {
		t.Errorf("forget: got %q", stderr)
	}
}
