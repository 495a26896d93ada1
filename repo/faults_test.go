package repo_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"firn/crypt"
	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store"
	"firn/store/mem"
	"firn/store/storetest"
	"firn/store/wire"
)

// operation is one thing to do to a repository while its store breaks down. It
// adds acknowledged snapshots to the world.
type operation struct {
	name    string
	prepare func(t testing.TB, w *world)
	run     func(ctx context.Context, w *world, r *repo.Repo) error
}

// shape is how a store's listings arrive.
type shape struct {
	name  string
	of    func(store.Store) store.Store
	kinds []storetest.Kind // of faults to try: the others make no difference to a page
}

// shapes leaves most to the long run.
func shapes() []shape {
	if testing.Short() {
		return []shape{{"whole", func(st store.Store) store.Store { return st }, []storetest.Kind{storetest.LostAnswer, storetest.Slow}}}
	}
	return []shape{
		{"whole", func(st store.Store) store.Store { return st }, storetest.Kinds()},
		{"paged", func(st store.Store) store.Store { return storetest.NewPaged(st, 2) },
			[]storetest.Kind{storetest.Transient, storetest.CrashAfter, storetest.Slow}},
	}
}

// wired is a store on another host: the faults of that store travel.
func wired() []shape {
	if testing.Short() {
		return nil
	}
	return []shape{{"wire", overWire, []storetest.Kind{storetest.Torn, storetest.CrashAfter}}}
}

// overWire returns a store as another host sees it.
func overWire(st store.Store) store.Store {
	return wire.New(wire.Options{Carrier: handled{wire.NewHandler(st, wire.Rules{})}, URL: "http://there", Location: "there"})
}

// handled calls a handler without a connection.
type handled struct{ handler http.Handler }

// Carry answers a request.
func (h handled) Carry(r *http.Request, read func(*http.Response) error) error {
	answer := httptest.NewRecorder()
	h.handler.ServeHTTP(answer, r)
	return read(answer.Result())
}

var (
	small   = pages(1, 50)
	changed = touch(small, 2, 10)
	next    = touch(changed, 3, 10)
	tiny    = pages(12, 10)
)

// backupOf returns an operation that backs up b. It tells the world of the
// snapshot if it was acknowledged: with an error, too, if only the removal of
// old snapshots went wrong.
func backupOf(b []byte, opts repo.BackupOptions) func(context.Context, *world, *repo.Repo) error {
	return func(ctx context.Context, w *world, r *repo.Repo) error {
		opts := opts // the operation runs several times at once
		opts.Environment, opts.Database = "production", "app"
		result, err := r.Backup(ctx, fingerprinted(b, fingerprintOf(b)), opts)
		if result == nil || result.Skipped {
			return err
		}
		w.images[result.Snapshot.ID] = b
		for _, d := range result.Forgotten {
			id, _ := snapshot.ParseID(d.ID)
			delete(w.images, id)
		}
		return err
	}
}

func pruneNow(ctx context.Context, _ *world, r *repo.Repo) error {
	_, err := r.Prune(ctx, repo.PruneOptions{OrphanAge: -1})
	return err
}

func operations() []operation {
	return []operation{
		{"first backup", func(testing.TB, *world) {}, backupOf(small, repo.BackupOptions{})},
		{"changed", twoSnapshots, backupOf(next, repo.BackupOptions{})},
		{"unchanged", unchangedSnapshot, backupOf(changed, repo.BackupOptions{})},
		{"retention", twoSnapshots, backupOf(next, repo.BackupOptions{Keep: &retention.Policy{Last: 1}})},
		{"forget", twoSnapshots, forgetOldest},
		{"condemn", deadPack, pruneNow},
		{"sweep", condemnedPack, pruneNow},
		{"repack", wastefulPack, pruneNow},
		{"rescue", rescuablePack, pruneNow},
		{"check", twoSnapshots, func(ctx context.Context, _ *world, r *repo.Repo) error {
			_, err := r.Check(ctx, repo.CheckOptions{ReadData: true})
			return err
		}},
		{"restore", unchangedSnapshot, restoreEach},
		{"note", notedSnapshot, noteNewest},
		{"retention of noted", notedSnapshot, backupOf(next, repo.BackupOptions{Keep: &retention.Policy{Last: 1}})},
		{"sweep notes", orphanedNote, pruneNow},
		{"add key", twoSnapshots, func(ctx context.Context, _ *world, r *repo.Repo) error {
			_, err := r.AddKey(ctx, crypt.KeyFileOf([]byte{9}).Credential(), "second")
			return err
		}},
		{"remove key", twoKeys, removeOtherKey},
		{"rounds", deadRound, watchSome},
		{"prune of rounds", deadRound, pruneNow},
		{"rotate key", twoKeys, func(ctx context.Context, _ *world, r *repo.Repo) error {
			_, _, err := r.RotateKey(ctx, testKey, "")
			return err
		}},
	}
}

