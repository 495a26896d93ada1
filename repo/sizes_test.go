package repo_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"testing"

	"firn/repo"
	"firn/store"
	"firn/store/mem"
)

// vast is a store in which one object has a tebibyte, and which tells how many bytes of
// it were asked for.
type vast struct {
	store.Store
	name  string
	asked *int64
}

const vastSize = 1 << 40

func (v vast) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		shown := !strings.HasPrefix(v.name, prefix)
		for o, err := range v.Store.List(ctx, prefix) {
			if !shown && o.Name >= v.name {
				shown = true
				if !yield(store.Object{Name: v.name, Size: vastSize, Time: o.Time}, nil) {
					return
				}
			}
			if o.Name != v.name && !yield(o, err) {
				return
			}
		}
		if !shown {
			yield(store.Object{Name: v.name, Size: vastSize}, nil)
		}
	}
}

func (v vast) Get(ctx context.Context, name string, off, length int64) ([]byte, error) {
	if name != v.name {
		return v.Store.Get(ctx, name, off, length)
	}
	from, to, err := store.Range(vastSize, off, length)
	if length < 0 && off >= 0 {
		*v.asked = max(*v.asked, store.Bound(length))
	}
	if err != nil {
		return nil, err
	}
	*v.asked = max(*v.asked, to-from)
	return make([]byte, to-from), nil
}

// TestVastObjects plants an object of each kind that is larger than any store's memory:
// only as many bytes are asked for as an object of its kind can have, and every operation
// that must read it reports damage.
func TestVastObjects(t *testing.T) {
	t.Parallel()
	w := everyKind(t)
	record := objectsOf(t, w.st, "meta/snap-")[0].Name
	id := record[len(record)-32:]
	const digits = "0000000000000000"
	for name, most := range map[string]int64{
		"meta/config":        64 << 10,
		"meta/key-" + digits: 64 << 10,
		"meta/snap-" + digits + "-" + digits + digits: 17<<20 + 56,
		"meta/part-" + digits + "-" + digits + digits: 32 << 20,
		"meta/note-" + id + "-" + digits:              1<<20 + 56,
		"meta/gc-00000000000f-" + digits:              32 << 20,
		"packs/00/" + digits + digits:                 32 << 20,
	} {
		t.Run(strings.NewReplacer("/", "-").Replace(name), func(t *testing.T) {
			t.Parallel()
			var asked int64
			st := vast{cloneStore(t, w.st), name, &asked}
			problems := everyRun(t, st)
			if len(problems) == 0 {
				t.Error("no run has told of it")
			}
			for _, err := range problems {
				if corrupt, ok := errors.AsType[*repo.CorruptError](err); !ok || corrupt.Name != name {
					t.Errorf("got %v, want damage of %s", err, name)
				}
			}
			if asked > most {
				t.Errorf("%d bytes were asked for, want at most %d", asked, most)
			}
		})
	}
}

// everyRun does everything that reads objects, and returns the damage that was reported.
func everyRun(t *testing.T, st store.Store) (problems []error) {
	t.Helper()
	tell := func(err error) {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	r, err := repo.Open(t.Context(), options(st))
	if err != nil {
		return []error{err}
	}
	defer r.Close()
	_, err = r.Snapshots(t.Context())
	tell(err)
	_, err = r.Backup(t.Context(), sourceOf(pages(1, 50)), repo.BackupOptions{Environment: "production", Database: "app"})
	tell(err)
	_, err = r.Prune(t.Context(), repo.PruneOptions{})
	tell(err)
	checked, err := r.Check(t.Context(), repo.CheckOptions{ReadData: true})
	tell(err)
	if checked != nil {
		for _, f := range checked.Findings {
			tell(f.Err)
		}
	}
	keys, err := r.Keys(t.Context())
	tell(err)
	for _, k := range keys {
		tell(k.Err)
	}
	return problems
}

// endless is a store whose listing never ends.
type endless struct {
	*mem.Store
	prefix string
}

func (e endless) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		for o, err := range e.Store.List(ctx, prefix) {
			if !yield(o, err) {
				return
			}
		}
		for n := 0; prefix == e.prefix; n++ {
			if !yield(store.Object{Name: prefix + "zz" + fmt.Sprint(n)}, nil) {
				return
			}
		}
	}
}

// TestEndlessListing holds every listing to an end.
func TestEndlessListing(t *testing.T) {
	t.Parallel()
	w := everyKind(t)
	prefixes := []string{"meta/key-", "meta/", "packs/"}
	if testing.Short() {
		prefixes = prefixes[:1]
	}
	for _, prefix := range prefixes {
		t.Run(strings.Trim(prefix, "/-"), func(t *testing.T) {
			t.Parallel()
			found := false
			for _, err := range everyRun(t, endless{cloneStore(t, w.st), prefix}) {
				found = found || errors.Is(err, repo.ErrTooMany)
			}
			if !found {
				t.Error("nothing was told of it")
			}
		})
	}
}
