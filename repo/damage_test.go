package repo_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/crypt"
	"firn/internal/damage"
	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store"
	"firn/store/mem"
)

// damagedWorld is a world that can be broken: two keys, two environments, deltas, notes,
// and a plan whose packs are gone. The databases still have the newest images.
type damagedWorld struct {
	*world
	live map[string][]byte // by environment
	dir  string            // of the cache of the host that made it all
}

func newDamagedWorld(t *testing.T) *damagedWorld {
	t.Helper()
	w := &damagedWorld{world: newWorld(t), dir: t.TempDir(), live: map[string][]byte{}}
	b := pages(1, 60)
	w.live["production"], w.live["demo"] = touch(b, 1, 4), pages(8, 20)
	if _, err := open(t, w.st).AddKey(t.Context(), crypt.KeyFileOf([]byte{9}).Credential(), "second"); err != nil {
		t.Fatal(err)
	}
	w.forget(t, w.take(t, "short", pages(5, 3)).ID)
	for range 3 {
		pruneAll(t, w.st)
	}
	run(t, w.st, w.dir, func(r *repo.Repo) {
		w.images[take(t, r, "production", b).ID] = b
		for _, env := range []string{"production", "demo"} {
			s := take(t, r, env, w.live[env])
			w.images[s.ID] = w.live[env]
			note(t, r, s.ID, "")
		}
		w.watch(t, r)
	})
	return w
}

// watch adds rounds: a small one that was forgotten as a whole, a large one, and two with deltas. One snapshot of the second
// was forgotten, too. A watch has said that it is alive.
func (w *damagedWorld) watch(t *testing.T, r *repo.Repo) {
	t.Helper()
	rounds := watchWith(t, w.world, r)
	rounds.images["tenant-a"] = pages(31, 2)
	small := rounds.take("tenant-a")
	for _, env := range []string{"tenant-a", "tenant-b"} {
		rounds.images[env] = pages(uint64(len(env)+len(rounds.images)), 30)
	}
	large := rounds.take("tenant-a", "tenant-b")
	for n := range uint64(2) {
		for _, env := range []string{"tenant-a", "tenant-b"} {
			rounds.change(env, n+5)
			w.live[env] = rounds.images[env]
		}
		note(t, r, rounds.take("tenant-a", "tenant-b")[1].ID, "")
	}
	rounds.confirm()
	for _, gone := range []*snapshot.Snapshot{small[0], large[1]} {
		if err := r.Forget(t.Context(), gone.ID); err != nil {
			t.Fatal(err)
		}
		w.gone[gone.ID] = w.images[gone.ID]
		delete(w.images, gone.ID)
	}
	if err := r.PutAlive(t.Context(), repo.Alive{Began: time.Now(), Time: time.Now()}); err != nil {
		t.Fatal(err)
	}
}