// restoreEach must say so if it could not restore something, or restores it all.
func restoreEach(ctx context.Context, w *world, r *repo.Repo) error {
	list, err := r.Snapshots(ctx)
	if err != nil {
		return err
	}
	for _, s := range list {
		b, err := copyIn(ctx, r, s)
		if err != nil {
			return err
		}
		if !bytes.Equal(b, w.images[s.ID]) {
			return errors.New("other bytes, without an error")
		}
	}
	if len(list) != len(w.images) {
		return errors.New("snapshots are missing, without an error")
	}
	return nil
}

func twoSnapshots(t testing.TB, w *world) {
	w.take(t, "production", small)
	w.take(t, "production", changed)
}

func unchangedSnapshot(t testing.TB, w *world) {
	w.take(t, "production", small)
	if err := backupOf(changed, repo.BackupOptions{})(context.Background(), w, open(t, w.st)); err != nil {
		t.Fatal(err)
	}
}

func forgetOldest(ctx context.Context, w *world, r *repo.Repo) error {
	list, err := r.Snapshots(ctx)
	if err != nil {
		return err
	}
	oldest := list[len(list)-1].ID
	delete(w.images, oldest) // from here on, no snapshot may rely on it
	return r.Forget(ctx, oldest)
}

// deadPack leaves a pack that no snapshot needs.
func deadPack(t testing.TB, w *world) {
	twoSnapshots(t, w)
	w.forget(t, w.take(t, "demo", pages(8, 40)).ID)
}

func condemnedPack(t testing.TB, w *world) {
	deadPack(t, w)
	if got := pruneAll(t, w.st); got.Condemned != 1 || got.Deleted != 0 {
		t.Fatalf("got %+v, want one pack condemned", got)
	}
}

// wastefulPack leaves a pack of which a quarter is needed.
func wastefulPack(t testing.TB, w *world) {
	whole := pages(5, 200)
	gone := w.take(t, "production", whole)
	w.take(t, "production", whole[:len(whole)/4])
	w.forget(t, gone.ID)
}

// rescuablePack leaves a snapshot that is not acknowledged and needs a pack
// that was condemned meanwhile: its backup died before it could look again.
func rescuablePack(t testing.TB, w *world) {
	twoSnapshots(t, w)
	b := pages(6, 40)
	w.forget(t, w.take(t, "demo", b).ID)
	ctx, die := context.WithCancel(context.Background())
	hooked := storetest.NewHooked(w.st, func(op, name string) {
		switch {
		case op == "put" && snapshotName(name):
			pruneAll(t, w.st)
		case op == "list" && name == "meta/gc-":
			die()
		}
	})
	r, err := repo.Open(ctx, options(hooked))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Backup(ctx, sourceOf(b), repo.BackupOptions{Environment: "demo", Database: "app"}); !errors.Is(err, context.Canceled) {
		t.Fatalf("backup: got %v, want it to die", err)
	}
}

func snapshotName(name string) bool {
	_, ok := snapshot.ParseObjectName(name)
	return ok
}

func twoKeys(t testing.TB, w *world) {
	twoSnapshots(t, w)
	if _, err := open(t, w.st).AddKey(context.Background(), crypt.KeyFileOf([]byte{9}).Credential(), "second"); err != nil {
		t.Fatal(err)
	}
}

func removeOtherKey(ctx context.Context, _ *world, r *repo.Repo) error {
	keys, err := r.Keys(ctx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		switch {
		case k.Err != nil:
			return k.Err
		case k.Label == "second":
			_, err := r.RemoveKey(ctx, k.ID)
			return err
		}
	}
	return nil
}

