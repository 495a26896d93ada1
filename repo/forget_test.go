package repo_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"firn/repo"
	"firn/retention"
	"firn/snapshot"
)

// TestDecideOnProofs checks that unsound snapshots never push out the last sound one, whether the record says so or a note.
func TestDecideOnProofs(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		proven, noted []string // problems, the oldest first; - for not known, or no note
		want          []int    // that stay
	}{
		"Sound":        {[]string{"", "", ""}, []string{"-", "-", "-"}, []int{2}},
		"Record":       {[]string{"", "page 3", "page 3", "page 3"}, []string{"-", "-", "-", "-"}, []int{0, 3}},
		"RecordFirst":  {[]string{"", "page 3", "-"}, []string{"-", "-", "-"}, []int{0, 1, 2}},
		"Note":         {[]string{"", "", ""}, []string{"-", "page 3", "page 3"}, []int{0, 2}},
		"NoteOverrode": {[]string{"", "page 3", "page 3"}, []string{"-", "", "-"}, []int{1, 2}},
		"BySQLite":     {[]string{"", "", "", ""}, []string{"", "", "-", "-"}, []int{1, 3}},
		"ProvenSince":  {[]string{"", "", "", ""}, []string{"-", "bad row", "-", "-"}, []int{0, 1, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var list []*snapshot.Snapshot
			for i := range tt.proven {
				s := &snapshot.Snapshot{ID: snapshot.NewID(), Time: now.Add(time.Duration(i-9) * time.Hour), Images: []snapshot.Image{{}}}
				if problem := tt.proven[i]; problem != "-" {
					s.Proof = &snapshot.Verification{How: snapshot.HowDifference, Problem: problem}
				}
				if s.Verified = s.Proof; tt.noted[i] != "-" {
					s.Verified = &snapshot.Verification{How: snapshot.HowSQLite, Problem: tt.noted[i]}
				}
				list = append(list, s)
			}
			var got []int
			decisions := repo.Decide(list, retention.Policy{Last: 1}, now)[0].Decisions
			for i, s := range list {
				for _, d := range decisions {
					if d.Keep && d.ID == s.ID.String() {
						got = append(got, i)
					}
				}
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("kept %v, want %v: %s", got, tt.want, fmt.Sprint(decisions))
			}
		})
	}
}

// TestForgottenIsNotListed forgets with a repository that has not listed since it
// was opened.
func TestForgottenIsNotListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	r := cached(t, w.st, dir)
	gone := take(t, r, "production", small)
	r.Close()
	r = cached(t, w.st, dir)
	if err := r.Forget(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	if list, err := r.Snapshots(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("got %d snapshots, %v, want none", len(list), err)
	}
}
