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
		{"Other", errors.New("x"), exitFailed, false},
		{"Usage", usage("hint", "x"), exitUsage, true},
		{"KeepsNothing", retention.ErrKeepsNothing, exitUsage, true},
		{"Tag", tags.ErrInvalid, exitUsage, false},
		{"SourceMissing", ofTheSource(fs.ErrNotExist), exitSource, true},
		{"SourceDamaged", ofTheSource(sqlite.ErrCorrupt), exitSource, true},
		{"SourceNoSpace", ofTheSource(syscall.ENOSPC), exitSource, true},
		{"SourceOther", ofTheSource(errors.New("x")), exitSource, false},
		{"SourceInterrupted", ofTheSource(context.Canceled), exitInterrupted, false},
		{"NotRepository", repo.ErrNotRepository, exitNoRepository, true},
		{"Exists", repo.ErrExists, exitFailed, true},
		{"Running", errRunning, exitRunning, true},
		{"WrongKey", crypt.ErrWrongKey, exitWrongKey, true},
		{"WrongKeyAndDamagedKey", errors.Join(&repo.CorruptError{Err: errors.New("x")}, crypt.ErrWrongKey), exitWrongKey, true},
		{"Damage", &repo.CorruptError{Err: errors.New("x")}, exitDamage, true},
		{"LaterVersion", repo.ErrVersion, exitFailed, true},
		{"NotFound", snapshot.ErrNotFound, exitFailed, true},
		{"Ambiguous", &snapshot.AmbiguousError{}, exitFailed, true},
		{"DiskFull", syscall.ENOSPC, exitFailed, true},
		{"StoreFull", store.ErrNoSpace, exitFailed, true},
		{"Interrupted", interrupted(errors.New("x")), exitInterrupted, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, hint := classify(fmt.Errorf("do: %w", c.err))
			if code != c.want {
				t.Errorf("code: got %d, want %d", code, c.want)
			}
			if got := hint != ""; got != c.hint {
				t.Errorf("hint: got %q", hint)
			}
		})
	}
}

// A cause within a cause must not be taken for the matter itself.
func TestHintOfDatabaseThatWouldBeHeldUp(t *testing.T) {
	t.Parallel()
	missing := &fs.PathError{Op: "open", Path: "/missing", Err: syscall.ENOENT} // the folder for temporary files
	code, hint := classify(ofTheSource(fmt.Errorf("%w, as it cannot be put aside: %w", sqlite.ErrHoldsUp, missing)))
	if code != exitSource || !strings.Contains(hint, "--block-writers") {
		t.Errorf("got %d, %q, want %d, and how to read it all the same", code, hint, exitSource)
	}
}

// The text that users see names each code of the table, and no other.
func TestExitCodesAreDocumented(t *testing.T) {
	t.Parallel()
	var documented []int
	for _, match := range regexp.MustCompile(`(?m)^  (\d+) `).FindAllStringSubmatch(exitCodes, -1) {
		code, err := strconv.Atoi(match[1])
		if err != nil {
			t.Fatal(err)
		}
		documented = append(documented, code)
	}
	used := []int{exitDone, exitFailed, exitPartly, exitDamage}
	for _, e := range endings() {
		used = append(used, e.code)
	}
	slices.Sort(used)
	if want := slices.Compact(used); !slices.Equal(documented, want) {
		t.Errorf("documented: got %v, want %v", documented, want)
	}
}

func TestHintsAreSentences(t *testing.T) {
	t.Parallel()
	for _, e := range endings() {
		if e.hint != "" && !strings.HasSuffix(e.hint, ".") && !strings.HasSuffix(e.hint, "?") {
			t.Errorf("hint %q does not end like a sentence", e.hint)
		}
	}
}

// TestReadmeExitCodes keeps the README's table to what the help says.
func TestReadmeExitCodes(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(exitCodes) {
		code, meaning, ok := strings.Cut(strings.TrimSpace(line), " ")
		if _, err := strconv.Atoi(code); err != nil || !ok {
			continue // the heading
		}
		if row := fmt.Sprintf("| %s | %s |", code, strings.TrimSpace(meaning)); !strings.Contains(string(readme), row) {
			t.Errorf("README lacks %q", row)
		}
	}
}
