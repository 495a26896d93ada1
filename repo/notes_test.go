package repo_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/crypt"
	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store/storetest"
)

func isNote(name string) bool { return strings.HasPrefix(name, snapshot.NotePrefix) }

// verification is a note that a snapshot is sound, or has a problem.
func verification(id snapshot.ID, problem string) snapshot.Note {
	return snapshot.Note{Snapshot: id, Verified: &snapshot.Verification{Time: time.Now(), How: "test", Problem: problem}}
}

func note(t testing.TB, r *repo.Repo, id snapshot.ID, problem string) {
	t.Helper()
	if err := r.Note(context.Background(), verification(id, problem)); err != nil {
		t.Fatal(err)
	}
}

// verified returns the outcomes that are known.
func verified(t testing.TB, r *repo.Repo) map[snapshot.ID]*snapshot.Verification {
	t.Helper()
	list, err := r.Snapshots(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[snapshot.ID]*snapshot.Verification)
	for _, s := range list {
		if s.Verified != nil {
			known[s.ID] = s.Verified
		}
	}
	return known
}

// notedSnapshot leaves two snapshots, of which the older one is noted as sound.
func notedSnapshot(t testing.TB, w *world) {
	s := w.take(t, "production", small)
	w.take(t, "production", changed)
	note(t, open(t, w.st), s.ID, "")
}

// orphanedNote leaves a note on a snapshot that is gone.
func orphanedNote(t testing.TB, w *world) {
	notedSnapshot(t, w)
	r := open(t, w.st)
	gone := take(t, r, "demo", tiny)
	if err := r.Forget(context.Background(), gone.ID); err != nil {
		t.Fatal(err)
	}
	note(t, r, gone.ID, "")
}

// noteNewest notes a problem of the oldest snapshot, in place of earlier notes.
func noteNewest(ctx context.Context, _ *world, r *repo.Repo) error {
	list, err := r.Snapshots(ctx)
	if err != nil {
		return err
	}
	return r.Note(ctx, verification(list[len(list)-1].ID, "bad"))
}

// TestNotes: the note that was stored last counts, for every host, and takes the
// place of the one before.
func TestNotes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.take(t, "production", small), w.take(t, "production", changed)
	dir := t.TempDir()
	other := cached(t, w.st, dir)
	if got := verified(t, other); len(got) != 0 {
		t.Errorf("got %v, want nothing verified", got)
	}
	other.Close()
	r := open(t, w.st)
	for i, problem := range []string{"", "bad", ""} {
		note(t, r, a.ID, problem)
		note(t, r, b.ID, "bad")
		for name, r := range map[string]*repo.Repo{"Same": r, "Fresh": open(t, w.st), "OtherCache": cached(t, w.st, dir)} {
			got := verified(t, r)
			if len(got) != 2 || got[a.ID].Problem != problem || got[b.ID].Problem != "bad" || got[a.ID].How != "test" {
				t.Errorf("%s, note %d: got %v", name, i, got)
			}
			r.Close()
		}
		if n := countOf(t, w.st, snapshot.NotePrefix); n != 2 {
			t.Errorf("note %d: %d notes are left, want 2", i, n)
		}
	}
	w.verify(t)
}

// TestNoteOfSlowClock: the note that was stored last counts, whatever clocks say.
func TestNoteOfSlowClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.take(t, "production", small)
	note(t, open(t, w.st), s.ID, "")
	opts := options(w.st)
	opts.Now = func() time.Time { return time.Unix(1e9, 0) }
	r, err := repo.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	verified(t, r)
	note(t, r, s.ID, "bad")
	if got := verified(t, open(t, w.st))[s.ID]; got.Sound() || countOf(t, w.st, snapshot.NotePrefix) != 1 {
		t.Errorf("got %+v, want the later note alone", got)
	}
}

// TestNoteOfLaterVersion: a note with a field of a later version stays.
func TestNoteOfLaterVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.take(t, "production", small)
	name := snapshot.NewNoteName(s.ID)
	document := fmt.Sprintf(`{"v":1,"snapshot":%q,"time":"2026-01-01T00:00:00Z","mood":7,"verified":{"time":"2026-01-01T00:00:00Z","how":"x"}}`, s.ID)
	replace(t, w.st, name, keysOf(t, w.st).SealObject(crypt.ObjectNote, name, frame(t, document)))
	r := open(t, w.st)
	if got := verified(t, r); !got[s.ID].Sound() {
		t.Errorf("got %v, want the field that is known", got)
	}
	note(t, r, s.ID, "bad")
	if countOf(t, w.st, name) != 1 || verified(t, open(t, w.st))[s.ID].Sound() {
		t.Error("the note of a later version must stay, and not count")
	}
	w.verify(t)
}

