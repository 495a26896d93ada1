package repo_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/repo"
	"firn/snapshot"
	"firn/store"
	"firn/store/mem"
)

// locking is a store that locks objects. It lets all be deleted: a store whose
// objects have versions shows that as done.
type locking struct {
	*mem.Store
	lock  time.Duration
	until map[string]time.Time
	calls [][]string
	fail  error
}

func (l *locking) LockDuration() time.Duration { return l.lock }

func (l *locking) Lock(_ context.Context, names ...string) error {
	if l.fail != nil {
		return l.fail
	}
	l.calls = append(l.calls, names)
	for _, name := range names {
		l.until[name] = l.Now().Add(l.lock)
	}
	return nil
}

// Put locks the object that it writes.
func (l *locking) Put(ctx context.Context, name string, data []byte) error {
	err := l.Store.Put(ctx, name, data)
	if err == nil {
		l.until[name] = l.Now().Add(l.lock)
	}
	return err
}

// timed is a world whose clock a test sets, the store's and the host's.
type timed struct {
	*world
	locks *locking
	now   time.Time
	dir   string
}

func newTimed(t *testing.T, lock time.Duration) *timed {
	t.Helper()
	w := &timed{
		world: &world{st: mem.New(), images: make(map[snapshot.ID][]byte)},
		now:   time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		dir:   t.TempDir(),
	}
	w.st.Now = func() time.Time { return w.now }
	w.locks = &locking{Store: w.st, lock: lock, until: make(map[string]time.Time)}
	if _, err := repo.Init(t.Context(), w.options(), repo.NewKey{Credential: testKey}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *timed) options() repo.Options {
	opts := options(w.locks)
	opts.CacheDir, opts.Now = w.dir, w.st.Now
	return opts
}

func (w *timed) do(t *testing.T, act func(context.Context, *world, *repo.Repo) error) error {
	t.Helper()
	r, err := repo.Open(t.Context(), w.options())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return act(t.Context(), w.world, r)
}

func (w *timed) must(t *testing.T, act func(context.Context, *world, *repo.Repo) error) {
	t.Helper()
	if err := w.do(t, act); err != nil {
		t.Fatal(err)
	}
}

// TestLocksAreRenewed runs a repository for half a year, with backups and prunes
// every two days, while an attacker deletes all objects that are not locked for long: none
// of them may be needed. Locks are not renewed more often than needed.
func TestLocksAreRenewed(t *testing.T) {
	t.Parallel()
	const day, lock = 24 * time.Hour, 30 * 24 * time.Hour
	w := newTimed(t, lock)
	b := pages(1, 100)
	rounds := 90
	if testing.Short() {
		rounds = 25
	}
	for i := range rounds {
		w.now = w.now.Add(2 * day)
		b = touch(b, uint64(i+2), 3)
		w.must(t, backupOf(b, repo.BackupOptions{}))
		if i%10 == 9 {
			w.must(t, forgetOldest)
		}
		w.must(t, pruneNow)
		w.rob(t, lock/3-2*day)
	}
	w.verify(t)
	if got, want := len(w.locks.calls), 2*rounds/10; got > want || got < want-2 {
		t.Errorf("locks were renewed %d times in %d days, want %d", got, 2*rounds, want)
	}
}

// rob deletes all objects that are locked for less than some time: nothing of
// that is needed.
func (w *timed) rob(t *testing.T, left time.Duration) {
	t.Helper()
	for _, o := range objectsOf(t, w.st, "") {
		if w.locks.until[o.Name].Sub(w.now) >= left {
			continue
		}
		if err := w.st.Delete(t.Context(), o.Name); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLocksOfGarbage lets the locks of condemned packs and forgotten snapshots expire.
func TestLocksOfGarbage(t *testing.T) {
	t.Parallel()
	const lock = 30 * 24 * time.Hour
	w := newTimed(t, lock)
	w.must(t, backupOf(pages(1, 50), repo.BackupOptions{}))
	dead := objectsOf(t, w.st, "packs/")
	w.now = w.now.Add(time.Minute)
	w.must(t, backupOf(pages(2, 50), repo.BackupOptions{}))
	w.must(t, forgetOldest)
	w.now = w.now.Add(lock / 2)
	w.must(t, pruneNow)
	if len(w.locks.calls) != 1 {
		t.Fatalf("got %d renewals, want 1", len(w.locks.calls))
	}
	for _, o := range dead {
		if slices.Contains(w.locks.calls[0], o.Name) {
			t.Errorf("the lock of %s was renewed, which no snapshot needs", o.Name)
		}
	}
	for _, o := range objectsOf(t, w.st, "") {
		fresh := !o.Time.Before(w.now)
		garbage := slices.ContainsFunc(dead, func(d store.Object) bool { return d.Name == o.Name })
		if !fresh && !garbage && !slices.Contains(w.locks.calls[0], o.Name) {
			t.Errorf("the lock of %s was not renewed", o.Name)
		}
	}
	w.must(t, pruneNow)
	if len(w.locks.calls) != 1 {
		t.Error("locks were renewed again at once")
	}
}

// TestLocksFail tells that locks could not be renewed, and tries again next time.
func TestLocksFail(t *testing.T) {
	t.Parallel()
	w := newTimed(t, 30*24*time.Hour)
	w.must(t, backupOf(small, repo.BackupOptions{}))
	w.now = w.now.Add(20 * 24 * time.Hour)
	w.locks.fail = fs.ErrPermission
	if err := w.do(t, pruneNow); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "renew locks") {
		t.Errorf("got %v, want it to say that locks were not renewed", err)
	}
	w.locks.fail = nil
	w.must(t, pruneNow)
	if len(w.locks.calls) != 1 {
		t.Errorf("got %d renewals, want 1", len(w.locks.calls))
	}
	w.verify(t)
}

// TestNoLocks leaves stores alone that are not to lock.
func TestNoLocks(t *testing.T) {
	t.Parallel()
	w := newTimed(t, 0)
	w.locks.fail = errors.New("not asked for")
	w.must(t, backupOf(small, repo.BackupOptions{}))
	w.must(t, pruneNow)
}
