package s3test

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel kill the process when the test binary dies, be it by a signal or a test's time limit:
// no cleanup runs then.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// hasAttributes reports whether files in dir can have extended attributes, in which the server keeps what it knows of
// an object. Not all of tmpfs and overlays can.
func hasAttributes(dir string) bool {
	return syscall.Setxattr(dir, "user.firn-test", []byte("1"), 0) == nil
}
