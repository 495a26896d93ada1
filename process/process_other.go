//go:build !unix

package process

import (
	"context"
	"os"
	"os/exec"
)

// Shell returns a command as the command interpreter runs it, without secrets in its
// environment like all commands below.
func Shell(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "cmd", "/C", command)
	cmd.Env = withoutSecrets()
	return cmd
}

// KeepingOpen returns a command as the command interpreter runs it. Files are not
// passed on here: after a kill, the application may be started while it still stops.
func KeepingOpen(ctx context.Context, command string, _ *os.File) *exec.Cmd {
	return Shell(ctx, command)
}

// ShellGroup returns a command as the command interpreter runs it.
func ShellGroup(ctx context.Context, command string) *exec.Cmd { return Shell(ctx, command) }

// WhenClosed returns a command as the command interpreter runs it, once its standard
// input is closed, which more reads to its end.
func WhenClosed(command string) *exec.Cmd {
	cmd := exec.Command("cmd", "/C", "more >nul & "+command)
	cmd.Env = withoutSecrets()
	return cmd
}
