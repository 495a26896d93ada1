//go:build !unix

package cmd

import (
	"context"
	"os"
	"os/exec"
)

// shell returns a command as the command interpreter runs it, without secrets in its
// environment like all commands below.
func shell(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "cmd", "/C", command)
	cmd.Env = withoutSecrets()
	return cmd
}

// keepingOpen returns a command as the command interpreter runs it. Files are not
// passed on here: after a kill, the application may be started while it still stops.
func keepingOpen(ctx context.Context, command string, _ *os.File) *exec.Cmd {
	return shell(ctx, command)
}

// shellGroup returns a command as the command interpreter runs it.
func shellGroup(ctx context.Context, command string) *exec.Cmd { return shell(ctx, command) }

// whenClosed returns a command as the command interpreter runs it, once its standard
// input is closed, which more reads to its end.
func whenClosed(command string) *exec.Cmd {
	cmd := exec.Command("cmd", "/C", "more >nul & "+command)
	cmd.Env = withoutSecrets()
	return cmd
}

// openAtOnce opens a file for reading.
func openAtOnce(path string) (*os.File, error) { return os.Open(path) }

// syncFolder need not do anything: names are as durable as files here.
func syncFolder(string) error { return nil }
