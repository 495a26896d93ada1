package repo_test

import (
	"context"
	"testing"

	"firn/repo"
	"firn/store/storetest"
)

// TestFaultsOfRepair lets every call of a repair fail in every way. Nothing may be
// lost by that: the next repair does the rest.
func TestFaultsOfRepair(t *testing.T) {
	t.Parallel()
	prepared := newDamagedWorld(t)
	for _, kind := range some("pack-footer", "record-flipped", "round-footer", "tombstone-flipped", "config", "config-missing", "key-flipped", "plan-flipped") {
		broken := prepared.copy(t)
		broken.damage(t, kind)
		for _, fault := range storetest.Kinds() {
			t.Run(kind+"/"+fault.String(), func(t *testing.T) {
				t.Parallel()
				n, changes := 1, broken.callsOfDiagnosis(t)
				for broken.failRepair(t, storetest.Fault{At: n, Kind: fault}) {
					if n += stride(); n < changes { // until then it only reads
						n = min(n+9, changes)
					}
				}
			})
		}
	}
}

// some returns the first three with -short, else all.
func some(kinds ...string) []string {
	if testing.Short() {
		return kinds[:3]
	}
	return kinds
}

// callsOfDiagnosis returns how many calls come before the first that changes anything.
func (w *damagedWorld) callsOfDiagnosis(t *testing.T) int {
	t.Helper()
	w = w.copy(t)
	counted := storetest.NewFaulty(w.st, storetest.Fault{})
	opts := options(counted)
	opts.CacheDir, opts.Repairing = w.dir, true
	r, err := repo.Open(t.Context(), opts)
	if err == nil {
		_, err = r.Diagnose(t.Context(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return counted.Calls()
}

// failRepair reports whether the fault was hit.
func (w *damagedWorld) failRepair(t *testing.T, fault storetest.Fault) bool {
	t.Helper()
	w = w.copy(t)
	faulty := storetest.NewFaulty(w.st, fault)
	opts := options(faulty)
	opts.CacheDir, opts.Repairing = w.dir, true
	err := diagnoseAndRepair(faulty.Context(t.Context()), opts, fault.Kind != storetest.CrashBefore && fault.Kind != storetest.CrashAfter)
	hit := faulty.Calls() >= fault.At
	if err != nil && !(hit && injected(err, fault)) {
		t.Errorf("call %d: got %v, want the injected fault", fault.At, err)
	}
	w.repair(t, true, repo.RepairOptions{})
	w.verify(t)
	w.goOn(t, tiny)
	if t.Failed() {
		t.Fatalf("after call %d of %q", fault.At, faulty.Log())
	}
	return hit
}

func diagnoseAndRepair(ctx context.Context, opts repo.Options, ends bool) error {
	r, err := repo.Open(ctx, opts)
	if err != nil {
		return err
	}
	if ends { // else the process is dead
		defer r.Close()
	}
	d, err := r.Diagnose(ctx, nil)
	if err != nil {
		return err
	}
	_, err = r.Repair(ctx, d, repo.RepairOptions{})
	return err
}

// TestRepairInterrupted lets other hosts act before each call with which a repair changes something. They may fail, as the
// repository is damaged; snapshots that they acknowledge must stay.
func TestRepairInterrupted(t *testing.T) {
	t.Parallel()
	prepared := newDamagedWorld(t)
	prune := func(w *damagedWorld) {
		_, _ = open(t, w.st).Prune(t.Context(), repo.PruneOptions{OrphanAge: -1})
	}
	for name, act := range map[string]func(*damagedWorld){
		"Prune":     prune,
		"TwoPrunes": func(w *damagedWorld) { prune(w); prune(w) },
		"Backup": func(w *damagedWorld) {
			if s, err := open(t, w.st).Backup(t.Context(), sourceOf(next), repo.BackupOptions{Environment: "staging", Database: "app"}); err == nil {
				w.images[s.Snapshot.ID] = next
			}
		},
		"Repair": func(w *damagedWorld) {
			other := prepared.copy(t) // its cache
			other.world = w.world
			other.repair(t, true, repo.RepairOptions{})
		},
	} {
		for _, kind := range some("pack-footer", "record-flipped", "round-footer", "pack-header", "plan-flipped") {
			broken := prepared.copy(t)
			broken.damage(t, kind)
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				for n, last := broken.callsOfDiagnosis(t)+1, false; !last; n += stride() {
					last = !broken.interruptRepair(t, n, act)
				}
			})
		}
	}
}

// interruptRepair reports whether there was an n-th call to act before.
func (w *damagedWorld) interruptRepair(t *testing.T, n int, act func(*damagedWorld)) bool {
	t.Helper()
	w = w.copy(t)
	i := &interruption{at: n, act: func() { act(w) }}
	opts := options(storetest.NewHooked(w.st, i.hook))
	opts.CacheDir, opts.Repairing = w.dir, true
	if err := diagnoseAndRepair(t.Context(), opts, true); err != nil {
		t.Logf("before call %d: %v", n, err)
	}
	w.repair(t, true, repo.RepairOptions{})
	w.verify(t)
	w.goOn(t, tiny)
	if t.Failed() {
		t.Fatalf("with an interruption before call %d of %d", n, i.calls)
	}
	return i.calls >= n
}

// TestRepairFromPackCache repairs with the cache of a host that has read all packs. It has the bytes that the store has lost
// of packs that are still there.
func TestRepairFromPackCache(t *testing.T) {
	t.Parallel()
	prepared := newDamagedWorld(t)
	for _, kind := range []string{"pack-cut", "pack-data", "pack-garbage", "pack-node", "packs-swapped"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := prepared.copy(t)
			runWith(t, w.st, w.dir, roomy, func(r *repo.Repo) { w.restoreAll(t, r) })
			w.damage(t, kind)
			runWith(t, w.st, w.dir, roomy, func(r *repo.Repo) {
				d, err := r.Diagnose(t.Context(), nil)
				if err != nil || len(d.Packs) == 0 || len(d.Lost) > 0 {
					t.Fatalf("got %+v, %v, want damaged packs and nothing lost", d, err)
				}
				if _, err := r.Repair(t.Context(), d, repo.RepairOptions{}); err != nil {
					t.Fatal(err)
				}
			})
			w.verify(t)
			w.goOn(t, tiny)
		})
	}
}
