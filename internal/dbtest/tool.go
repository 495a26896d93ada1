package dbtest

import (
	"os"
	"os/exec"
	"testing"
)

// Tool returns the path of a program that reads firn's output. Tool skips the test if the
// program is not installed. In CI it fails the test instead, because .ci/run installs the
// programs.
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
