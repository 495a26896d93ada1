//go:build unix

package process

import (
	"context"
	"os"
	"os/exec"
	"syscall"
)

// Shell returns a command that sh runs. Like all commands of this package, it has no secrets in its environment.
func Shell(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Env = withoutSecrets()
	return cmd
}

// KeepingOpen returns a command that sh runs and that keeps a file open until it has ended. Processes that it leaves running do
// not have the file. The command has no terminal, so it cannot ask questions, and Ctrl-C does not reach it: firn notices
// Ctrl-C and kills the command with all processes that it has started.
func KeepingOpen(ctx context.Context, command string, f *os.File) *exec.Cmd {
	// The exit keeps sh from running the command in its own place, which closes the file.
	cmd := inGroup(exec.CommandContext(ctx, "/bin/sh", "-c", `/bin/sh -c "$1" 3>&-; exit $?`, "firn", command))
	cmd.Env = withoutSecrets()
	cmd.ExtraFiles = []*os.File{f} // 3
	return cmd
}

// ShellGroup returns a command that sh runs without a terminal. It is killed with all processes that it has started.
func ShellGroup(ctx context.Context, command string) *exec.Cmd { return inGroup(Shell(ctx, command)) }

// inGroup gives a command a process group of its own, without a terminal. The end of the context kills the whole group.
func inGroup(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// WhenClosed returns a command that sh runs once its standard input is closed: by firn, or by the system after the end of firn.
// It has a session of its own, so neither Ctrl-C nor the loss of the terminal reaches it. While it waits, it ignores the
// signals that end firn, since systemd sends them to all processes of a unit.
func WhenClosed(command string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", "-c", `trap "" HUP INT TERM; cat >/dev/null; trap - HUP INT TERM; exec /bin/sh -c "$1" </dev/null`, "firn", command)
	cmd.Env = withoutSecrets()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}
