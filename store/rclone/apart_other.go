//go:build !unix

package rclone

import (
	"os"
	"os/exec"
)

// apart does nothing on these systems: the command goes on after a kill of firn.
func apart(*exec.Cmd) {}

// terminate ends a process at once, since these systems have no way to ask for it.
func terminate(p *os.Process) { _ = p.Kill() } // it may have ended
