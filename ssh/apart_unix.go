//go:build unix

package ssh

import (
	"os/exec"
	"syscall"
)

// apart gives ssh a session of its own. Ctrl-C on the terminal then does not end the connection while firn tidies up, and no
// program that ssh starts can ask for a password there. A kill of firn ends ssh, too: its input ends.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
