package s3test_test

import (
	"os/exec"
	"strings"
	"testing"

	"firn/internal/s3test"
)

// TestProgram builds the server if that is needed. The Makefile runs TestProgram by name, before tests with shorter
// time limits.
func TestProgram(t *testing.T) {
	t.Parallel()
	path, err := s3test.Program(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), path, "--help").CombinedOutput(); err != nil || !strings.Contains(string(out), "posix") {
		t.Errorf("the program does not help: %v\n%s", err, out)
	}
}

func TestProgramElsewhere(t *testing.T) {
	t.Chdir(t.TempDir())
	if path, err := s3test.Program(t.Context()); err == nil {
		t.Errorf("outside of the module: got %s, want an error", path)
	}
}
