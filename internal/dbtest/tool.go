package dbtest

import (
	"os"
	"os/exec"
	"testing"
)

// Tool returns the path of a program that firn's output is made for. Where it is
// not installed the test is skipped, but not in CI, which installs it: .ci/run.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return path
}
