package repo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firn/crypt"
	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store"
	"firn/store/local"
	"firn/store/mem"
)

// crowd is one handle of a repository that many goroutines use, and the snapshots that must be in it.
type crowd struct {
	testing.TB
	*repo.Repo
	copyOf *repo.Repo // of another repository, with one handle, too
	pages  int        // of each image
	rounds int

	mu     sync.Mutex
	images map[snapshot.ID][]byte // of the snapshots that were acknowledged
	failed map[snapshot.ID]error  // why a snapshot could not be read
	forgot map[snapshot.ID]bool
}

// TestManyGoroutines has 16 goroutines do all that a repository can with one handle at once,
// and checks the repository afterwards.
func TestManyGoroutines(t *testing.T) {
	t.Parallel()
	for name, where := range map[string]func(testing.TB) (store.Store, bool){
		"Memory": func(testing.TB) (store.Store, bool) { return mem.New(), true },
		"Folder": func(t testing.TB) (store.Store, bool) {
			st, err := local.Create(t.TempDir() + "/store")
			if err != nil {
				t.Fatal(err)
			}
			return st, false
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, far := where(t)
			opts := options(st)
			opts.CacheDir, opts.StateDir, opts.TempDir = t.TempDir(), t.TempDir(), t.TempDir()
			if far { // as for a bucket
				opts.TrustCache, opts.CacheSize = true, 8<<20
			}
			c := newCrowd(t, opts)
			c.run(t.Context())
			c.verify(st)
		})
	}
}

func newCrowd(t testing.TB, opts repo.Options) *crowd {
	t.Helper()
	r, err := repo.Init(t.Context(), opts, repo.NewKey{Credential: testKey})
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{TB: t, Repo: r, copyOf: newRepo(t, mem.New()), pages: 200, rounds: 16 / scale(),
		images: make(map[snapshot.ID][]byte), failed: make(map[snapshot.ID]error), forgot: make(map[snapshot.ID]bool)}
	c.backUp(t.Context(), rand.New(rand.NewPCG(1, 1)), "environment 0", nil)
	return c
}

// run has each goroutine do its part some times.
func (c *crowd) run(ctx context.Context) {
	parts := []func(context.Context, *rand.Rand){
		c.read, c.read, c.readAnywhere, c.assemble, c.list, c.check, c.repair, c.forget, c.prune, c.note, c.bringAway, c.keys,
	}
	for i := range 4 { // the last two of the same database
		keep := []*retention.Policy{nil, {Last: 2}, nil, nil}[i]
		parts = append(parts, func(ctx context.Context, r *rand.Rand) {
			c.backUp(ctx, r, fmt.Sprintf("environment %d", min(i, 2)), keep)
		})
	}
	parts = append(parts, c.watch(ctx))
	var group sync.WaitGroup
	for i, part := range parts {
		group.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 11))
			for range c.rounds {
				part(ctx, r)
			}
		})
	}
	group.Wait()
}

// verify opens the repository anew, with the cache and without: it is sound, and every
// snapshot that was acknowledged and not forgotten can be restored.
func (c *crowd) verify(st store.Store) {
	c.Helper()
	c.Close()
	for id, err := range c.failed {
		if c.images[id] != nil && !c.forgot[id] { // else a prune may have taken its blobs before its second look
			c.Errorf("a snapshot that was not forgotten could not be read: %v", err)
		}
	}
	for id := range c.forgot {
		delete(c.images, id)
	}
	for _, r := range []*repo.Repo{c.Repo, open(c, st)} {
		checkWith(c, r)
		(&world{images: c.images}).restoreAll(c, r)
		pruneWith(c, r, repo.PruneOptions{OrphanAge: -1})
		pruneWith(c, r, repo.PruneOptions{OrphanAge: -1})
	}
	checkAll(c, st)
}

