package cmd_test

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/internal/sshtest"
)

var killEach = flag.Bool("kill-each", false, "kill runs at each system call that changes a disk, in place of every third one")

// killable is a command that is run many times, and killed each time at a later system call. The
// repository and the databases are then as a kill -9 at that moment leaves them.
type killable struct {
	name    string
	prepare string // commands of a shell, in the folder of the configuration
	run     string // arguments of firn
	after   func(d killDir, t *testing.T)
}

// changing lists the system calls that change a disk.
const changing = "write,pwrite64,fsync,fdatasync,linkat,renameat,renameat2,unlinkat,mkdirat,ftruncate"

func killables(ssh string) []killable {
	garbage := `firn backup app; sql app.db 'UPDATE t SET a = randomblob(1000)'; firn backup app; firn forget app --keep-last 1; firn prune --orphan-age -1s
sql app.db 'UPDATE t SET a = randomblob(900) WHERE id < 150'; firn backup app; firn forget app --keep-last 1; sql app.db 'INSERT INTO t(a) VALUES (randomblob(9))'`
	return []killable{
		{"Backup", garbage, "backup app", killDir.checkSound},
		{"Prune", garbage, "prune --orphan-age -1s", killDir.checkSound},
		{"RotateKey", "firn backup app", "key rotate", killDir.checkSound},
		{"AddKey", "firn backup app", "key add --new-key-file new.key", killDir.checkAddKey},
		{"Init", "true", "init -r two --key-file two.key", killDir.checkInit},
		{"Undo", `sql app.db "INSERT INTO t(a) VALUES ('old')"; firn backup app; sql app.db "UPDATE t SET a = 'new' WHERE a = 'old'"; firn restore app --snapshot latest --yes`,
			"undo app --yes", killDir.checkUndo},
		{"RestoreRows", `cp app.db new.db; firn backup app; sql app.db "DELETE FROM t WHERE id % 3 = 0; UPDATE t SET a = 'old' WHERE id % 5 = 0"; cp app.db old.db`,
			"restore app --snapshot latest --table t --mode upsert --yes", killDir.checkRows},
		{"RestoreFar", `printf '[ssh]\nprogram = "` + ssh + `"\n' >> firn.toml; firn backup app; cp app.db far.db; sql far.db "UPDATE t SET a = 'old' WHERE id % 20 = 3"; cp far.db old.db`,
			"restore --from app --snapshot latest --to ssh://db1/~/far.db --yes", killDir.checkFar},
	}
}

// TestKilledAnywhere kills runs at system calls. Acknowledged snapshots must stay, a user must not
// have to unlock or remove anything by hand, and the next run must succeed.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("with the race detector a kill takes a second")
	}
	tracer := dbtest.Tool(t, "strace")
	for _, k := range killables(sshtest.Program(t)) {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			prepared := newKillDir(t)
			prepared.shell(t, "firn init; "+k.prepare)
			step := 3
			if *killEach {
				step = 1
			}
			for n := 1; ; n += step {
				d := prepared.clone(t)
				args := append([]string{"-f", "-qq", "-o", "trace", "-e", "trace=" + changing,
					"-e", "inject=" + changing + ":signal=KILL:when=" + strconv.Itoa(n), "firn"}, strings.Fields(k.run)...)
				out, err := d.command(tracer, args...).CombinedOutput()
				if k.after(d, t); t.Failed() {
					t.Fatalf("killed at call %d: %s", n, out)
				}
				if err == nil {
					t.Logf("%d calls", n)
					return
				}
			}
		})
	}
}

// killDir is the folder of a configuration, a repository and a database.
type killDir string

