package s3test

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel kill the process when the test binary dies. If a signal or a test's time limit ends the
// test binary, no cleanup runs.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// hasAttributes reports whether files in dir can have extended attributes. The server keeps the metadata of objects in
// them. Some versions of tmpfs and overlays have no extended attributes.
func hasAttributes(dir string) bool {
	return syscall.Setxattr(dir, "user.firn-test", []byte("1"), 0) == nil
}