// copy returns one to break.
func (w *damagedWorld) copy(t *testing.T) *damagedWorld {
	t.Helper()
	dir := t.TempDir()
	b, err := os.ReadFile(filepath.Join(w.dir, "objects"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "objects"), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &damagedWorld{world: w.clone(t), live: w.live, dir: dir}
}

func (w *damagedWorld) damage(t testing.TB, kind string) []string {
	t.Helper()
	target, err := damage.Open(t.Context(), w.st, testKey)
	if err != nil {
		t.Fatal(err)
	}
	foreign := mem.New()
	other, err := repo.Init(t.Context(), options(foreign), repo.NewKey{Credential: testKey})
	if err != nil {
		t.Fatal(err)
	}
	note(t, other, take(t, other, "production", pages(1, 3)).ID, "")
	(&damagedWorld{world: &world{st: foreign, images: map[snapshot.ID][]byte{}, gone: map[snapshot.ID][]byte{}}, live: map[string][]byte{}}).watch(t.(*testing.T), other)
	target.Foreign = foreign
	names, err := target.Do(t.Context(), kind)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// repairing opens the repository with or without the cache.
func (w *damagedWorld) repairing(t testing.TB, withCache bool) (*repo.Repo, error) {
	t.Helper()
	opts := options(w.st)
	opts.Repairing = true
	if withCache {
		opts.CacheDir = w.dir
	}
	return repo.Open(t.Context(), opts)
}

// repair diagnoses and repairs, and returns both outcomes.
func (w *damagedWorld) repair(t testing.TB, withCache bool, opts repo.RepairOptions) (*repo.Diagnosis, *repo.RepairResult) {
	t.Helper()
	r, err := w.repairing(t, withCache)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	d, err := r.Diagnose(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Repair(t.Context(), d, opts)
	if err != nil {
		t.Fatal(err)
	}
	return d, result
}

// harmless are the kinds of damage that no prune needs to mind: it reads neither
// the object nor the part. lossless can be repaired without any loss by a host with
// a cache.
var (
	harmless = []string{
		"config", "config-missing", "key-flipped", "key-foreign", "pack-header", "pack-data",
		"note-flipped", "note-header", "note-empty", "note-foreign", "notes-swapped",
		"round-header", "round-data", "alive-flipped", "alive-header", "alive-empty", "alive-foreign",
	}
	lossless = []string{
		"config", "config-missing", "key-flipped", "key-foreign", "pack-header", "pack-footer", "pack-trailer",
		"note-empty", "note-flipped", "note-foreign", "note-header", "notes-swapped",
		"round-header", "round-footer", "round-trailer", "alive-flipped", "alive-header", "alive-empty", "alive-foreign",
		"tombstone-flipped", "tombstone-header", "tombstone-empty", "tombstone-foreign", "tombstones-swapped",
		"plan-flipped", "plan-missing", "record-empty", "record-flipped", "record-foreign", "record-header", "records-swapped",
	}
)

// TestDamage does every kind of damage, with and without a cache: it must be told,
// never be given out as data, be repaired, and healed by the next backup.
func TestDamage(t *testing.T) {
	t.Parallel()
	prepared := newDamagedWorld(t)
	for n, kind := range damage.Kinds() {
		if testing.Short() && n%5 != 0 {
			continue
		}
		for name, withCache := range map[string]bool{kind: false, kind + ",cached": true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := prepared.copy(t)
				names := w.damage(t, kind)
				x := trial{T: t, w: w.world, st: w.st, what: kind, name: names[0]}
				if x.restores(); !slices.Contains(harmless, kind) {
					x.keepsAll()
				}
				w.goesOn(t, kind)
				r, err := w.repairing(t, withCache)
				if err != nil { // without a copy, nothing opens what has no configuration
					if !strings.HasPrefix(kind, "config") || withCache || !known(err) {
						t.Fatal(err)
					}
					return
				}
				w.reports(t, r, names)
				r.Close() // the repair must do with what the check has left in the cache
				w.heal(t, kind, withCache)
			})
		}
	}
}

// goesOn fails the test unless a backup and a watch go on in spite of the damage. Only plans stop them, and what opens the
// repository.
func (w *damagedWorld) goesOn(t *testing.T, kind string) {
	t.Helper()
	for _, prefix := range []string{"plan", "config", "key"} {
		if strings.HasPrefix(kind, prefix) {
			return
		}
	}
	c := w.copy(t)
	forceScan(t, open(t, c.st), "demo", pages(41, 10))
	watch := watchWith(t, c.world, open(t, c.st))
	watch.images["tenant-a"], watch.images["tenant-c"] = pages(42, 20), pages(43, 20)
	taken := watch.take("tenant-a", "tenant-c")
	watch.confirm()
	if _, err := watch.rounds.Thin(t.Context(), func(snapshot.Series) (retention.Policy, bool) { return retention.Policy{Last: 1}, true }); err != nil && !known(err) {
		t.Errorf("thin: %v", err)
	}
	r := open(t, c.st)
	list, err := r.Snapshots(t.Context())
	if list == nil {
		t.Fatal(err)
	}
	for _, s := range taken {
		at := slices.IndexFunc(list, func(l *snapshot.Snapshot) bool { return l.ID == s.ID })
		if at < 0 || !bytes.Equal(restore(t, r, list[at]), c.images[s.ID]) {
			t.Errorf("snapshot %s of a watch is not whole", s.ID.Short())
		}
	}
}

// reports fails the test unless a check names the damaged objects and the snapshots that are hit.
func (w *damagedWorld) reports(t *testing.T, r *repo.Repo, names []string) {
	t.Helper()
	result, err := r.Check(t.Context(), repo.CheckOptions{ReadData: true})
	if err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	hit := make(map[snapshot.ID]bool)
	for _, f := range result.Findings {
		told.WriteString(f.Err.Error() + "\n")
		for _, s := range f.Snapshots {
			hit[s.ID] = true
		}
	}
	for _, name := range names {
		if _, err := w.st.Get(t.Context(), name, 0, 0); err == nil && !strings.Contains(told.String(), name) {
			t.Errorf("check does not name %s, but:\n%s", name, &told)
		}
		other := func(f repo.Finding) bool { return !strings.Contains(f.Err.Error(), name) }
		if n := len(slices.DeleteFunc(slices.Clone(result.Findings), other)); n > 1 {
			t.Errorf("check has %d findings about %s:\n%s", n, name, &told)
		}
	}
	fresh := open0(t, w.st)
	if fresh == nil {
		return
	}
	list, _ := fresh.Snapshots(t.Context())
	for _, s := range list {
		if got, err := copyOf(fresh, s); (err != nil) != hit[s.ID] {
			t.Errorf("snapshot %d of %s: check says that it is damaged: %t; reading gives %d bytes, %v", s.Sequence, s.Environment, hit[s.ID], len(got), err)
		}
	}
	if len(result.Findings) == 0 {
		t.Error("check finds nothing")
	}
}

// open0 opens a repository without its cache, if that can be done.
func open0(t testing.TB, st store.Store) *repo.Repo {
	t.Helper()
	r, err := repo.Open(t.Context(), options(st))
	if err != nil {
		return nil
	}
	return r
}

// heal repairs, backs up, forgets the lost snapshots, and prunes.
func (w *damagedWorld) heal(t *testing.T, kind string, withCache bool) {
	t.Helper()
	d, _ := w.repair(t, withCache, repo.RepairOptions{})
	w.onlyLost(t, d.Lost)
	if lossless := slices.Contains(lossless, kind) && withCache; lossless && len(d.Lost) > 0 {
		t.Errorf("%d snapshots are lost, in spite of the cache", len(d.Lost))
	} else if lossless {
		w.verify(t)
		if got := verified(t, open(t, w.st)); len(got) != 4 {
			t.Errorf("%d verified snapshots are known, want 4: notes are lost, in spite of the cache", len(got))
		}
	}
	for env, b := range w.live {
		s := forceScan(t, open(t, w.st), env, b)
		w.images[s.ID] = b
	}
	_, result := w.repair(t, withCache, repo.RepairOptions{ForgetLost: true})
	for _, s := range result.Forgotten {
		delete(w.images, s.ID)
	}
	for range 3 {
		pruneAll(t, w.st)
	}
	w.sound(t)
	if again, _ := w.repair(t, withCache, repo.RepairOptions{}); again.Repairs() || len(again.Check.Findings) > 0 {
		t.Errorf("there is still something to repair: %+v", again)
	}
	if got := pruneWith(t, open(t, w.st), repo.PruneOptions{OrphanAge: -1, DryRun: true}); got.Condemned+got.Deleted > 0 {
		t.Errorf("garbage is left: %+v", got)
	}
}

// TestCheckNamesSnapshotsOfRound damages a round that the host has read before: one finding tells of it, and has the snapshots
// in it that were not forgotten.
func TestCheckNamesSnapshotsOfRound(t *testing.T) {
	t.Parallel()
	w := newDamagedWorld(t)
	name := w.damage(t, "round-footer")[0]
	r, err := w.repairing(t, true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	result, err := r.Check(t.Context(), repo.CheckOptions{ReadData: true})
	if err != nil {
		t.Fatal(err)
	}
	about := slices.DeleteFunc(slices.Clone(result.Findings), func(f repo.Finding) bool { return !strings.Contains(f.Err.Error(), name) })
	if len(about) != 1 || len(about[0].Snapshots) != 1 || about[0].Snapshots[0].Environment != "tenant-a" || !strings.Contains(about[0].Err.Error(), "damaged round") {
		t.Errorf("got %+v, want one finding with the snapshot of tenant-a", about)
	}
}

func forceScan(t testing.TB, r *repo.Repo, env string, b []byte) *snapshot.Snapshot {
	t.Helper()
	result, err := r.Backup(t.Context(), sourceOf(b), repo.BackupOptions{Environment: env, Database: "app", ForceScan: true})
	if err != nil {
		t.Fatal(err)
	}
	return result.Snapshot
}

// onlyLost fails the test if a check after a repair finds more than the snapshots
// that cannot be restored.
func (w *damagedWorld) onlyLost(t *testing.T, lost []*snapshot.Snapshot) {
	t.Helper()
	result, err := open(t, w.st).Check(t.Context(), repo.CheckOptions{ReadData: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range result.Findings {
		if len(f.Snapshots) == 0 {
			t.Errorf("after the repair: %v", f.Err)
		}
	}
	if len(result.Findings) != len(lost) {
		t.Errorf("after the repair %d findings, want the %d lost snapshots", len(result.Findings), len(lost))
	}
}

// sound fails the test unless the check is clean and every listed snapshot gives its image. A
// snapshot may be missing only if it was lost or its record was deleted.
func (w *damagedWorld) sound(t *testing.T) {
	t.Helper()
	r := open(t, w.st)
	checkWith(t, r)
	list, err := r.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	left := maps.Clone(w.images)
	for _, s := range list {
		if !bytes.Equal(restore(t, r, s), w.imageOf(s.ID)) {
			t.Errorf("snapshot %d of %s differs from its image", s.Sequence, s.Environment)
		}
		delete(left, s.ID)
	}
	if len(left) > 4 {
		t.Errorf("%d snapshots are gone, want at most those of two records or rounds", len(left))
	}
}