func newKillDir(t *testing.T) killDir {
	t.Helper()
	d := killDir(t.TempDir())
	text := "repository = \"repo\"\nkey_file = \"key\"\n[env.app]\ndatabase = \"app.db\"\n"
	if err := os.WriteFile(filepath.Join(string(d), "firn.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d.shell(t, `sql app.db 'CREATE TABLE t(id INTEGER PRIMARY KEY, a); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<200) INSERT INTO t SELECT i, randomblob(1000) FROM c'`)
	return d
}

func (d killDir) clone(t *testing.T) killDir {
	t.Helper()
	c := killDir(t.TempDir())
	if err := os.CopyFS(string(c), os.DirFS(string(d))); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(string(c), "key"), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

func (d killDir) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = string(d)
	c.Env = append(os.Environ(), "HOME="+string(d), "FIRN_CONFIG="+filepath.Join(string(d), "firn.toml"), "FIRN_CACHE_DIR="+filepath.Join(string(d), "cache"))
	return c
}

func (d killDir) shell(t *testing.T, script string) {
	t.Helper()
	if out, err := d.command("sh", "-ec", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
}

// firn runs a command, which must succeed.
func (d killDir) firn(t *testing.T, args ...string) {
	t.Helper()
	if out, err := d.command("firn", args...).CombinedOutput(); err != nil {
		t.Errorf("firn %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// content returns all rows of a database as a text.
func (d killDir) content(t *testing.T, name string) string {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(string(d), name))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var text string
	if err := db.QueryRow("SELECT count(*) || ' ' || hex(group_concat(id || hex(a))) FROM (SELECT * FROM t ORDER BY id)").Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// checkSound checks that further commands succeed, and that a restore brings back the content that
// was backed up.
func (d killDir) checkSound(t *testing.T) {
	t.Helper()
	d.firn(t, "check", "--read-data")
	d.firn(t, "backup", "app")
	d.firn(t, "prune", "--orphan-age", "-1s")
	d.firn(t, "restore", "--from", "app", "--snapshot", "latest", "--target", "out.db", "--yes")
	if got, want := d.content(t, "out.db"), d.content(t, "app.db"); got != want {
		t.Error("the restored database has another content")
	}
}

func (d killDir) checkAddKey(t *testing.T) {
	t.Helper()
	d.firn(t, "key", "add", "--new-key-file", "new.key")
	d.firn(t, "check", "--key-file", "new.key")
}

func (d killDir) checkInit(t *testing.T) {
	t.Helper()
	if out, err := d.command("firn", "init", "-r", "two", "--key-file", "two.key").CombinedOutput(); err != nil && !strings.Contains(string(out), "exists already") {
		t.Errorf("init again: %v: %s", err, out)
	}
	d.firn(t, "check", "-r", "two", "--key-file", "two.key")
}

// checkRows checks that the rows are all as before or all as in the snapshot. The next restore brings back the rest, and an undo
// of it the rows before that.
func (d killDir) checkRows(t *testing.T) {
	t.Helper()
	before := d.content(t, "app.db")
	if before != d.content(t, "old.db") && before != d.content(t, "new.db") {
		t.Error("the rows are neither the old ones nor the new ones")
	}
	d.firn(t, "restore", "app", "--snapshot", "latest", "--table", "t", "--mode", "upsert", "--yes")
	if d.content(t, "app.db") != d.content(t, "new.db") {
		t.Error("the rows are not the new ones")
	}
	d.firn(t, "undo", "app", "--yes")
	if got := d.content(t, "app.db"); got != d.content(t, "old.db") {
		t.Error("the undo did not bring back the old rows")
	}
}

// checkFar checks that the target on the other host is the old one or the new one. The next restore makes it the new one, and
// leaves no private file beside it.
func (d killDir) checkFar(t *testing.T) {
	t.Helper()
	if got := d.content(t, "far.db"); got != d.content(t, "old.db") && got != d.content(t, "app.db") {
		t.Error("the target is neither the old one nor the new one")
	}
	d.firn(t, "restore", "--from", "app", "--snapshot", "latest", "--to", "ssh://db1/~/far.db", "--yes")
	if d.content(t, "far.db") != d.content(t, "app.db") {
		t.Error("the target is not the new one")
	}
	if left, err := filepath.Glob(filepath.Join(string(d), ".firn-*")); err != nil || len(left) > 0 {
		t.Errorf("%q are left beside the target, %v", left, err)
	}
}

// checkUndo runs the undo if it is still to be done, and checks that the content which the restore
// replaced is back.
func (d killDir) checkUndo(t *testing.T) {
	t.Helper()
	db := d.content(t, "app.db")
	replaced := fmt.Sprintf("%X", "new")
	if !strings.Contains(db, fmt.Sprintf("%X", replaced)) {
		d.firn(t, "undo", "app", "--yes")
		if !strings.Contains(d.content(t, "app.db"), fmt.Sprintf("%X", replaced)) {
			t.Error("the undo did not put back what was replaced")
		}
	}
	d.checkSound(t)
}