// TestForgetTakesNotes: by ID, by retention, and those that other hosts left behind.
func TestForgetTakesNotes(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(t *testing.T, w *world){
		"Forget": func(t *testing.T, w *world) {
			if err := forgetOldest(t.Context(), w, open(t, w.st)); err != nil {
				t.Fatal(err)
			}
		},
		"ForgetWithoutListing": func(t *testing.T, w *world) {
			r := open(t, w.st)
			for id := range verified(t, open(t, w.st)) {
				if err := r.Forget(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				delete(w.images, id)
			}
		},
		"Retention": func(t *testing.T, w *world) { // two are verified, the newer one stays
			note(t, open(t, w.st), w.take(t, "production", next).ID, "")
			if err := backupOf(tiny, repo.BackupOptions{Keep: &retention.Policy{Last: 1}})(t.Context(), w, open(t, w.st)); err != nil {
				t.Fatal(err)
			}
		},
		"Orphans": func(t *testing.T, w *world) {
			orphanedNote(t, w)
			if n := pruneAll(t, w.st); n.Deleted+n.Condemned > 1 {
				t.Errorf("got %+v", n)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			notedSnapshot(t, w)
			act(t, w)
			for _, o := range objectsOf(t, w.st, snapshot.NotePrefix) {
				id, ok := snapshot.ParseNoteName(o.Name)
				if _, there := w.images[id]; !ok || !there {
					t.Errorf("%s is left", o.Name)
				}
			}
			w.verify(t)
			w.goOn(t, tiny)
		})
	}
}

// TestPruneKeepsNotes lets a record be away while a prune looks for it: one that is
// stored, and noted, just after the first listing has passed its place; and one that
// a repair puts back.
func TestPruneKeepsNotes(t *testing.T) {
	t.Parallel()
	prepared := newWorld(t)
	notedSnapshot(t, prepared)
	for name, tt := range map[string]struct {
		repair bool // a partial record stands for the record meanwhile
		back   int  // the listing before which it is there; the third and fourth look again
	}{"Stored": {false, 3}, "PutBack": {true, 4}, "Away": {true, 9}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := prepared.clone(t)
			record := objectsOf(t, w.st, snapshot.Prefix)[1].Name // the older one
			object, id := read(t, w.st, record), record[len(record)-32:]
			partial := "meta/part-0123456789abcdef-" + id
			if tt.repair {
				plain := fmt.Appendf(nil, `{"v":1,"id":%q,"packs":[]}`, id)
				replace(t, w.st, partial, keysOf(t, w.st).SealObject(crypt.ObjectPartial, partial, plain))
			}
			if err := w.st.Delete(t.Context(), record); err != nil {
				t.Fatal(err)
			}
			lists := 0
			back := func() {
				if err := errors.Join(w.st.Put(t.Context(), record, object), w.st.Delete(t.Context(), partial)); err != nil {
					t.Error(err)
				}
			}
			pruneWith(t, open(t, storetest.NewHooked(w.st, func(op, _ string) {
				if op == "list" {
					if lists++; lists == tt.back {
						back()
					}
				}
			})), repo.PruneOptions{})
			if lists < tt.back {
				back()
			}
			if got := verified(t, open(t, w.st)); len(got) != 1 || lists != 5 {
				t.Errorf("got %v after %d listings, want the note kept after 5", got, lists)
			}
			w.verify(t)
		})
	}
}

// TestUnreadableNote damages a note. That stops nothing, but the snapshot stays, since it
// may be the verified one.
func TestUnreadableNote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	notedSnapshot(t, w)
	older := w.take(t, "production", next)
	note(t, open(t, w.st), older.ID, "") // the newest verified one, if the note can be read
	for _, o := range objectsOf(t, w.st, snapshot.NotePrefix) {
		if id, _ := snapshot.ParseNoteName(o.Name); id == older.ID {
			replace(t, w.st, o.Name, flipped(read(t, w.st, o.Name), 60))
		}
	}
	r := open(t, w.st)
	list, err := r.Snapshots(t.Context())
	var corrupt *repo.CorruptError
	if len(list) != 3 || !errors.As(err, &corrupt) || corrupt.Kind != "note" {
		t.Fatalf("got %d snapshots, %v, want 3 and a damaged note", len(list), err)
	}
	keep := &retention.Policy{Last: 1}
	groups := repo.Decide(list, *keep, time.Now())
	reasons := make(map[string][]string)
	for _, d := range groups[0].Decisions {
		reasons[d.ID] = d.Reasons
	}
	if !slices.Contains(reasons[older.ID.String()], "unreadable note") || len(reasons) != 3 {
		t.Errorf("got reasons %v, want the unreadable note to be one", reasons)
	}
	if err := backupOf(tiny, repo.BackupOptions{Keep: keep})(t.Context(), w, r); err != nil {
		t.Fatal(err)
	}
	images := maps.Clone(w.images)
	pruneAll(t, w.st)
	list, _ = open(t, w.st).Snapshots(t.Context())
	for _, s := range list {
		delete(images, s.ID)
	}
	if len(list) != 3 || len(images) > 0 { // the new one, that with the unreadable note, and the newest known to be verified
		t.Errorf("got %d snapshots, want 3", len(list))
	}
	d, err := open(t, w.st).Diagnose(t.Context(), nil)
	if err != nil || len(d.Deleted) != 1 || !isNote(d.Deleted[0]) || len(d.Lost) > 0 {
		t.Fatalf("got %+v, %v, want the note to be deleted", d, err)
	}
	if _, err := open(t, w.st).Repair(t.Context(), d, repo.RepairOptions{}); err != nil {
		t.Fatal(err)
	}
	w.verify(t)
}

// TestMisnamedNote: it is rejected, and a repair removes it.
func TestMisnamedNote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	notedSnapshot(t, w)
	old := firstName(t, w.st, snapshot.NotePrefix)
	for _, name := range []string{snapshot.NotePrefix + "x", old + "0"} {
		c := w.clone(t)
		if err := c.st.Put(t.Context(), name, read(t, w.st, old)); err != nil {
			t.Fatal(err)
		}
		if list, err := open(t, c.st).Snapshots(t.Context()); len(list) != 2 || !known(err) {
			t.Errorf("%s: got %d snapshots, %v, want damage", name, len(list), err)
		}
		d, err := open(t, c.st).Diagnose(t.Context(), nil)
		if err == nil {
			_, err = open(t, c.st).Repair(t.Context(), d, repo.RepairOptions{})
		}
		if err != nil || !slices.Equal(d.Deleted, []string{name}) {
			t.Errorf("%s: got %v, %v, want it deleted", name, d, err)
		}
		c.verify(t)
	}
}
