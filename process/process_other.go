//go:build !unix

package process

import (
	"context"
	"os"
	"os/exec"
)

// Shell returns a command that the command interpreter runs. Like all commands of this package, it has no secrets in its
// environment.
func Shell(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "cmd", "/C", command)
	cmd.Env = withoutSecrets()
	return cmd
}

// KeepingOpen returns a command that the command interpreter runs. The file is not passed on to it on these systems: after a
// kill of firn, the application may be started while the command still stops it.
func KeepingOpen(ctx context.Context, command string, _ *os.File) *exec.Cmd {
	return Shell(ctx, command)
}

// ShellGroup returns a command that the command interpreter runs. On these systems it is the same as [Shell].
func ShellGroup(ctx context.Context, command string) *exec.Cmd { return Shell(ctx, command) }

// WhenClosed returns a command that the command interpreter runs once its standard input is closed. The program more waits
// for that.
func WhenClosed(command string) *exec.Cmd {
	cmd := exec.Command("cmd", "/C", "more >nul & "+command)
	cmd.Env = withoutSecrets()
	return cmd
}
