//go:build unix

package cmd_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The users of the tests below, neither of whom is root.
const (
	appUser   = 12345
	otherUser = 23456
)

// shared is a folder that all users can get at, unlike that of [testing.T.TempDir].
type shared struct {
	t   *testing.T
	dir string
}

func newShared(t *testing.T) shared {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can run firn as another user")
	}
	dir, err := os.MkdirTemp("", "firn-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := shared{t, dir}
	s.ok(os.Chmod(dir, 0o755))
	return s
}

func (s shared) path(name string) string { return filepath.Join(s.dir, name) }

func (s shared) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// write makes a file, and its folder if that is missing, of a user's.
func (s shared) write(name, text string, user int) {
	s.t.Helper()
	if dir := filepath.Dir(s.path(name)); os.Mkdir(dir, 0o755) == nil {
		s.ok(os.Chown(dir, user, user))
	}
	s.ok(os.WriteFile(s.path(name), []byte(text), 0o644))
	s.ok(os.Chown(s.path(name), user, user))
}

// firn runs firn as a user in one of the folders, and returns its exit code and what it
// printed. The test's own program need not be anywhere where that user can find it.
func (s shared) firn(user int, folder string, args ...string) (code int, stderr string) {
	s.t.Helper()
	self, err := os.Executable()
	s.ok(err)
	program, err := os.Open(self)
	s.ok(err)
	defer program.Close()
	var out bytes.Buffer
	c := exec.Cmd{
		Path: "/proc/self/fd/3", Args: append([]string{"firn"}, args...), ExtraFiles: []*os.File{program},
		Dir: s.path(folder), Stderr: &out, Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.path("home"), unnamed + "=1"},
		SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(user), Gid: uint32(user)}},
	}
	if err := c.Run(); c.ProcessState == nil {
		s.t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String()
}

// A configuration in the current folder runs commands: it counts only if nobody else has put it there.
func TestConfigurationHere(t *testing.T) {
	t.Parallel()
	const text = `repository = "repo"
password_command = "touch ran"`
	for name, tt := range map[string]struct {
		folder, file int // whose they are
		want         string
	}{
		"Own":             {appUser, appUser, "open repository"},
		"FolderOfAnother": {otherUser, appUser, "because the folder is another user's"},
		"FolderOfRoot":    {0, appUser, "because the folder is another user's"},
		"FileOfAnother":   {appUser, otherUser, "because it is another user's"},
		"FileOfRoot":      {appUser, 0, "because it is another user's"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShared(t)
			s.write("app/firn.toml", text, tt.file)
			s.ok(os.Chown(s.path("app"), tt.folder, tt.folder))
			_, stderr := s.firn(appUser, "app", "snapshots")
			if !strings.Contains(stderr, tt.want) {
				t.Errorf("got %q, want %q", stderr, tt.want)
			}
			if strings.Contains(stderr, "is not read") != strings.Contains(stderr, "no repository is given") {
				t.Errorf("got %q, want it not read", stderr)
			}
		})
	}
}

// HOME may be another user's, as sudo and su leave it. What lies there is not the caller's.
func TestConfigurationOfAnotherHome(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lies bool
		want string
	}{
		"Configuration": {true, "is not read: "},
		"Nothing":       {false, "no repository is given"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShared(t)
			s.write("home/readme", "", appUser)
			if tt.lies {
				s.ok(os.MkdirAll(s.path("home/.config/firn"), 0o755))
				s.write("home/.config/firn/firn.toml", "password_command = 'touch "+s.path("ran")+"'\nrepository = 'repo'", appUser)
			}
			code, stderr := s.firn(0, ".", "snapshots")
			if code != 2 || !strings.Contains(stderr, tt.want) || !strings.Contains(stderr, "no repository is given") {
				t.Errorf("got %d, %q, want %q", code, stderr, tt.want)
			}
			if strings.Contains(stderr, "is not read") != tt.lies {
				t.Errorf("got %q", stderr)
			}
		})
	}
}

// Others than root trust root and themselves.
func TestConfigurationOfOthers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file int
		code int
		want string
	}{
		"Own":     {appUser, 10, "no firn repository"},
		"Root":    {0, 10, "no firn repository"},
		"Another": {otherUser, 2, "its owner is uid 23456, not uid 12345 or root"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShared(t)
			s.write("named.toml", `repository = "repo"`, tt.file)
			if code, stderr := s.firn(appUser, ".", "snapshots", "--config", "named.toml"); code != tt.code || !strings.Contains(stderr, tt.want) {
				t.Errorf("got %d, %q, want %d, %q", code, stderr, tt.code, tt.want)
			}
		})
	}
}
