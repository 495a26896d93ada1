package firn_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"firn"
	"firn/internal/sshtest"
)

// TestProgramsOfTheDocument builds the programs of docs/embedding.md as a newcomer would, with other paths, and runs
// them: the first until it has taken a snapshot, and then the second.
func TestProgramsOfTheDocument(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("two programs are built")
	}
	document, err := os.ReadFile("docs/embedding.md")
	if err != nil {
		t.Fatal(err)
	}
	programs := regexp.MustCompile("(?s)```go\n(package main\n.*?)```").FindAllStringSubmatch(string(document), -1)
	if len(programs) != 3 {
		t.Fatalf("got %d programs, want 3", len(programs))
	}
	f := newFixture(t, firn.Environment{})
	paths := strings.NewReplacer(
		"/srv/app/app.db", f.path("app.db"), "/srv/copy/app.db", f.path("copy.db"),
		"/var/backups/app", f.path("history"), "/etc/app/firn.key", f.path("history.key"))

	keeper := exec.CommandContext(t.Context(), buildProgram(t, paths.Replace(programs[0][1])))
	keeper.Env = append(os.Environ(), "XDG_CACHE_HOME="+f.path("cache"), "XDG_STATE_HOME="+f.path("state"))
	said, err := keeper.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	text := untilSnapshot(said)
	if err := keeper.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(said)
	if err := keeper.Wait(); err != nil || !strings.Contains(text, "keep this second key on paper") || !strings.Contains(text, "snapshot") {
		t.Fatalf("the program that backs itself up: %v, and it says %s%s", err, text, rest)
	}

	puller := exec.CommandContext(t.Context(), buildProgram(t, paths.Replace(programs[1][1])))
	puller.Env = keeper.Env
	out, err := puller.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "1 objects in its schema") {
		t.Fatalf("the program that pulls a snapshot: %v, and it says %s", err, out)
	}

	paths = strings.NewReplacer("/srv/app/app.db", f.path("app.db"), "/var/backups/db1", f.path("pulled"), "/etc/backup/firn.key", f.path("pulled.key"))
	remote := exec.CommandContext(t.Context(), buildProgram(t, paths.Replace(programs[2][1])))
	remote.Env = append(slices.Clone(keeper.Env), "PATH="+filepath.Dir(sshtest.Program(t))+":"+buildCommand(t)+":"+os.Getenv("PATH"))
	out, err = remote.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "snapshot ") {
		t.Fatalf("the program that pulls a database: %v, and it says %s", err, out)
	}
	if _, err := os.Stat(f.path("copy.db")); err != nil {
		t.Error(err)
	}
}

// untilSnapshot reads lines up to the first that tells of a snapshot, or to the end.
func untilSnapshot(r io.Reader) string {
	var text strings.Builder
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadString('\n')
		text.WriteString(line)
		if err != nil || strings.Contains(line, "snapshot ") {
			return text.String()
		}
	}
}

// buildProgram builds a program in a module of its own, which uses this one by replace, and returns its path. Its go.mod
// is what "go mod tidy" would make, so that nothing need be asked of a server.
func buildProgram(t *testing.T, source string) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	first, rest, _ := bytes.Cut(mod, []byte("\n"))
	module := strings.TrimPrefix(string(first), "module ")
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.go": source,
		"go.mod":  "module app\n" + string(rest) + "\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + root + "\n",
		"go.sum":  string(sum),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-mod=mod", "-o", "program.exe", ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	return filepath.Join(dir, "program.exe")
}

// buildCommand builds the command firn and returns its folder.
func buildCommand(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "firn"), "./cmd/firn")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	return dir
}

// TestLinksOnlyWhatIsUsed looks at the packages that a program gets with this one.
func TestLinksOnlyWhatIsUsed(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range strings.Fields(string(out)) {
		for _, unwanted := range []string{"spf13/", "minio/", "firn/cmd", "testing", "golang.org/x/term"} {
			if strings.Contains(path, unwanted) {
				t.Errorf("a program with firn links %s", path)
			}
		}
	}
}