// TestFaults lets every call of every operation fail in every way. Acknowledged snapshots stay in
// all cases, and the next run needs no repair.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, op := range append(operations(), roundOperations()...) {
		prepared := newWorld(t)
		op.prepare(t, prepared)
		for _, shape := range append(shapes(), wired()...) {
			for _, kind := range shape.kinds {
				t.Run(op.name+"/"+kind.String()+"/"+shape.name, func(t *testing.T) {
					t.Parallel()
					for n := 1; op.fail(t, prepared.clone(t), shape, storetest.Fault{At: n, Kind: kind}); n += stride() {
					}
				})
			}
		}
	}
}

// fail runs the operation with a fault and reports whether the fault was hit.
func (op operation) fail(t *testing.T, w *world, shape shape, fault storetest.Fault) bool {
	t.Helper()
	faulty := storetest.NewFaulty(w.st, fault)
	err := op.start(faulty.Context(t.Context()), w, shape.of(faulty))
	hit := faulty.Calls() >= fault.At
	switch {
	case !hit && err != nil:
		t.Fatalf("without a fault: %v", err)
	case hit && err == nil && !tolerated(faulty.Log()[fault.At-1]):
		t.Errorf("call %d, %q: its failure was not reported", fault.At, faulty.Log()[fault.At-1])
	case err != nil && !injected(err, fault):
		t.Errorf("call %d, %q: got %v, want the injected fault", fault.At, faulty.Log()[fault.At-1], err)
	}
	w.verify(t)
	w.goOn(t, tiny)
	if t.Failed() {
		t.Fatalf("after call %d of %q", fault.At, faulty.Log())
	}
	return hit
}

// injected reports whether an error is the fault's, or follows from it.
func injected(err error, fault storetest.Fault) bool {
	told := strings.Contains(err.Error(), storetest.ErrInjected.Error()) // an error of another host has the words alone
	return told || errors.Is(err, storetest.ErrInjected) || fault.Kind == storetest.Slow && errors.Is(err, context.Canceled)
}

func (op operation) start(ctx context.Context, w *world, st store.Store) error {
	r, err := repo.Open(ctx, options(st))
	if err != nil {
		return err
	}
	return op.run(ctx, w, r)
}

// tolerated says which calls may fail at the cost of space only: reads of the bases of a backup, of records and
// tombstones, of key slots, as there are others, and the deletion of notes that newer ones have replaced.
func tolerated(call string) bool {
	for _, prefix := range []string{"get packs/", "get meta/round-", "get meta/gone-", "get meta/snap-", "get meta/key-", "get meta/note-", "delete meta/note-"} {
		if strings.HasPrefix(call, prefix) {
			return true
		}
	}
	return false
}

// TestFaultsOfInit lets every call of Init fail in every way, and then repeats it.
func TestFaultsOfInit(t *testing.T) {
	t.Parallel()
	for _, shape := range shapes() {
		for _, kind := range shape.kinds {
			t.Run(kind.String()+"/"+shape.name, func(t *testing.T) {
				t.Parallel()
				for n := 1; failInit(t, shape, storetest.Fault{At: n, Kind: kind}); n += stride() {
				}
			})
		}
	}
}

func failInit(t *testing.T, shape shape, fault storetest.Fault) bool {
	t.Helper()
	st := mem.New()
	faulty := storetest.NewFaulty(st, fault)
	key := repo.NewKey{Credential: testKey}
	_, err := repo.Init(faulty.Context(t.Context()), options(shape.of(faulty)), key)
	if hit := faulty.Calls() >= fault.At; hit != (err != nil && injected(err, fault)) {
		t.Fatalf("call %d of %q: got %v", fault.At, faulty.Log(), err)
	}
	made := countOf(t, st, "meta/config") == 1
	if _, err := repo.Init(t.Context(), options(st), key); errors.Is(err, repo.ErrExists) != made {
		t.Fatalf("Init once more after call %d of %q: got %v", fault.At, faulty.Log(), err)
	}
	w := &world{st: st, images: make(map[snapshot.ID][]byte)}
	w.verify(t)
	w.goOn(t, small)
	if got, want := countOf(t, st, "meta/key-"), 1; got != want {
		t.Errorf("got %d keys, want %d", got, want)
	}
	return faulty.Calls() >= fault.At
}
