package repo_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"firn/crypt"
	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store/storetest"
)

var (
	worldSeed  = flag.Uint64("world-seed", 0, "seed of the random histories; 0 picks one")
	worldSteps = flag.Int("world-steps", 60, "steps of a random history")
)

// history does random things to a repository from several hosts, and knows its expected contents.
type history struct {
	testing.TB
	*world
	*rand.Rand
	hosts    []*host
	contents map[string][]byte // of the databases, by environment
	past     [][]byte          // that they had
	taken    []snapshot.ID     // in order: that of a map would be no seed's
	log      []string
	inside   bool // something is under way, and this happens in between
	backup   bool // what is under way is a backup
}

// host is a process on a machine, with a cache and a clock that may be its own.
type host struct {
	*history
	name  string // the first and the third have the same
	cache string
	shift time.Duration // of its clock
	trust bool
	key   crypt.Credential
	busy  bool
	*repo.Repo
}

// TestRandomHistories compares the repository with its expected contents.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	seed := *worldSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	for i := range uint64(3) {
		t.Run(fmt.Sprintf("world-seed=%d", seed+i), func(t *testing.T) {
			t.Parallel()
			newHistory(t, seed+i).play(*worldSteps)
		})
	}
}

func newHistory(t testing.TB, seed uint64) *history {
	h := &history{TB: t, world: newWorld(t), Rand: rand.New(rand.NewPCG(seed, 1)), contents: make(map[string][]byte)}
	const decade = 10 * 365 * 24 * time.Hour
	for i, shift := range []time.Duration{0, decade, -decade} {
		h.hosts = append(h.hosts, &host{history: h, name: fmt.Sprint("host", i%2), cache: t.TempDir(), shift: shift, trust: i != 1, key: testKey})
	}
	second := *h.hosts[0] // another process on the first host: they share a cache
	h.hosts = append(h.hosts, &second)
	for i, env := range []string{"production", "staging", "demo"} {
		h.contents[env] = pages(seed+uint64(i), 20+h.IntN(150))
		h.past = append(h.past, h.contents[env])
	}
	return h
}

func (h *history) play(steps int) {
	for range steps {
		h.act(h.hosts[h.IntN(len(h.hosts))])
		if h.Failed() {
			h.Fatalf("after %q", h.log)
		}
	}
	h.verify(h)
	h.goOn(h, h.contents["demo"])
	if h.Failed() {
		h.Fatalf("after %q", h.log)
	}
}

func (h *history) act(x *host) {
	x.busy = true
	defer func() { x.busy = false }()
	switch n := h.IntN(20); {
	case n < 9:
		x.backUp()
	case n < 13:
		x.prune()
	case n < 16 && (!h.inside || h.backup): // a prune or a restore may stumble over it
		x.forgetSome()
	case h.inside: // what compares must not happen in between
	case n < 17:
		x.changeKey()
	case n < 18:
		h.note(x, "restore")
		_, _ = x.open().Snapshots(context.Background()) // the first one after Open shows what there was then
		h.restoreAll(h, x.Repo)
	default:
		x.end()
	}
}

func (h *history) note(x *host, format string, args ...any) {
	h.log = append(h.log, fmt.Sprintf("%d: ", slices.Index(h.hosts, x))+fmt.Sprintf(format, args...))
}

// open returns the host's repository, which may have been open for long.
func (x *host) open() *repo.Repo {
	if x.Repo != nil {
		return x.Repo
	}
	opts := options(storetest.NewHooked(x.st, x.interrupt))
	opts.Host, opts.CacheDir, opts.TrustCache, opts.Credential = x.name, x.cache, x.trust, x.key
	opts.Now = func() time.Time { return time.Now().Add(x.shift) }
	r, err := repo.Open(context.Background(), opts)
	if err != nil {
		x.Fatal(err)
	}
	x.Repo = r
	return r
}

// interrupt lets another host do something before some calls. Only listings and
// puts are made by one goroutine at a time.
func (x *host) interrupt(op, _ string) {
	if op == "get" || op == "delete" || x.inside || x.IntN(12) > 0 {
		return
	}
	x.inside = true
	defer func() { x.inside = false }()
	for range 1 + x.IntN(6) {
		if other := x.hosts[x.IntN(len(x.hosts))]; !other.busy {
			x.act(other)
		}
	}
}

