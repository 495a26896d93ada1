package arch_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestLibcIsTheOneThatSQLiteWasTranslatedFor checks the version of SQLite's C
// library. The translated SQLite is generated against one version of it. Another
// version builds as well, but may lay out a structure in another way.
func TestLibcIsTheOneThatSQLiteWasTranslatedFor(t *testing.T) {
	t.Parallel()
	const library = "modernc.org/libc"
	for _, dir := range []string{"../..", "../../bench"} {
		got := moduleVersion(t, dir, library)
		want, ok := required(t, dir, "modernc.org/sqlite", library)
		if !ok {
			t.Errorf("%s: the module graph does not say which %s SQLite requires", dir, library)
		}
		if got != want {
			t.Errorf("%s: %s is %s, want %s: go get %s@%s", dir, library, got, want, library, want)
		}
	}
}

// required returns the version of a library that a module requires by itself.
func required(t *testing.T, dir, module, library string) (version string, ok bool) {
	t.Helper()
	from := module + "@" + moduleVersion(t, dir, module) + " " + library + "@"
	for line := range strings.Lines(goOutput(t, dir, "mod", "graph")) {
		if version, ok := strings.CutPrefix(strings.TrimSpace(line), from); ok {
			return version, true
		}
	}
	return "", false
}

// moduleVersion returns the version of a module that is built into the module in dir.
func moduleVersion(t *testing.T, dir, path string) string {
	t.Helper()
	return strings.TrimSpace(goOutput(t, dir, "list", "-m", "-f", "{{.Version}}", path))
}

// goOutput runs the go command in a folder.
func goOutput(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return string(out)
}
