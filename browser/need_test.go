package browser_test

import (
	"os"
	"os/exec"
	"testing"
)

// need returns the path of a program. Without it the test is left out, but not in CI.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		leaveOut(t, "%s is not installed: make deps installs it", program)
	}
	return path
}

// leaveOut ends a test that cannot run here. With CI set that is an error.
func leaveOut(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
