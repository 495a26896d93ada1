package dbtest

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// StartShell starts SQLite's own shell, which keeps a database open until the end of the test. It returns the process and
// the version of its SQLite.
func StartShell(t testing.TB, path string) (process int, version string) {
	t.Helper()
	cmd := exec.Command(Tool(t, "sqlite3"), path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	if _, err := io.WriteString(in, "SELECT sqlite_version(), count(*) FROM users;\n"); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	version, _, _ = strings.Cut(line, "|")
	return cmd.Process.Pid, version
}
