package agent_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firn/agent"
	"firn/internal/dbtest"
	"firn/pull"
	"firn/scratch"
	"firn/sqlite"
)

// restoring is a restore that a test makes by hand, as package restore does it.
type restoring struct {
	host    *pull.Host
	target  string
	image   []byte
	request pull.StageRequest
	sent    func()       // called between the comparison and the lock
	locked  func() error // called under the lock
	wait    time.Duration
}

// run restores the image.
func (r *restoring) run(t testing.TB) (*pull.RestoreAnswer, error) {
	t.Helper()
	restore, err := r.host.BeginRestore(t.Context(), r.target, r.wait)
	if err != nil {
		return nil, err
	}
	defer restore.Close()
	if r.request.PageSize == 0 {
		r.request.PageSize = int(r.image[16])<<8 | int(r.image[17])
	}
	if r.request.PageCount == 0 {
		r.request.PageCount = int64(len(r.image) / r.request.PageSize)
	}
	if err := restore.Send(bytes.NewReader(r.image), r.request); err != nil {
		return nil, err
	}
	if r.sent != nil {
		r.sent()
	}
	return restore.Replace(func() error {
		if r.locked != nil {
			return r.locked()
		}
		return nil
	})
}

// writer starts a host whose databases may be restored.
func writer(t testing.TB, allow []string) (*pull.Host, *line) {
	t.Helper()
	return start(t, agent.Options{Allow: allow, Writable: true})
}

// restored returns an image to restore: a later, or an earlier, state of a database that is like the target.
func restored(t testing.TB, o dbtest.Options, statements ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.db")
	dbtest.Create(t, path, o)
	for _, s := range statements {
		exec(t, path, s)
	}
	return imageOf(t, path)
}

// TestRestore restores into targets of all kinds. The target has the image's content afterwards, and no private file is left.
func TestRestore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		target  dbtest.Options
		before  string // SQL for the target
		image   dbtest.Options
		change  string // SQL for the image
		request pull.StageRequest
		method  string
	}{
		"SamePages":      {dbtest.Options{WAL: true}, "UPDATE users SET token = randomblob(9)", dbtest.Options{WAL: true}, "", pull.StageRequest{}, sqlite.MethodDelta},
		"Equal":          {dbtest.Options{}, "", dbtest.Options{}, "", pull.StageRequest{}, sqlite.MethodDelta},
		"RollbackMode":   {dbtest.Options{}, "DELETE FROM posts", dbtest.Options{}, "", pull.StageRequest{}, sqlite.MethodDelta},
		"ModesDiffer":    {dbtest.Options{WAL: true}, "DELETE FROM posts", dbtest.Options{}, "", pull.StageRequest{}, sqlite.MethodDelta},
		"Grows":          {dbtest.Options{WAL: true}, "", dbtest.Options{WAL: true}, fillBig(), pull.StageRequest{}, sqlite.MethodDelta},
		"Shrinks":        {dbtest.Options{WAL: true}, fillBig(), dbtest.Options{WAL: true}, "", pull.StageRequest{}, sqlite.MethodDelta},
		"AutoVacuum":     {dbtest.Options{AutoVacuum: 1}, "", dbtest.Options{}, "DELETE FROM posts", pull.StageRequest{}, sqlite.MethodBackup},
		"OtherPages":     {dbtest.Options{PageSize: 1024}, "", dbtest.Options{PageSize: 8192}, "", pull.StageRequest{}, sqlite.MethodBackup},
		"OtherPagesOff":  {dbtest.Options{WAL: true, PageSize: 1024}, "", dbtest.Options{PageSize: 8192}, "", pull.StageRequest{Offline: true}, sqlite.MethodBackup},
		"LargestPages":   {dbtest.Options{PageSize: 65536}, "DELETE FROM posts", dbtest.Options{PageSize: 65536}, "", pull.StageRequest{PageSize: 65536}, sqlite.MethodDelta},
		"LargestToSmall": {dbtest.Options{PageSize: 65536}, "", dbtest.Options{PageSize: 512}, "", pull.StageRequest{}, sqlite.MethodBackup},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, allow := database(t, c.target)
			if c.before != "" {
				exec(t, path, c.before)
			}
			app := dbtest.Open(t, path)
			defer app.Close()
			statements := []string{}
			if c.change != "" {
				statements = append(statements, c.change)
			}
			r := restoring{target: path, image: restored(t, c.image, statements...), request: c.request}
			if !c.request.Offline {
				dbtest.Exec(t, app, "SELECT 1 FROM users") // the application goes on
			} else {
				app.Close()
			}
			r.host, _ = writer(t, allow)
			answer, err := r.run(t)
			if err != nil {
				t.Fatal(err)
			}
			if answer.Method != c.method {
				t.Errorf("method: got %s, want %s", answer.Method, c.method)
			}
			if got := imageOf(t, path); !sameContent(got, r.image) {
				t.Errorf("the target has other bytes than the image: %d, want %d", len(got), len(r.image))
			}
			dbtest.Integrity(t, path)
			noPrivateFiles(t, filepath.Dir(path))
		})
	}
}

