package rclone

import (
	"os"
	"os/exec"
	"syscall"
)

// apart gives a command a session of its own, so that it has no terminal to ask for passwords and Ctrl-C does not reach it:
// firn still needs it then. The kernel ends the command when firn has died.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
}

// terminate asks a process to end.
func terminate(p *os.Process) { _ = p.Signal(syscall.SIGTERM) } // it may have ended
