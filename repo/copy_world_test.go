package repo_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"firn/crypt"
	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store"
	"firn/store/mem"
)

// otherKey opens the repositories that tests copy to.
var otherKey = crypt.KeyFileOf([]byte{7, 7}).Credential()

func otherOptions(st store.Store) repo.Options {
	return repo.Options{Store: st, Credential: otherKey, Host: "copier", Tool: "firn test"}
}

func openOther(t testing.TB, st store.Store) *repo.Repo {
	t.Helper()
	return openAs(t, otherOptions(st))
}

// copies is a repository, another one that its snapshots are copied to, and the
// images that are to be found there.
type copies struct {
	*world
	to *mem.Store
}

func newCopies(t testing.TB) *copies {
	t.Helper()
	c := &copies{newWorld(t), mem.New()}
	if _, err := repo.Init(t.Context(), otherOptions(c.to), repo.NewKey{Credential: otherKey}); err != nil {
		t.Fatal(err)
	}
	return c
}

// takeAt backs up b with a time.
func (c *copies) takeAt(t testing.TB, env string, when time.Time, b []byte) *snapshot.Snapshot {
	t.Helper()
	result, err := open(t, c.st).Backup(t.Context(), fingerprinted(b, fingerprintOf(b)), repo.BackupOptions{Environment: env, Database: "app", Time: when})
	if err != nil {
		t.Fatal(err)
	}
	c.images[result.Snapshot.ID] = b
	return result.Snapshot
}

// listBoth returns a copier and the snapshots of the source.
func listBoth(ctx context.Context, from, to *repo.Repo) (*repo.Copier, []*snapshot.Snapshot, error) {
	sources, err := from.Snapshots(ctx)
	if err != nil {
		return nil, nil, err
	}
	targets, err := to.Snapshots(ctx)
	if err != nil {
		return nil, nil, err
	}
	c, err := repo.NewCopier(from, sources, to, targets)
	return c, sources, err
}

func copier(t testing.TB, from, to *repo.Repo) (*repo.Copier, []*snapshot.Snapshot) {
	t.Helper()
	c, sources, err := listBoth(context.Background(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	return c, sources
}

// copyAll copies all missing snapshots, and returns the results.
func copyAll(ctx context.Context, from, to *repo.Repo, rules map[string]retention.Policy) (*repo.CopyPlan, []*repo.BackupResult, error) {
	c, sources, err := listBoth(ctx, from, to)
	if err != nil {
		return nil, nil, err
	}
	plan := c.Plan(sources, rules, time.Now())
	var results []*repo.BackupResult
	for _, s := range plan.Copy {
		result, err := c.Copy(ctx, s, nil)
		if err != nil {
			return plan, results, err
		}
		results = append(results, result)
	}
	return plan, results, c.CarryNotes(ctx, sources)
}

func (c *copies) copy(t testing.TB) []*repo.BackupResult {
	t.Helper()
	_, results, err := copyAll(t.Context(), open(t, c.st), openOther(t, c.to), nil)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// verify fails the test unless the target is sound, and has exactly the snapshots of
// the source, byte for byte.
func (c *copies) verify(t testing.TB) {
	t.Helper()
	c.world.verify(t)
	from, to := open(t, c.st), openOther(t, c.to)
	checkWith(t, to)
	sources, err := from.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := to.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(list), len(sources); got != want {
		t.Errorf("got %d copies, want %d", got, want)
	}
	for _, s := range list {
		origin := s.Origin(to.ID().String())
		if got := restore(t, to, s); !bytes.Equal(got, c.images[origin.Snapshot]) {
			t.Errorf("copy of %s: got %d other bytes", origin.Snapshot.Short(), len(got))
		}
	}
}
