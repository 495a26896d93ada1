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
	got := moduleVersion(t, library)
	graph, err := exec.Command("go", "mod", "graph").Output()
	if err != nil {
		t.Fatal(err)
	}
	from := "modernc.org/sqlite@" + moduleVersion(t, "modernc.org/sqlite") + " " + library + "@"
	for line := range strings.Lines(string(graph)) {
		if want, ok := strings.CutPrefix(strings.TrimSpace(line), from); ok {
			if got != want {
				t.Errorf("%s is %s, want %s: go get %s@%s", library, got, want, library, want)
			}
			return
		}
	}
	t.Errorf("the module graph has no line that begins with %q", from)
}

// moduleVersion returns the version of a module that is built into firn.
func moduleVersion(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