// TestRestoreNew restores into a missing file, an empty one, and one that is no database.
func TestRestoreNew(t *testing.T) {
	t.Parallel()
	image := restored(t, dbtest.Options{WAL: true})
	for name, c := range map[string]struct {
		content []byte // nil for none
		request pull.StageRequest
		method  string
		kept    string
	}{
		"Missing": {nil, pull.StageRequest{New: true}, sqlite.MethodFile, ""},
		"Empty":   {[]byte{}, pull.StageRequest{}, sqlite.MethodDelta, ""},
		"Broken":  {bytes.Repeat([]byte("no database "), 900), pull.StageRequest{KeepAs: ".before-restore-20260315T031200Z"}, sqlite.MethodFile, "app.db.before-restore-20260315T031200Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "app.db")
			if c.content != nil {
				if err := os.WriteFile(path, c.content, 0o640); err != nil {
					t.Fatal(err)
				}
			}
			host, _ := writer(t, []string{filepath.Join(dir, "*.db")})
			about, err := host.Target(t.Context(), path, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := about.Missing, c.content == nil; got != want {
				t.Errorf("missing: got %t, want %t", got, want)
			}
			if got, want := errors.Is(about.BrokenError(), sqlite.ErrNotDatabase), len(c.content) > 0; got != want {
				t.Errorf("broken: got %v, want %t", about.BrokenError(), want)
			}
			r := restoring{host: host, target: path, image: image, request: c.request}
			answer, err := r.run(t)
			if err != nil {
				t.Fatal(err)
			}
			if answer.Method != c.method || answer.Kept != c.kept {
				t.Errorf("got method %s, kept %q; want %s, %q", answer.Method, answer.Kept, c.method, c.kept)
			}
			if !sameContent(imageOf(t, path), image) {
				t.Error("the target has other bytes than the image")
			}
			if c.kept != "" {
				if kept, err := os.ReadFile(filepath.Join(dir, c.kept)); err != nil || !bytes.Equal(kept, c.content) {
					t.Errorf("what was kept is not what was there: %v", err)
				}
			}
			noPrivateFiles(t, dir)
		})
	}
}

