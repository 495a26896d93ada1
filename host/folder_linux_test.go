package host_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"firn/host"
)

const (
	app   = 12345 // a user without an entry in /etc/passwd
	other = 12346
)

// lab makes a folder tree as the superuser: names that end with a slash are folders, "a -> b" are symbolic links.
func lab(t *testing.T, entries ...entry) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only the superuser can make files of other users")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for up := dir; up != "/tmp" && len(up) > 4; up = filepath.Dir(up) { // other users may not enter the test's folders
		if err := os.Chmod(up, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.name)
		var err error
		switch {
		case e.link != "":
			err = os.Symlink(e.link, path)
		case e.mode.IsDir():
			err = os.Mkdir(path, 0o700)
		default:
			err = os.WriteFile(path, []byte(e.name), 0o600)
		}
		if err == nil && e.link == "" {
			err = os.Chmod(path, e.mode&^fs.ModeDir)
		}
		if err := errors.Join(err, os.Lchown(path, e.uid, e.gid)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

type entry struct {
	name     string
	mode     fs.FileMode
	uid, gid int
	link     string
}

func folder(name string, perm fs.FileMode, uid, gid int) entry {
	return entry{name: name, mode: perm | fs.ModeDir, uid: uid, gid: gid}
}

func reach(t *testing.T, path string) (*host.Folder, string) {
	t.Helper()
	f, name, err := host.Reach(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, name
}

func TestReach(t *testing.T) {
	t.Parallel()
	const nobody, shared = 65534, 23456
	for name, c := range map[string]struct {
		entries  []entry
		path     string
		own      bool // the process's own rights
		confined bool
		uid, gid int
		want     string // the path that is reached, if not path
		err      error
	}{
		"Own":                 {[]entry{folder("d", 0o755, 0, 0)}, "d/app.db", true, false, 0, 0, "", nil},
		"OfRootGroup":         {[]entry{folder("d", 0o775, 0, 0)}, "d/app.db", true, false, 0, 0, "", nil},
		"Users":               {[]entry{folder("d", 0o755, app, app)}, "d/app.db", false, true, app, app, "", nil},
		"UsersOtherGroup":     {[]entry{folder("d", 0o2775, app, shared)}, "d/app.db", false, true, app, nobody, "", nil},
		"BelowUsers":          {[]entry{folder("d", 0o755, app, app), folder("d/e", 0o755, 0, 0)}, "d/e/app.db", false, true, app, app, "", nil},
		"BehindClosedFolder":  {[]entry{folder("c", 0o700, 0, 0), folder("c/d", 0o700, app, app)}, "c/d/app.db", false, true, app, app, "", nil},
		"RootsLink":           {[]entry{folder("d", 0o755, 0, 0), {name: "l", link: "d"}}, "l/app.db", true, false, 0, 0, "d/app.db", nil},
		"RootsLinkToUsers":    {[]entry{folder("d", 0o755, app, app), {name: "l", link: "d"}}, "l/app.db", false, true, app, app, "d/app.db", nil},
		"UsersLink":           {[]entry{folder("d", 0o755, app, app), folder("e", 0o755, 0, 0), {name: "d/l", link: "../e", uid: app}}, "d/l/app.db", false, true, app, app, "e/app.db", nil},
		"UsersLinkToClosed":   {[]entry{folder("d", 0o755, app, app), folder("e", 0o700, 0, 0), {name: "d/l", link: "../e", uid: app}}, "d/l/app.db", false, true, 0, 0, "", fs.ErrPermission},
		"UsersFileLink":       {[]entry{folder("d", 0o755, app, app), folder("e", 0o700, 0, 0), {name: "e/s", mode: 0o600}, {name: "d/app.db", link: "../e/s", uid: app}}, "d/app.db", false, true, 0, 0, "", fs.ErrPermission},
		"TwoUsers":            {[]entry{folder("d", 0o755, app, app), folder("d/e", 0o755, other, other)}, "d/e/app.db", false, true, 0, 0, "", host.ErrTwoOwners},
		"StickyMissing":       {[]entry{folder("d", 0o1777|fs.ModeSticky, 0, 0)}, "d/app.db", true, true, 0, 0, "", nil},
		"StickyRoots":         {[]entry{folder("d", 0o777|fs.ModeSticky, 0, 0), {name: "d/app.db", mode: 0o600}}, "d/app.db", true, true, 0, 0, "", nil},
		"StickyUsers":         {[]entry{folder("d", 0o777|fs.ModeSticky, 0, 0), {name: "d/app.db", mode: 0o600, uid: app, gid: app}}, "d/app.db", false, true, app, app, "", nil},
		"StickyRootsFolder":   {[]entry{folder("d", 0o777|fs.ModeSticky, 0, 0), folder("d/e", 0o755, 0, 0)}, "d/e/app.db", true, false, 0, 0, "", nil},
		"StickyUsersLink":     {[]entry{folder("d", 0o777|fs.ModeSticky, 0, 0), folder("e", 0o700, 0, 0), {name: "d/l", link: "../e", uid: app}}, "d/l/app.db", false, true, 0, 0, "", fs.ErrPermission},
		"GroupMissing":        {[]entry{folder("d", 0o775, 0, shared)}, "d/app.db", false, true, nobody, shared, "", nil},
		"GroupUsers":          {[]entry{folder("d", 0o775, 0, shared), {name: "d/app.db", mode: 0o660, uid: app, gid: app}}, "d/app.db", false, true, app, app, "", nil},
		"AllRoots":            {[]entry{folder("d", 0o777, 0, 0), {name: "d/app.db", mode: 0o600}}, "d/app.db", false, true, nobody, nobody, "", nil},
		"MissingFolder":       {nil, "d/app.db", false, false, 0, 0, "", fs.ErrNotExist},
		"Loop":                {[]entry{folder("d", 0o755, app, app), {name: "d/l", link: "l", uid: app}}, "d/l/app.db", false, true, 0, 0, "", errAny},
		"MissingFileIsLinked": {[]entry{folder("d", 0o755, app, app), {name: "d/app.db", link: "real.db", uid: app}}, "d/app.db", false, true, app, app, "d/real.db", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := lab(t, c.entries...)
			f, base, err := host.Reach(filepath.Join(dir, c.path))
			if c.err != nil {
				if err == nil || c.err != errAny && !errors.Is(err, c.err) {
					t.Errorf("got %v, want %v", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			want := filepath.Join(dir, c.path)
			if c.want != "" {
				want = filepath.Join(dir, c.want)
			}
			if got := f.Path(base); got != want {
				t.Errorf("reached %s, want %s", got, want)
			}
			if got := f.Inner(base) != f.Path(base); got != c.confined {
				t.Errorf("confined: %t, want %t", got, c.confined)
			}
			if f.Foreign() == c.own {
				t.Fatalf("foreign: %t, want %t", f.Foreign(), !c.own)
			}
			if r := f.Rights(); r != nil && (r.UID != c.uid || r.GID != c.gid) {
				t.Errorf("rights of %d:%d, want %d:%d", r.UID, r.GID, c.uid, c.gid)
			}
		})
	}
}

var errAny = errors.New("any error")

func TestThread(t *testing.T) {
	t.Parallel()
	dir := lab(t, folder("c", 0o700, 0, 0), folder("c/d", 0o700, app, app), entry{name: "secret", mode: 0o600},
		entry{name: "c/d/l", link: "../../secret", uid: app}, entry{name: "c/d/roots", mode: 0o600})
	f, name := reach(t, filepath.Join(dir, "c/d/app.db"))
	thread, err := f.Thread()
	if err != nil {
		t.Fatal(err)
	}
	defer thread.Close()
	err = thread.Do(func() error {
		if err := os.WriteFile(f.Inner(name), []byte("x"), 0o640); err != nil {
			t.Errorf("write as the owner: %v", err)
		}
		for _, path := range []string{f.Inner("l"), filepath.Join(dir, "secret"), "/../secret", "/etc/passwd", "/proc/self/root/etc/passwd"} {
			if _, err := os.ReadFile(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("read %s: got %v, want it out of reach", path, err)
			}
		}
		if _, err := os.ReadFile(f.Inner("roots")); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("read a file of the superuser's: got %v, want fs.ErrPermission", err)
		}
		if err := os.Chown(f.Inner(name), 0, 0); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("give a file away: got %v, want fs.ErrPermission", err)
		}
		return host.Outside(func() error {
			if _, err := os.ReadFile(filepath.Join(dir, "secret")); err != nil {
				t.Errorf("read outside: %v", err)
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
	info, err := os.Stat(filepath.Join(dir, "c/d/app.db"))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Sys().(*syscall.Stat_t); got.Uid != app || got.Gid != app {
		t.Errorf("the file belongs to %d:%d, want %d:%d", got.Uid, got.Gid, app, app)
	}
}

// TestOthersKeepTheirRights starts and ends goroutines beside threads with other rights: no goroutine may inherit
// these rights.
func TestOthersKeepTheirRights(t *testing.T) {
	t.Parallel()
	dir := lab(t, folder("d", 0o700, app, app), entry{name: "secret", mode: 0o600})
	f, _ := reach(t, filepath.Join(dir, "d/app.db"))
	for range 50 {
		thread, err := f.Thread()
		if err != nil {
			t.Fatal(err)
		}
		failed := make(chan error, 8)
		err = thread.Do(func() error {
			for range cap(failed) {
				go func() { _, err := os.ReadFile(filepath.Join(dir, "secret")); failed <- err }()
			}
			_, err := os.Stat("/secret")
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v, want the folder as the root", err)
			}
			return nil
		})
		thread.Close()
		for range cap(failed) {
			err = errors.Join(err, <-failed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