func (x *host) backUp() {
	envs := slices.Sorted(maps.Keys(x.contents))
	env := envs[x.IntN(len(envs))]
	b := x.change(env)
	opts := repo.BackupOptions{Environment: env, Database: "app", ForceScan: x.IntN(4) == 0, IfChanged: x.IntN(4) == 0}
	if !x.inside && x.IntN(3) == 0 {
		opts.Keep = &retention.Policy{Last: retention.Count(1 + x.IntN(4))}
	}
	x.note(x, "back up %d bytes of %s, if changed: %t, keep: %v", len(b), env, opts.IfChanged, opts.Keep)
	if !x.inside {
		x.backup = true
		defer func() { x.backup = false }()
	}
	result, err := x.open().Backup(context.Background(), fingerprinted(b, fingerprintOf(b)), opts)
	if errors.Is(err, repo.ErrUnsettled) {
		return
	}
	if err != nil {
		x.Fatalf("%v after %q", err, x.log)
	}
	x.note(x, "snapshot %s, skipped: %t", result.Snapshot.ID.Short(), result.Skipped)
	if !result.Skipped { // else it was there already, acknowledged by its own run, or not yet
		x.images[result.Snapshot.ID] = b
		x.taken = append(x.taken, result.Snapshot.ID)
	}
	for _, d := range result.Forgotten {
		id, _ := snapshot.ParseID(d.ID)
		delete(x.images, id)
	}
}

// change gives a database another content, most often one like the old.
func (x *host) change(env string) []byte {
	old := x.contents[env]
	b := old
	at := 4096 * x.IntN(len(old)/4096)
	switch x.IntN(9) {
	case 0: // nothing
	case 1:
		b = slices.Concat(old, pages(x.Uint64(), 1+x.IntN(20)))
	case 2:
		b = old[:max(4096, at)]
	case 3:
		b = slices.Concat(old[:at], pages(x.Uint64(), 1+x.IntN(20)), old[at:])
	case 4:
		b = pages(x.Uint64(), 1+x.IntN(100))
	case 5:
		b = x.contents["demo"] // a clone
	case 6: // one of old, as after a restore: its packs may be gone
		b = x.past[x.IntN(len(x.past))]
	default:
		b = touch(old, x.Uint64(), 1+x.IntN(30))
	}
	if len(b) > 400*4096 {
		b = b[:100*4096]
	}
	x.contents[env] = b
	x.past = append(x.past, b)
	return b
}

func (x *host) prune() {
	opts := repo.PruneOptions{OrphanAge: -1, DryRun: x.IntN(6) == 0}
	x.note(x, "prune %+v", opts)
	// Damage is nothing that a prune may report, but it may be outrun by others.
	if _, err := x.open().Prune(context.Background(), opts); err != nil && !(x.inside && known(err)) {
		x.Errorf("prune: %v", err)
	}
}

func (x *host) forgetSome() {
	var ids []snapshot.ID
	for _, id := range x.taken {
		if _, ok := x.images[id]; ok && x.IntN(4) == 0 {
			ids = append(ids, id)
			delete(x.images, id)
		}
	}
	x.note(x, "forget %v", ids)
	if err := x.open().Forget(context.Background(), ids...); err != nil {
		x.Error(err)
	}
}

// changeKey adds a key, opens the repository with it, and removes the one that
// the host had.
func (x *host) changeKey() {
	x.note(x, "change key")
	ctx := context.Background()
	own := crypt.NewKeyFile().Credential()
	id, err := x.open().AddKey(ctx, own, "own")
	if err != nil {
		x.Fatal(err)
	}
	x.end()
	x.key = own
	x.open()
	if x.IntN(2) == 0 {
		x.end()
		x.key = testKey
		if _, err := x.open().RemoveKey(ctx, id); err != nil {
			x.Error(err)
		}
	}
}

// end ends the host's process and may do something to its cache.
func (x *host) end() {
	x.note(x, "end")
	if x.Repo == nil {
		return
	}
	x.Close()
	x.Repo = nil
	file := filepath.Join(x.cache, "objects")
	b, err := os.ReadFile(file)
	if err != nil || len(b) == 0 {
		return
	}
	switch x.IntN(6) {
	case 0:
		err = os.Remove(file)
	case 1:
		err = os.WriteFile(file, b[:x.IntN(len(b))], 0o600)
	case 2:
		err = os.WriteFile(file, flipped(b, x.IntN(len(b))), 0o600)
	case 3:
		err = os.WriteFile(file, bytes.Repeat(b, 2), 0o600)
	}
	if err != nil {
		x.Error(err)
	}
}
