//go:build unix

package cmd

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
)

// owner returns who owns a file.
func owner(info fs.FileInfo) (uid, gid int, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(s.Uid), int(s.Gid), true
}

// shell returns a command as sh runs it.
func shell(ctx context.Context, command string) *exec.Cmd {
	return exec.CommandContext(ctx, "/bin/sh", "-c", command)
}

// shield keeps Ctrl-C from a command: it is meant for firn, not for a service
// that is being started.
func shield(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// whenClosed returns a command as sh runs it, once its standard input is closed: by
// us, or by the system when we are gone. It is in a session of its own, out of reach
// of Ctrl-C and of a terminal that is lost.
func whenClosed(command string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", "-c", `cat >/dev/null; exec /bin/sh -c "$1" </dev/null`, "firn", command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// syncFolder makes new names in a folder survive a crash.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
