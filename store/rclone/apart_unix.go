//go:build unix && !linux

package rclone

import (
	"os"
	"os/exec"
	"syscall"
)

// apart gives a command a session of its own, so that it has no terminal to ask for passwords and Ctrl-C does not reach it:
// firn still needs it then. On these systems the command goes on after a kill of firn.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// terminate asks a process to end.
func terminate(p *os.Process) { _ = p.Signal(syscall.SIGTERM) } // it may have ended
