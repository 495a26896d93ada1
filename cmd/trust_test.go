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

// The users of the tests below. Neither is root.
const (
	appUser   = 12345
	otherUser = 23456
)

// sharedFolder is a folder that all users can reach, unlike that of [testing.T.TempDir].
type sharedFolder struct {
	t   *testing.T
	dir string
}

func newSharedFolder(t *testing.T) sharedFolder {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can run firn as another user")
	}
	dir, err := os.MkdirTemp("", "firn-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := sharedFolder{t, dir}
	s.ok(os.Chmod(dir, 0o755))
	return s
}

func (s sharedFolder) path(name string) string { return filepath.Join(s.dir, name) }

func (s sharedFolder) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// write makes a file, and its folder if that is missing, and gives both to a user.
func (s sharedFolder) write(name, text string, user int) {
	s.t.Helper()
	if dir := filepath.Dir(s.path(name)); os.Mkdir(dir, 0o755) == nil {
		s.ok(os.Chown(dir, user, user))
	}
	s.ok(os.WriteFile(s.path(name), []byte(text), 0o644))
	s.ok(os.Chown(s.path(name), user, user))
}

// firn runs firn as a user in one of the folders, and returns its exit code and its messages. It
// runs the test's own program by a descriptor, because that user may not be able to reach the
// program's path.
func (s sharedFolder) firn(user int, folder string, args ...string) (code int, stderr string) {
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

// TestConfigurationHere checks that a configuration in the current folder is read only if no other
// user can have put it there, because it can run commands.
func TestConfigurationHere(t *testing.T) {
	t.Parallel()
	const text = `repository = "repo"
password_command = "touch ran"`
	for name, tt := range map[string]struct {
		folder, file int // their owners
		want         string
	}{
		"Own":             {appUser, appUser, "open repository"},
		"FolderOfAnother": {otherUser, appUser, "because the folder is another user's"},
		"FolderOfRoot":    {0, appUser, "because the folder is another user's"},
		"FileOfAnother":   {appUser, otherUser, "because it is another user's"},
		"FileOfRoot":      {appUser, 0, "because it is another user's"},
		"BothOfAnother":   {otherUser, otherUser, "because the folder is another user's"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSharedFolder(t)
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

// TestConfigurationOfAnotherHome checks that a configuration in another user's HOME is not read.
// After sudo and su, HOME may be another user's.
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
			s := newSharedFolder(t)
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

// TestConfigurationOfOthers checks that a user other than root trusts files of root and the user's
// own files, and no others.
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
			s := newSharedFolder(t)
			s.write("named.toml", `repository = "repo"`, tt.file)
			if code, stderr := s.firn(appUser, ".", "snapshots", "--config", "named.toml"); code != tt.code || !strings.Contains(stderr, tt.want) {
				t.Errorf("got %d, %q, want %d, %q", code, stderr, tt.code, tt.want)
			}
		})
	}
}
