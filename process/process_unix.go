//go:build unix

package process

import (
	"context"
	"os"
	"os/exec"
	"syscall"
)

// Shell returns a command as sh runs it, without secrets in its environment like all
// commands below.
func Shell(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Env = withoutSecrets()
	return cmd
}

// KeepingOpen returns a command as sh runs it that keeps a file open until it has
// ended, but not for what it leaves running. It has no terminal to ask a question on.
// Ctrl-C does not reach it: firn hears of that, and kills it with all that it has
// started.
func KeepingOpen(ctx context.Context, command string, f *os.File) *exec.Cmd {
	// The exit keeps sh from running the command in its own place, which closes the file.
	cmd := inGroup(exec.CommandContext(ctx, "/bin/sh", "-c", `/bin/sh -c "$1" 3>&-; exit $?`, "firn", command))
	cmd.Env = withoutSecrets()
	cmd.ExtraFiles = []*os.File{f} // 3
	return cmd
}

// ShellGroup returns a command as sh runs it, without a terminal, that is killed with all
// that it has started.
func ShellGroup(ctx context.Context, command string) *exec.Cmd { return inGroup(Shell(ctx, command)) }

// inGroup gives a command a session of its own, all of which is killed with it.
func inGroup(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// WhenClosed returns a command as sh runs it, once its standard input is closed: by
// us, or by the system when we are gone. It is in a session of its own, out of reach
// of Ctrl-C and of a terminal that is lost, and does not hear what ends us while it
// waits: systemd sends that to all of a unit's processes.
func WhenClosed(command string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", "-c", `trap "" HUP INT TERM; cat >/dev/null; trap - HUP INT TERM; exec /bin/sh -c "$1" </dev/null`, "firn", command)
	cmd.Env = withoutSecrets()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}
