package habits_test

import (
	"os"
	"strings"
	"testing"

	"firn/internal/habits"
)

// TestDocumentHasTheSameRows compares the table of the program with that of the document.
func TestDocumentHasTheSameRows(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/migration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Words of other tools")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := strings.Count(section, "\n| `")
	if all := habits.All(); rows != len(all) || rows < 40 {
		t.Errorf("the document has %d rows, the program %d", rows, len(all))
	}
	for _, h := range habits.All() {
		if !strings.Contains(section, "| `"+h.Word+"` | "+h.Way+" |") {
			t.Errorf("docs/migration.md has no row for %s of %s", h.Word, h.Tool)
		}
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ command, word, want string }{
		{"", "unlock", "restic's. In firn: firn has no locks"},
		{"", "replicate", "Litestream's. In firn: firn watch"},
		{"key", "passwd", "firn key rotate"},
		{"forget", "--group-by", "Rules count"},
		{"snapshots", "--host", "by environment"},
		{"key", "delete", ""},
		{"snapshots", "--group-by", ""},
		{"", "--version", ""},
		{"", "nothing", ""},
	} {
		got := habits.Hint(tt.command, tt.word)
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s %s: got %q, want %q", tt.command, tt.word, got, tt.want)
		}
	}
}

func TestNear(t *testing.T) {
	t.Parallel()
	flags := []string{"database", "dry-run", "tag", "cache-size", "json"}
	for word, want := range map[string]string{
		"databse": "database", "dtabase": "database", "cahce-size": "cache-size", "cachesize": "cache-size",
		"tga": "tag", "tags": "tag", "jsno": "json", "jason": "json", "dryrun": "dry-run",
		"x": "", "nope": "", "host": "", "t": "", "completely-else": "",
	} {
		if got := habits.Near(word, flags); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}
