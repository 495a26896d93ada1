package repo_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"firn/repo"
)

// TestForgedPlans puts objects beside the plans without a key. They stop no operation; a
// check reports them, and a repair deletes them.
func TestForgedPlans(t *testing.T) {
	t.Parallel()
	prepared := everyKind(t)
	true_ := objectsOf(t, prepared.st, "meta/gc-")[0].Name
	const digits = "0123456789abcdef"
	for what, name := range map[string]string{
		"Garbage":      "meta/gc-00000000000f-" + digits + digits,
		"LastSequence": "meta/gc-ffffffffffff-" + digits + digits,
		"NoTag":        "meta/gc-00000000000f-" + digits,
		"NoDigits":     "meta/gc-x",
		"TagOfAnother": "meta/gc-00000000000f-" + true_[len(true_)-32:],
		"Longer":       true_ + "0",
		"UpperHalf":    true_[:len(true_)-16] + strings.Repeat("0", 16),
		"Nested":       "meta/gc-00000000000f-" + digits + "/a",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := prepared.clone(t)
			for _, content := range [][]byte{[]byte("garbage"), read(t, w.st, true_), nil} {
				replace(t, w.st, name, content)
				r := open(t, w.st)
				take(t, r, "production", pages(3, 20))
				pruneAll(t, w.st)
				w.restoreAll(t, r)
				d, err := open(t, w.st).Diagnose(t.Context(), nil)
				if err != nil || !slices.Equal(d.Deleted, []string{name}) || len(d.Check.Findings) != 1 {
					t.Fatalf("got %+v, %v, want one finding and %s to be deleted", d, err, name)
				}
			}
			r := open(t, w.st)
			d, err := r.Diagnose(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Repair(t.Context(), d, repo.RepairOptions{}); err != nil {
				t.Fatal(err)
			}
			checkAll(t, w.st)
		})
	}
}

// TestReplacedPlan puts other bytes in the place of a true plan, without a key.
// A host that has read it goes on, any other stops: it may have condemned anything.
func TestReplacedPlan(t *testing.T) {
	t.Parallel()
	w := everyKind(t)
	knowing := options(w.st)
	knowing.CacheDir = t.TempDir()
	r := openAs(t, knowing)
	take(t, r, "production", pages(1, 50))
	r.Close()
	name := objectsOf(t, w.st, "meta/gc-")[0].Name
	sound := read(t, w.st, name)
	replace(t, w.st, name, []byte("garbage"))
	r = openAs(t, knowing)
	take(t, r, "production", pages(2, 50))
	r.Close()
	for what, run := range map[string]func(*repo.Repo) error{
		"Backup": func(r *repo.Repo) error {
			_, err := r.Backup(t.Context(), sourceOf(pages(1, 50)), repo.BackupOptions{Environment: "production", Database: "app"})
			return err
		},
		"Prune": func(r *repo.Repo) error {
			_, err := r.Prune(t.Context(), repo.PruneOptions{})
			return err
		},
	} {
		before := contents(t, w.st)
		err := run(open(t, w.st))
		if corrupt, ok := errors.AsType[*repo.CorruptError](err); !ok || corrupt.Name != name {
			t.Errorf("%s of a host that has not read it: got %v, want damage of %s", what, err, name)
		}
		if after := contents(t, w.st); len(after) != len(before) {
			t.Errorf("%s: %d objects became %d", what, len(before), len(after))
		}
	}
	replace(t, w.st, name, sound)
}