// TestRestoreRefused has restores refused. The target is left as it is.
func TestRestoreRefused(t *testing.T) {
	t.Parallel()
	image := restored(t, dbtest.Options{})
	other := restored(t, dbtest.Options{PageSize: 8192})
	allowed := func(o agent.Options, path string) agent.Options {
		o.Allow = []string{filepath.Join(filepath.Dir(path), "*.db")}
		return o
	}
	for name, c := range map[string]struct {
		options agent.Options
		image   []byte
		request pull.StageRequest
		arrange func(t *testing.T, path string) (target string)
		want    error
	}{
		"NotWritable": {agent.Options{}, image, pull.StageRequest{}, nil, pull.ErrNotAllowed},
		"NotAllowed": {agent.Options{Writable: true}, image, pull.StageRequest{}, func(t *testing.T, path string) string {
			return path + ".other"
		}, pull.ErrNotAllowed},
		"Link": {agent.Options{Writable: true}, image, pull.StageRequest{}, func(t *testing.T, path string) string {
			outside := filepath.Join(t.TempDir(), "secret.db")
			dbtest.Create(t, outside, dbtest.Options{})
			link := filepath.Join(filepath.Dir(path), "link.db")
			if err := os.Symlink(outside, link); err != nil {
				t.Skip(err)
			}
			return link
		}, pull.ErrNotAllowed},
		"Busy": {agent.Options{Writable: true}, image, pull.StageRequest{}, func(t *testing.T, path string) string {
			app := dbtest.Open(t, path)
			t.Cleanup(func() { app.Close() })
			dbtest.Exec(t, app, "BEGIN IMMEDIATE")
			return path
		}, sqlite.ErrBusy},
		"Claimed": {agent.Options{Writable: true}, image, pull.StageRequest{}, func(t *testing.T, path string) string {
			claim, err := scratch.Take(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { claim.Release() })
			return path
		}, scratch.ErrClaimed},
		"OtherPages":    {agent.Options{Writable: true}, other, pull.StageRequest{}, nil, sqlite.ErrPageSize},
		"NoRoom":        {agent.Options{Writable: true}, image, pull.StageRequest{New: true, PageCount: 1 << 40}, nil, pull.ErrRequest},
		"NoRoomOnDisk":  {agent.Options{Writable: true}, image, pull.StageRequest{New: true, PageSize: 4096, PageCount: 1 << 32}, nil, sqlite.ErrNoSpace},
		"Appeared":      {agent.Options{Writable: true}, image, pull.StageRequest{New: true}, nil, fs.ErrExist},
		"KeepElsewhere": {agent.Options{Writable: true}, image, pull.StageRequest{KeepAs: "/../x"}, nil, pull.ErrRequest},
		"KeepOtherName": {agent.Options{Writable: true}, image, pull.StageRequest{KeepAs: "-wal"}, nil, pull.ErrRequest},
		"Folder": {agent.Options{Writable: true}, image, pull.StageRequest{New: true}, func(t *testing.T, path string) string {
			return filepath.Join(filepath.Dir(path), "none", "app.db")
		}, pull.ErrNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := dbtest.Options{WAL: true, Seed: 3}
			if name == "Busy" {
				o.WAL = false
			}
			path, _ := database(t, o)
			before := imageOf(t, path)
			target := path
			if c.arrange != nil {
				target = c.arrange(t, path)
			}
			r := restoring{target: target, image: c.image, request: c.request, wait: time.Millisecond}
			r.host, _ = start(t, allowed(c.options, path))
			if _, err := r.run(t); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			r.host.Close()
			if !bytes.Equal(imageOf(t, path), before) {
				t.Error("the target has changed")
			}
			if name != "Claimed" {
				noPrivateFiles(t, filepath.Dir(path))
			}
		})
	}
}

// TestRestoreOfChanging commits to the target between the comparison and the lock. The callback under the lock sees the commit,
// nothing can be committed while it runs, and the target has the image's content afterwards.
func TestRestoreOfChanging(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{true, false} {
		for _, change := range []string{
			"INSERT INTO ledger_a VALUES (999, 7)", fillBig(), "DELETE FROM posts; VACUUM",
			"PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO ledger_a VALUES (999, 7); PRAGMA wal_checkpoint(TRUNCATE)",
		} {
			path, allow := database(t, dbtest.Options{WAL: wal})
			app := dbtest.Open(t, path)
			defer app.Close()
			dbtest.Exec(t, app, "PRAGMA busy_timeout = 0")
			host, _ := writer(t, allow)
			calls := 0
			var committed []byte
			r := restoring{
				host: host, target: path, image: restored(t, dbtest.Options{WAL: wal}, "DELETE FROM sessions"),
				sent: func() { dbtest.Exec(t, app, change); committed = imageOf(t, path) },
				locked: func() error {
					calls++
					if _, err := app.Exec("INSERT INTO ledger_a VALUES (1000, 7)"); err == nil {
						t.Error("a commit was possible under the lock")
					}
					if !bytes.Equal(imageOf(t, path), committed) {
						t.Error("under the lock, the target is not what was committed")
					}
					return nil
				},
			}
			if _, err := r.run(t); err != nil {
				t.Fatalf("wal=%t %.20s: %v", wal, change, err)
			}
			if calls == 0 {
				t.Errorf("wal=%t %.20s: nothing was saved under the lock", wal, change)
			}
			if !sameContent(imageOf(t, path), r.image) {
				t.Errorf("wal=%t %.20s: the target has other bytes than the image", wal, change)
			}
			dbtest.Integrity(t, path)
		}
	}
}

