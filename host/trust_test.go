//go:build unix

package host_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"firn/host"
)

// stranger is a user other than the caller and root.
const stranger = 12345

// place is a folder in which tests give files to users.
type place struct {
	t   *testing.T
	dir string
}

func newPlace(t *testing.T) place { return place{t, t.TempDir()} }

func (p place) path(name string) string { return filepath.Join(p.dir, name) }

func (p place) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// folder makes a folder with a mode, whatever the umask.
func (p place) folder(name string, mode fs.FileMode) {
	p.t.Helper()
	p.ok(os.MkdirAll(p.path(name), 0o755))
	p.ok(os.Chmod(p.path(name), mode))
}

func (p place) file(name string, mode fs.FileMode) {
	p.t.Helper()
	p.ok(os.MkdirAll(filepath.Dir(p.path(name)), 0o755))
	p.ok(os.WriteFile(p.path(name), []byte(name), 0o600))
	p.ok(os.Chmod(p.path(name), mode))
}

func (p place) link(target, name string) {
	p.t.Helper()
	p.ok(os.Symlink(target, p.path(name)))
}

// give gives a file or folder to the stranger. Only root can.
func (p place) give(name string) {
	p.t.Helper()
	needRoot(p.t)
	p.ok(os.Lchown(p.path(name), stranger, stranger))
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to another user")
	}
}

// cases are ways to a file "etc/conf", made by set, with the name of the file, folder or link at fault, "" for none.
var cases = map[string]struct {
	set   func(place)
	fault string
}{
	"Own":           {func(p place) { p.file("etc/conf", 0o600) }, ""},
	"ReadByAll":     {func(p place) { p.file("etc/conf", 0o644) }, ""},
	"FileOfOthers":  {func(p place) { p.file("etc/conf", 0o644); p.give("etc/conf") }, "etc/conf"},
	"WrittenByAll":  {func(p place) { p.file("etc/conf", 0o666) }, "etc/conf"},
	"OnlyOthers":    {func(p place) { p.file("etc/conf", 0o602) }, "etc/conf"},
	"StrangerGroup": {func(p place) { p.file("etc/conf", 0o660); p.giveGroup("etc/conf") }, "etc/conf"},
	"RootGroup":     {func(p place) { p.file("etc/conf", 0o660); needRoot(p.t) }, ""},

	"FolderOfOthers":     {func(p place) { p.file("etc/conf", 0o644); p.give("etc") }, "etc"},
	"FolderWritten":      {func(p place) { p.file("etc/conf", 0o644); p.folder("etc", 0o777) }, "etc"},
	"FolderOfGroup":      {func(p place) { p.file("etc/conf", 0o644); p.folder("etc", 0o770); p.giveGroup("etc") }, "etc"},
	"StickyFolder":       {func(p place) { p.file("etc/conf", 0o644); p.folder("etc", 0o777|fs.ModeSticky) }, ""},
	"StickyOfOthers":     {func(p place) { p.file("etc/conf", 0o644); p.folder("etc", 0o777|fs.ModeSticky); p.give("etc") }, "etc"},
	"FileInStickyFolder": {func(p place) { p.file("etc/conf", 0o644); p.folder("etc", 0o777|fs.ModeSticky); p.give("etc/conf") }, "etc/conf"},

	"LinkToOwn":    {func(p place) { p.file("real/conf", 0o600); p.link("real", "etc") }, ""},
	"AbsoluteLink": {func(p place) { p.file("real/conf", 0o600); p.link(p.path("real"), "etc") }, ""},
	"LinkUp":       {func(p place) { p.file("real/conf", 0o600); p.folder("etc", 0o755); p.link("../real/conf", "etc/conf") }, ""},
	"LinkOfOthers": {func(p place) { p.file("real/conf", 0o600); p.link("real", "etc"); p.give("etc") }, "etc"},
	"LinkThrough":  {func(p place) { p.file("home/real/conf", 0o600); p.give("home"); p.link("home/real", "etc") }, "home"},
	"LinkToFile": {func(p place) {
		p.file("home/conf", 0o600)
		p.give("home")
		p.folder("etc", 0o755)
		p.link("../home/conf", "etc/conf")
	}, "home"},
	"LinkToLink": {func(p place) {
		p.file("home/conf", 0o600)
		p.link("home", "a")
		p.link("a", "etc")
		p.give("home/conf")
	}, "home/conf"},
	"KubernetesSecret": {kubernetes, ""},
	"Credential":       {func(p place) { p.file("etc/conf", 0o400); p.folder("etc", 0o700) }, ""},
}

// giveGroup gives a file or folder to a group without an entry.
func (p place) giveGroup(name string) {
	p.t.Helper()
	needRoot(p.t)
	p.ok(os.Lchown(p.path(name), 0, stranger))
}

// kubernetes lays a secret out as it is mounted: a folder that all users may write, with links into another folder.
func kubernetes(p place) {
	p.file("etc/..2026_01_02/conf", 0o440)
	p.link("..2026_01_02", "etc/..data")
	p.link("..data/conf", "etc/conf")
	p.folder("etc", 0o777|fs.ModeSticky|fs.ModeSetgid)
}

