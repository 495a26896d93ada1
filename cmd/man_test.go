package cmd_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"firn/cmd"
	"firn/internal/dbtest"
)

// TestManual searches the manual pages for some required texts, and checks the
// pages with mandoc.
func TestManual(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if code := cmd.Run(t.Context(), []string{"man", dir}, cmd.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}); code != 0 {
		t.Fatalf("man: exit code %d", code)
	}
	for _, c := range [][2]string{
		{"man1/firn.1", "damage was found"},
		{"man1/firn.1", `.It Fl q , Fl \-quiet`},
		{"man1/firn-backup.1", `.It Fl \-metrics\-file Ar "file"`},
		{"man1/firn-backup.1", `.It Fl \-keep\-yearly Ar "n"`},
		{"man1/firn-key-add.1", "password"},
		{"man5/firn.toml.5", "on_failure"},
	} {
		page, want := c[0], c[1]
		if b, err := os.ReadFile(filepath.Join(dir, page)); err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s lacks %q, %v", page, want, err)
		}
	}
	pages, err := filepath.Glob(dir + "/man?/*")
	if err != nil {
		t.Fatal(err)
	}
	lint := exec.Command(dbtest.Tool(t, "mandoc"), append([]string{"-Tlint", "-Wwarning"}, pages...)...)
	if out, err := lint.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
}
