package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"firn/crypt"
	"firn/outcome"
	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/sqlite"
	"firn/store"
	"firn/tags"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		err  error
		want int
		hint bool
	}{
		{"Other", errors.New("x"), outcome.CodeFailed, false},
		{"Usage", outcome.Usage("hint", "x"), outcome.CodeUsage, true},
		{"KeepsNothing", retention.ErrKeepsNothing, outcome.CodeUsage, true},
		{"Tag", tags.ErrInvalid, outcome.CodeUsage, false},
		{"SourceMissing", outcome.OfSource(fs.ErrNotExist), outcome.CodeSource, true},
		{"SourceDamaged", outcome.OfSource(sqlite.ErrCorrupt), outcome.CodeSource, true},
		{"SourceNoSpace", outcome.OfSource(syscall.ENOSPC), outcome.CodeSource, true},
		{"SourceOther", outcome.OfSource(errors.New("x")), outcome.CodeSource, false},
		{"SourceInterrupted", outcome.OfSource(context.Canceled), outcome.CodeInterrupted, false},
		{"NotRepository", repo.ErrNotRepository, outcome.CodeNoRepository, true},
		{"Exists", repo.ErrExists, outcome.CodeFailed, true},
		{"Running", outcome.ErrRunning, outcome.CodeRunning, true},
		{"WrongKey", crypt.ErrWrongKey, outcome.CodeWrongKey, true},
		{"WrongKeyAndDamagedKey", errors.Join(&repo.CorruptError{Err: errors.New("x")}, crypt.ErrWrongKey), outcome.CodeWrongKey, true},
		{"Damage", &repo.CorruptError{Err: errors.New("x")}, outcome.CodeDamage, true},
		{"LaterVersion", repo.ErrVersion, outcome.CodeFailed, true},
		{"NotFound", snapshot.ErrNotFound, outcome.CodeFailed, true},
		{"Ambiguous", &snapshot.AmbiguousError{}, outcome.CodeFailed, true},
		{"DiskFull", syscall.ENOSPC, outcome.CodeFailed, true},
		{"StoreFull", store.ErrNoSpace, outcome.CodeFailed, true},
		{"Interrupted", outcome.Interrupted(errors.New("x")), outcome.CodeInterrupted, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, hint := outcome.Classify(fmt.Errorf("do: %w", c.err))
			if code != c.want {
				t.Errorf("code: got %d, want %d", code, c.want)
			}
			if got := hint != ""; got != c.hint {
				t.Errorf("hint: got %q", hint)
			}
		})
	}
}

// TestHintOfDatabaseThatWouldBeHeldUp checks that the hint belongs to the error
// itself, not to an error that it wraps.
func TestHintOfDatabaseThatWouldBeHeldUp(t *testing.T) {
	t.Parallel()
	missing := &fs.PathError{Op: "open", Path: "/missing", Err: syscall.ENOENT} // stands for the folder of temporary files
	code, hint := outcome.Classify(outcome.OfSource(fmt.Errorf("%w, as it cannot be put aside: %w", sqlite.ErrHoldsUp, missing)))
	if code != outcome.CodeSource || !strings.Contains(hint, "--block-writers") {
		t.Errorf("got %d, %q, want %d, and how to read it all the same", code, hint, outcome.CodeSource)
	}
}

// TestExitCodesAreDocumented checks that the text for users names exactly the
// codes of the table.
func TestExitCodesAreDocumented(t *testing.T) {
	t.Parallel()
	var documented []int
	for _, match := range regexp.MustCompile(`(?m)^  (\d+) `).FindAllStringSubmatch(outcome.Codes, -1) {
		code, err := strconv.Atoi(match[1])
		if err != nil {
			t.Fatal(err)
		}
		documented = append(documented, code)
	}
	used := []int{outcome.CodeDone, outcome.CodeFailed, outcome.CodePartly, outcome.CodeDamage}
	for _, e := range outcome.Endings() {
		used = append(used, e.Code)
	}
	slices.Sort(used)
	if want := slices.Compact(used); !slices.Equal(documented, want) {
		t.Errorf("documented: got %v, want %v", documented, want)
	}
}

func TestHintsAreSentences(t *testing.T) {
	t.Parallel()
	for _, e := range outcome.Endings() {
		if e.Hint != "" && !strings.HasSuffix(e.Hint, ".") && !strings.HasSuffix(e.Hint, "?") {
			t.Errorf("hint %q does not end like a sentence", e.Hint)
		}
	}
}

// TestReadmeExitCodes checks that the README's table agrees with the help.
func TestReadmeExitCodes(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(outcome.Codes) {
		code, meaning, ok := strings.Cut(strings.TrimSpace(line), " ")
		if _, err := strconv.Atoi(code); err != nil || !ok {
			continue // the heading
		}
		if row := fmt.Sprintf("| %s | %s |", code, strings.TrimSpace(meaning)); !strings.Contains(string(readme), row) {
			t.Errorf("README lacks %q", row)
		}
	}
}