// known returns a snapshot that was acknowledged, and its image.
func (c *crowd) known(ctx context.Context, r *rand.Rand) (*snapshot.Snapshot, []byte) {
	list := c.snapshots(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	list = slices.DeleteFunc(list, func(s *snapshot.Snapshot) bool { return c.images[s.ID] == nil }) // not acknowledged yet
	if len(list) == 0 {
		return nil, nil
	}
	s := list[r.IntN(len(list))]
	return s, c.images[s.ID]
}

func (c *crowd) snapshots(ctx context.Context) []*snapshot.Snapshot {
	list, err := c.Snapshots(ctx)
	if err != nil {
		c.Errorf("list: %v", err)
	}
	return list
}

// outcome judges how reading a snapshot ended: only a forgotten one may not be readable.
func (c *crowd) outcome(what string, s *snapshot.Snapshot, same bool, err error) {
	if err == nil && same {
		return
	}
	if err == nil {
		err = errors.New("other bytes")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed[s.ID] = fmt.Errorf("%s: %w", what, err)
}

func (c *crowd) backUp(ctx context.Context, r *rand.Rand, environment string, keep *retention.Policy) {
	b := touch(pages(7, c.pages), r.Uint64(), 1+r.IntN(c.pages))
	result, err := c.Backup(ctx, sourceOf(b), repo.BackupOptions{Environment: environment, Database: "app", Keep: keep, ForceScan: r.IntN(4) == 0})
	if errors.Is(err, repo.ErrUnsettled) {
		return
	}
	if err != nil {
		c.Errorf("back up: %v", err)
		return
	}
	c.mu.Lock()
	c.images[result.Snapshot.ID] = b
	for _, d := range result.Forgotten {
		id, _ := snapshot.ParseID(d.ID)
		c.forgot[id] = true
	}
	c.mu.Unlock()
	if i, err := c.OpenImage(ctx, result.Snapshot); err != nil || i.Size() != int64(len(b)) {
		c.outcome("open what was just stored", result.Snapshot, err == nil, err)
	}
}

func (c *crowd) read(ctx context.Context, r *rand.Rand) {
	s, want := c.known(ctx, r)
	if s == nil {
		return
	}
	var got bytes.Buffer
	i, err := c.OpenImage(ctx, s)
	if err == nil {
		err = i.Copy(ctx, &got)
	}
	c.outcome("restore", s, bytes.Equal(got.Bytes(), want), err)
	if err == nil {
		c.outcome("dump", s, true, i.CopyFrames(ctx, io.Discard, nil))
	}
}

func (c *crowd) readAnywhere(ctx context.Context, r *rand.Rand) {
	s, want := c.known(ctx, r)
	if s == nil {
		return
	}
	i, err := c.ImageAt(ctx, s)
	if err != nil {
		c.outcome("open for a query", s, false, err)
		return
	}
	for range 20 {
		at := r.IntN(c.pages) * 4096
		got := make([]byte, 4096)
		_, err := i.ReadAt(got, int64(at))
		c.outcome("query", s, bytes.Equal(got, want[at:at+4096]), err)
	}
}

func (c *crowd) assemble(ctx context.Context, r *rand.Rand) {
	s, want := c.known(ctx, r)
	if s == nil {
		return
	}
	i, err := c.OpenImage(ctx, s)
	if err != nil {
		c.outcome("open to assemble", s, false, err)
		return
	}
	file := newSparse(len(want))
	err = i.Assembler().CompleteFrom(ctx, bytes.NewReader(touch(want, r.Uint64(), 9)), file)
	c.outcome("assemble", s, bytes.Equal(file, want), err)
}

func (c *crowd) list(ctx context.Context, _ *rand.Rand) {
	if _, err := c.Shares(ctx, c.snapshots(ctx)); err != nil {
		if corrupt, ok := errors.AsType[*repo.CorruptError](err); !ok {
			c.Errorf("shares: %v", err)
		} else {
			c.Logf("a snapshot was forgotten while its shares were found: %v", corrupt)
		}
	}
	if _, err := c.Usage(ctx); err != nil {
		c.Errorf("usage: %v", err)
	}
	if found, err := c.Rollbacks(ctx); err != nil || len(found) > 0 {
		c.Errorf("got rollbacks %+v, %v", found, err)
	}
}

func (c *crowd) check(ctx context.Context, _ *rand.Rand) {
	result, err := c.Check(ctx, repo.CheckOptions{ReadData: true})
	if err != nil {
		c.Errorf("check: %v", err)
		return
	}
	c.findings("check", result.Findings)
}

// findings judges the findings of a check. Prunes that follow upon one another can make a
// snapshot seem damaged that was forgotten, and no other.
func (c *crowd) findings(what string, findings []repo.Finding) {
	for _, f := range findings {
		if len(f.Snapshots) == 0 {
			c.Errorf("%s: %v", what, f.Err)
		}
		for _, s := range f.Snapshots {
			c.outcome(what, s, false, f.Err)
		}
	}
}

func (c *crowd) repair(ctx context.Context, _ *rand.Rand) {
	d, err := c.Diagnose(ctx, nil)
	if err != nil {
		c.Errorf("diagnose: %v", err)
		return
	}
	c.findings("diagnose", d.Check.Findings)
	if _, err := c.Repair(ctx, d, repo.RepairOptions{}); err != nil {
		c.Errorf("repair: %v", err)
	}
}

func (c *crowd) forget(ctx context.Context, r *rand.Rand) {
	s, _ := c.known(ctx, r)
	if s == nil {
		return
	}
	c.mu.Lock()
	c.forgot[s.ID] = true
	c.mu.Unlock()
	if err := c.Forget(ctx, s.ID); err != nil {
		c.Errorf("forget: %v", err)
	}
}

func (c *crowd) prune(ctx context.Context, r *rand.Rand) {
	_, err := c.Prune(ctx, repo.PruneOptions{OrphanAge: -1, DryRun: r.IntN(4) == 0})
	if err != nil && !errors.Is(err, repo.ErrUnsettled) {
		c.Errorf("prune: %v", err)
	}
}

func (c *crowd) note(ctx context.Context, r *rand.Rand) {
	s, _ := c.known(ctx, r)
	if s == nil {
		return
	}
	pin := &snapshot.Pin{Time: time.Now(), Pinned: r.IntN(2) == 0}
	if err := c.Note(ctx, snapshot.Note{Snapshot: s.ID, Pin: pin}); err != nil {
		c.Errorf("note: %v", err)
	}
	if err := c.NoteUpkeep(ctx, snapshot.Upkeep{Pruned: time.Now()}); err != nil {
		c.Errorf("note upkeep: %v", err)
	}
}

// bringAway copies snapshots to another repository.
func (c *crowd) bringAway(ctx context.Context, _ *rand.Rand) {
	targets, err := c.copyOf.Snapshots(ctx)
	if err != nil {
		c.Errorf("list copies: %v", err)
		return
	}
	copier, err := repo.NewCopier(c.Repo, c.snapshots(ctx), c.copyOf, targets)
	if err != nil {
		c.Errorf("copy: %v", err)
		return
	}
	list := slices.DeleteFunc(c.snapshots(ctx), func(s *snapshot.Snapshot) bool {
		return slices.ContainsFunc(targets, func(to *snapshot.Snapshot) bool { return to.Original.Snapshot == s.ID })
	})
	for _, s := range list[:min(2, len(list))] {
		if _, err := copier.Copy(ctx, s, nil); err != nil && !errors.Is(err, snapshot.ErrNotFound) {
			c.outcome("copy", s, false, err)
		}
	}
}

func (c *crowd) keys(ctx context.Context, r *rand.Rand) {
	other := crypt.KeyFileOf([]byte{4, byte(r.IntN(200))}).Credential()
	id, err := c.AddKey(ctx, other, "another")
	if err != nil {
		c.Errorf("add key: %v", err)
		return
	}
	if opens, err := c.Opens(ctx, other); err != nil || !opens {
		c.Errorf("a new key opens: %v, %v", opens, err)
	}
	if _, err := c.RemoveKey(ctx, id); err != nil {
		c.Errorf("remove key: %v", err)
	}
	if _, _, err := c.RotateKey(ctx, testKey, "rotated"); err != nil {
		c.Errorf("rotate key: %v", err)
	}
	if keys, err := c.Keys(ctx); err != nil || len(keys) != 1 {
		c.Errorf("got keys %+v, %v, want one", keys, err)
	}
}

// TestDamageThatPasses has a handle read a pack while a disk returns other bytes. Once it
// returns the true ones again, a check of all data makes the snapshot readable.
func TestDamageThatPasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := pages(3, 100)
	s := w.take(t, "production", b)
	r := open(t, w.st)
	name := objectsOf(t, w.st, "packs/")[0].Name
	sound := read(t, w.st, name)
	bad := bytes.Clone(sound)
	for i := 20; i < len(bad)/2; i++ {
		bad[i] ^= 1
	}
	replace(t, w.st, name, bad)
	copyOut := func() error {
		i, err := r.OpenImage(t.Context(), s)
		if err != nil {
			return err
		}
		return i.Copy(t.Context(), io.Discard)
	}
	if err := copyOut(); err == nil {
		t.Fatal("damaged bytes were restored")
	}
	replace(t, w.st, name, sound)
	checkWith(t, r)
	if !bytes.Equal(restore(t, r, s), b) {
		t.Error("the snapshot differs from its image")
	}
}

// TestListingOfOpen has a handle list some time after it was opened: the list has the snapshots
// of other processes since then.
func TestListingOfOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var passed atomic.Int64
	opts := options(w.st)
	opts.Now = func() time.Time { return time.Unix(1e9+passed.Load(), 0) }
	r := openAs(t, opts)
	w.take(t, "production", pages(1, 10))
	passed.Store(3600)
	if list, err := r.Snapshots(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("got %d snapshots, %v, want one", len(list), err)
	}
}

