package cmd_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"firn/cmd"
	"firn/internal/sshtest"
)

// work keeps the folders of the scripts, so that they can be inspected.
var work = flag.Bool("work", false, "keep the scripts' folders")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"firn": func() { nameConfig(); os.Exit(cmd.Main(moveArguments(os.Args[1:]))) },
		"sql":  func() { os.Exit(runSQL(os.Args[1], os.Args[2])) },
	})
}

// unnamed is the variable that prevents nameConfig for a script.
const unnamed = "UNNAMED"

// nameConfig names the firn.toml of the current folder in FIRN_CONFIG if root runs the test. Root
// must name a configuration, other users need not. So the same scripts work for all users.
func nameConfig() {
	if _, err := os.Stat("firn.toml"); err == nil && os.Geteuid() == 0 && os.Getenv("FIRN_CONFIG") == "" && os.Getenv(unnamed) == "" {
		if err := os.Setenv("FIRN_CONFIG", "firn.toml"); err != nil {
			panic(err)
		}
	}
}

// TestScripts runs each script in a folder, in a bucket, and in a folder of another host. With -short, when the race detector makes every
// process slow, it runs only scripts with much concurrency.
func TestScripts(t *testing.T) {
	t.Parallel()
	t.Run("Folder", func(t *testing.T) {
		t.Parallel()
		ssh := standIn(t)
		p := params(func(env *testscript.Env) error {
			env.Setenv("SSH_FOLDER", filepath.Dir(ssh))
			return setUp(env)
		}, inFolder)
		p.shorten("backup", "check", "copy", "forget", "overlap", "query", "repair", "restore_clone", "restore_seed", "several", "sparse")
		testscript.Run(t, p.Params)
	})
	t.Run("Bucket", func(t *testing.T) {
		t.Parallel()
		servers := startServers(t)
		p := params(func(env *testscript.Env) error {
			return errors.Join(setUp(env), servers.moveToBucket(env))
		}, inBucket)
		p.Cmds["locked"] = servers.locked
		p.shorten("backup", "bucket_rights")
		testscript.Run(t, p.Params)
	})
	t.Run("Host", func(t *testing.T) {
		t.Parallel()
		program := sshtest.Program(t)
		p := params(func(env *testscript.Env) error {
			return errors.Join(setUp(env), moveToHost(env, program))
		}, onHost)
		p.shorten("sftp")
		testscript.Run(t, p.Params)
	})
}

// standIn returns the path of the stand-in for ssh. A script puts its folder, SSH_FOLDER, before the others of PATH.
func standIn(t *testing.T) string {
	if runtime.GOOS == "windows" {
		return "ssh"
	}
	return sshtest.Program(t)
}

// place is where a script has its repositories.
type place string

// The places. The word is the name of the condition that is true there alone.
const (
	inFolder place = "folder"
	inBucket place = "s3"
	onHost   place = "sftp"
)

// scripts says which scripts run, and how.
type scripts struct{ testscript.Params }

// shorten runs only the named scripts with -short.
func (s *scripts) shorten(names ...string) {
	if !testing.Short() {
		return
	}
	for _, name := range names {
		s.Files = append(s.Files, filepath.Join(s.Dir, name+".txt"))
	}
	s.Dir = ""
}

func params(setUp func(*testscript.Env) error, in place) *scripts {
	return &scripts{testscript.Params{
		Dir:                "testdata/script",
		TestWork:           *work,
		RequireUniqueNames: true,
		Setup:              setUp,
		Condition:          func(name string) (bool, error) { return condition(name, in) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"remember":  remember,
			"unchanged": unchanged,
			"lock":      lock,
			"hold":      hold,
			"connect":   connect,
			"flip":      flip,
			"damage":    doDamage,
			"id":        id,
			"locked":    func(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("locked needs [bucket]") },
		},
	}}
}

func setUp(env *testscript.Env) error {
	env.Setenv("FIRN_CACHE_DIR", env.WorkDir+"/.cache")
	env.Setenv("HOME", env.WorkDir+"/.home")
	env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/.config")
	env.Setenv("TZ", "UTC")
	return nil
}

// condition evaluates the conditions of scripts. [bucket]: repositories are not in a folder. [s3], [sftp]: they are in a
// bucket, or on another host. [root]:
// root runs the tests. [powerless]: a command can run without root's rights over files. [tmpfs]: a
// small disk can be mounted. [cgroup]: a process's memory can be limited. [zstd], [sqlite3],
// [promtool]: the program is installed. In CI these three are always true, so that the script fails
// if the program is missing, as dbtest.Tool does.
func condition(name string, in place) (bool, error) {
	switch name {
	case "zstd", "sqlite3", "promtool":
		_, err := exec.LookPath(name)
		return err == nil || os.Getenv("CI") != "", nil
	case "bucket":
		return in != inFolder, nil
	case "s3", "sftp":
		return string(in) == name, nil
	case "root":
		return os.Geteuid() == 0, nil
	case "powerless":
		_, err := exec.LookPath("setpriv")
		return os.Getuid() != 0 || err == nil, nil
	case "cgroup":
		return canLimitMemory(), nil
	case "tmpfs":
		return os.Getuid() == 0 && exec.Command("unshare", "-m", "true").Run() == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// canLimitMemory reports whether this process can make a control group that limits memory.
func canLimitMemory() bool {
	for dir, file := range map[string]string{"/sys/fs/cgroup/memory": "memory.limit_in_bytes", "/sys/fs/cgroup": "memory.max"} {
		group, err := os.MkdirTemp(dir, "firn-test-")
		if err != nil {
			continue
		}
		_, err = os.Stat(filepath.Join(group, file))
		if os.Remove(group) == nil && err == nil {
			return true
		}
	}
	return false
}

// exits runs a command, as exec does, which must end with a certain exit code: exits CODE
// [powerless] COMMAND ARG...
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	args = args[1:]
	if args[0] == "powerless" {
		args = args[1:]
		if os.Getuid() == 0 {
			args = append([]string{"setpriv", "--bounding-set=-dac_override,-dac_read_search"}, args...)
		}
	}
	got := 0
	if err := ts.Exec(args[0], args[1:]...); err != nil {
		exit, ok := err.(*exec.ExitError)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code: got %d, want %d", got, want)
	}
}