func TestOpenJudgesTheWholeWay(t *testing.T) {
	t.Parallel()
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			tt.set(p)
			b, err := host.ReadFile(p.path("etc/conf"))
			if tt.fault == "" {
				if err != nil || !strings.HasSuffix(string(b), "conf") {
					t.Errorf("got %q, %v, want the file", b, err)
				}
				return
			}
			checkFault(t, err, p.path(tt.fault))
		})
	}
}

// checkFault wants an error that names the path at fault, its owner or mode, and a command.
func checkFault(t *testing.T, err error, want string) {
	t.Helper()
	e, ok := errors.AsType[*host.UntrustedError](err)
	if !ok {
		t.Fatalf("got %v, want an UntrustedError", err)
	}
	if e.Path != want || !strings.Contains(e.Error(), want) {
		t.Errorf("got %v, want %s to be at fault", e, want)
	}
	if e.UID == stranger && !strings.Contains(e.Reason, "12345") {
		t.Errorf("got %q, want the owner's name", e.Reason)
	}
	if len(e.Fix) != 3 || e.Fix[2] != want {
		t.Errorf("got %q, want a command for %s", e.Fix, want)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.folder("folder", 0o755)
	p.file("file", 0o600)
	p.link("loop", "loop")
	for path, want := range map[string]error{
		"missing":      fs.ErrNotExist,
		"missing/file": fs.ErrNotExist,
		"folder":       syscall.EISDIR,
		"file/more":    syscall.ENOTDIR,
		"loop":         syscall.ELOOP,
	} {
		f, err := host.Open(p.path(path))
		if !errors.Is(err, want) || !strings.Contains(err.Error(), p.path(path)) {
			t.Errorf("%s: got %v, %v, want %v", path, f, err, want)
		}
	}
}

// A file that the caller has opened already is not judged: shells hand over passwords like this.
func TestOpenTakesWhatIsHandedOver(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("secret"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	path := "/dev/fd/" + strconv.Itoa(int(r.Fd()))
	if b, err := host.ReadFile(path); err != nil || string(b) != "secret" {
		t.Errorf("got %q, %v", b, err)
	}
	if b, err := host.ReadFile("/dev/null"); err != nil || len(b) > 0 {
		t.Errorf("/dev/null: got %q, %v", b, err)
	}
}

func TestOpenReadsOwnPipe(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ok(syscall.Mkfifo(p.path("pipe"), 0o600))
	go func() { _ = os.WriteFile(p.path("pipe"), []byte("secret"), 0) }()
	if b, err := host.ReadFile(p.path("pipe")); err != nil || string(b) != "secret" {
		t.Errorf("got %q, %v", b, err)
	}
	p.ok(syscall.Mkfifo(p.path("foreign"), 0o666))
	p.give("foreign")
	_, err := host.ReadFile(p.path("foreign")) // and does not wait for a writer
	checkFault(t, err, p.path("foreign"))
}

func TestMakeFolder(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set    func(place)
		fault  string // "" for none
		shared bool   // the fault matters to a private folder only
	}{
		"Missing":     {func(place) {}, "", false},
		"Private":     {func(p place) { p.folder("a/b", 0o700) }, "", false},
		"OfOthers":    {func(p place) { p.folder("a/b", 0o700); p.give("a/b") }, "a/b", false},
		"BelowOthers": {func(p place) { p.folder("a", 0o755); p.give("a") }, "a", false},
		"Written":     {func(p place) { p.folder("a/b", 0o777) }, "a/b", false},
		"Sticky":      {func(p place) { p.folder("a/b", 0o777|fs.ModeSticky) }, "a/b", true},
		"BelowSticky": {func(p place) { p.folder("a", 0o777|fs.ModeSticky) }, "", false},
		"LinkOfOthers": {func(p place) {
			p.folder("real", 0o700)
			p.folder("a", 0o777|fs.ModeSticky)
			p.link("../real", "a/b")
			p.give("a/b")
		}, "a/b", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			tt.set(p)
			if tt.fault == "" || tt.shared {
				p.ok(host.MakeFolder(p.path("a/b")))
			} else {
				checkFault(t, host.MakeFolder(p.path("a/b")), p.path(tt.fault))
			}
			if tt.fault == "" {
				p.ok(host.MakePrivateFolder(p.path("a/b")))
			} else {
				checkFault(t, host.MakePrivateFolder(p.path("a/b")), p.path(tt.fault))
			}
		})
	}
}

func TestMakeFolderIsPrivate(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ok(host.MakePrivateFolder(p.path("a/b/c")))
	for _, name := range []string{"a", "a/b", "a/b/c"} {
		if info, err := os.Stat(p.path(name)); err != nil || info.Mode() != fs.ModeDir|0o700 {
			t.Errorf("%s: got %v, %v", name, info, err)
		}
	}
}

func TestMakeFolderLeavesNothingWithOthers(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.folder("home", 0o755)
	p.give("home")
	checkFault(t, host.MakeFolder(p.path("home/cache/firn")), p.path("home"))
	if _, err := os.Lstat(p.path("home/cache")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want nothing in the folder", err)
	}
	p.file("file", 0o600)
	if err := host.MakeFolder(p.path("file")); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("got %v, want ENOTDIR", err)
	}
}