// TestUpkeepIsNotedTwice has one handle note two kinds of upkeep: the second note does not
// take away the first.
func TestUpkeepIsNotedTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.take(t, "production", pages(1, 10))
	r := open(t, w.st)
	pruned, checked := time.Unix(1e9, 0).UTC(), time.Unix(2e9, 0).UTC()
	for _, done := range []snapshot.Upkeep{{Pruned: pruned}, {Checked: checked}} {
		if err := r.NoteUpkeep(t.Context(), done); err != nil {
			t.Fatal(err)
		}
	}
	list, err := open(t, w.st).Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if told := snapshot.LastUpkeep(list); !told.Pruned.Equal(pruned) || !told.Checked.Equal(checked) {
		t.Errorf("got %+v, want both", told)
	}
}

// TestForgetWhatCameLater has a handle forget a snapshot that another process has stored since
// its last listing: the host that stored it does not take the store for rolled back.
func TestForgetWhatCameLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.take(t, "production", pages(1, 10))
	r := open(t, w.st)
	if _, err := r.Snapshots(t.Context()); err != nil {
		t.Fatal(err)
	}
	opts := options(w.st)
	opts.StateDir = t.TempDir()
	s := take(t, openAs(t, opts), "production", pages(2, 10))
	if err := r.Forget(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	if found, err := openAs(t, opts).Rollbacks(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("got %+v, %v, want no rollback", found, err)
	}
}