// TestRestoreGivenUp ends restores under the lock, by an error and by a cut. The target is left as it is, can be written at once,
// and no private file is left.
func TestRestoreGivenUp(t *testing.T) {
	t.Parallel()
	errGivenUp := errors.New("given up")
	for _, cut := range []bool{false, true} {
		path, allow := database(t, dbtest.Options{WAL: true})
		before := imageOf(t, path)
		host, l := writer(t, allow)
		r := restoring{
			host: host, target: path, image: restored(t, dbtest.Options{WAL: true}, "DELETE FROM sessions"),
			locked: func() error {
				if cut {
					l.cut()
					return nil
				}
				return errGivenUp
			},
		}
		want := errGivenUp
		if cut {
			want = errCut
		}
		if _, err := r.run(t); !errors.Is(err, want) {
			t.Errorf("cut=%t: got %v, want %v", cut, err, want)
		}
		host.Close()
		l.running.Wait()
		if !bytes.Equal(imageOf(t, path), before) {
			t.Errorf("cut=%t: the target has changed", cut)
		}
		noPrivateFiles(t, filepath.Dir(path))
		exec(t, path, "INSERT INTO ledger_a VALUES (999, 7)")
		r.locked = nil
		if _, err := r.run(t); err != nil {
			t.Errorf("cut=%t: the next restore: %v", cut, err)
		}
		if !sameContent(imageOf(t, path), r.image) {
			t.Errorf("cut=%t: the target has other bytes than the image", cut)
		}
	}
}

// TestRestoreCutAnywhere cuts the connection after each of many numbers of bytes from the agent. The target is the old or the new
// one, and no private file is left.
func TestRestoreCutAnywhere(t *testing.T) {
	t.Parallel()
	path, allow := database(t, dbtest.Options{WAL: true})
	host, l := writer(t, allow)
	image := restored(t, dbtest.Options{WAL: true}, "DELETE FROM sessions")
	whole := false
	for n := int64(10); !whole && n < 1<<20; n += 10 + n/7 {
		exec(t, path, "INSERT INTO ledger_a VALUES (NULL, 7)")
		before := imageOf(t, path)
		l.left.Store(n)
		r := restoring{host: host, target: path, image: image}
		_, err := r.run(t)
		whole = err == nil
		l.left.Store(-1)
		host.Close()
		l.running.Wait()
		got := imageOf(t, path)
		switch {
		case whole && !sameContent(got, image):
			t.Errorf("after %d bytes: the target has other bytes than the image", n)
		case !whole && !bytes.Equal(got, before) && !sameContent(got, image):
			t.Errorf("after %d bytes: the target is neither the old nor the new one", n)
		}
		noPrivateFiles(t, filepath.Dir(path))
	}
	if !whole {
		t.Error("no restore succeeded")
	}
}

// TestRestoreOfLarge restores into a database with a rollback journal, of which there is no room for a copy.
func TestRestoreOfLarge(t *testing.T) {
	path, allow := database(t, dbtest.Options{})
	exec(t, path, "PRAGMA synchronous = OFF; CREATE TABLE large(a INTEGER PRIMARY KEY, b); WITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<36) INSERT INTO large SELECT i, zeroblob(1000000) FROM n")
	image := imageOf(t, path)
	exec(t, path, "DELETE FROM large WHERE a % 5 = 0; INSERT INTO ledger_a VALUES (999, 7)")
	host, l := writer(t, allow)
	t.Run("NoRoom", func(t *testing.T) {
		t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
		r := restoring{host: host, target: path, image: image}
		if _, err := r.run(t); err != nil {
			t.Fatal(err)
		}
	})
	if !sameContent(imageOf(t, path), image) {
		t.Error("the target has other bytes than the image")
	}
	if n := l.sent.Load(); n > int64(len(image)) {
		t.Errorf("%d bytes were sent of an image of %d", n, len(image))
	}
}
