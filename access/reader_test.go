package access_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/access"
)

// logWith opens a log with some lines.
func logWith(t *testing.T, lines ...string) *access.Log {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	l, err := access.OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "audit.jsonl"), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err = access.OpenLog(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// line is a line of a log.
func line(id, stage string) string {
	return fmt.Sprintf(`{"id":%q,"time":"2026-03-15T03:12:00Z","who":"a","what":"pin","environment":"e%s","stage":%q}`, id, id, stage)
}

// all reads a whole log in parts.
func all(t *testing.T, l *access.Log, most int, want func(access.Event) bool) (found []access.Change) {
	t.Helper()
	before := int64(0)
	for range 10_000 {
		part, err := l.Read(before, most, want)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, part.Changes...)
		if before = part.Older; before == 0 {
			return found
		}
	}
	t.Fatal("the log has no beginning")
	return nil
}

// shown says in a line what was read.
func shown(changes []access.Change) string {
	var words []string
	for _, c := range changes {
		switch {
		case c.Damaged != "":
			words = append(words, fmt.Sprintf("damaged:%.6s", c.Damaged))
		case c.Over:
			words = append(words, c.ID)
		default:
			words = append(words, c.ID+"?")
		}
	}
	return strings.Join(words, " ")
}

func everything(access.Event) bool { return true }

func TestLogIsReadFromItsEnd(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lines []string
		want  string
	}{
		"Empty":       {nil, ""},
		"One":         {[]string{line("1", "begun"), line("1", "ended"), ""}, "1"},
		"Interleaved": {[]string{line("1", "begun"), line("2", "begun"), line("1", "ended"), line("3", "begun"), line("3", "ended"), line("2", "ended")}, "3 2 1"},
		"Killed":      {[]string{line("1", "begun"), line("2", "begun"), line("2", "ended")}, "2 1?"},
		"Damaged":     {[]string{line("1", "begun"), "nonsense", `{"id":"9"}`, line("1", "ended"), `{"id":"2","st`}, `damaged:{"id": damaged:{"id": damaged:nonsen 1`},
		"NoBegin":     {[]string{"\x00\x00\x00", line("1", "ended")}, "damaged:\x00\x00\x00 1"},
		"Long":        {[]string{line("1", "begun"), strings.Repeat("x", 300_000), line("1", "ended")}, "damaged:\u2026 1"},
	} {
		for _, most := range []int{1, 2, 100} {
			t.Run(fmt.Sprintf("%s/%d", name, most), func(t *testing.T) {
				t.Parallel()
				got := shown(all(t, logWith(t, tt.lines...), most, everything))
				if name == "Long" && strings.HasPrefix(got, "damaged:x") {
					return // the end of it may have come with the lines behind it
				}
				if got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		}
	}
}

func TestLogOfManyChanges(t *testing.T) {
	t.Parallel()
	var lines, ids []string
	for i := range 3000 {
		id := fmt.Sprint(i)
		lines = append(lines, line(id, "begun"))
		if i >= 40 { // 40 run at once: their ends are far behind
			lines = append(lines, line(fmt.Sprint(i-40), "ended"))
		}
		ids = append([]string{id}, ids...)
	}
	for i := 2960; i < 3000; i++ {
		lines = append(lines, line(fmt.Sprint(i), "ended"))
	}
	l := logWith(t, lines...)
	if got, want := shown(all(t, l, 7, everything)), strings.Join(ids, " "); got != want {
		t.Errorf("got %.100s, want %.100s", got, want)
	}
	only := func(e access.Event) bool { return e.Environment == "e17" || e.Environment == "e2900" }
	if got := shown(all(t, l, 50, only)); got != "2900 17" {
		t.Errorf("of two environments: got %q", got)
	}
	found, err := l.Find("1500")
	if err != nil || found == nil || !found.Over || found.ID != "1500" {
		t.Errorf("one: got %v, %v", found, err)
	}
	if found, err = l.Find("x"); err != nil || found != nil {
		t.Errorf("none: got %v, %v", found, err)
	}
}

func TestLogEndsALineThatWasCut(t *testing.T) {
	t.Parallel()
	l := logWith(t, line("1", "begun"), `{"id":"2","ti`)
	if err := l.Begin(access.Event{ID: "3"}); err != nil {
		t.Fatal(err)
	}
	if got := shown(all(t, l, 100, everything)); got != `3? damaged:{"id": 1?` {
		t.Errorf("got %q", got)
	}
}
