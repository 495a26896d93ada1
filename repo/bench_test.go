package repo_test

import (
	"context"
	"io"
	"testing"

	"firn/repo"
	"firn/snapshot"
	"firn/store/local"
)

var benchImage = pages(1, 4000) // 16 MB

// benchRun measures one operation on copies of a prepared world, each opened with
// a warm cache.
func benchRun(b *testing.B, prepare func(*world, *repo.Repo), act func(*repo.Repo)) {
	b.Helper()
	prepared := newWorld(b)
	dir := b.TempDir()
	run(b, prepared.st, dir, func(r *repo.Repo) { prepare(prepared, r) })
	b.SetBytes(int64(len(benchImage)))
	for b.Loop() {
		b.StopTimer()
		w := prepared.clone(b)
		b.StartTimer()
		act(cached(b, w.st, dir))
	}
}

func backUp(b *testing.B, r *repo.Repo, image []byte, print string) *snapshot.Snapshot {
	opts := repo.BackupOptions{Environment: "production", Database: "app"}
	result, err := r.Backup(context.Background(), fingerprinted(image, print), opts)
	if err != nil {
		b.Fatal(err)
	}
	return result.Snapshot
}

func BenchmarkBackupFirst(b *testing.B) {
	benchRun(b, func(*world, *repo.Repo) {}, func(r *repo.Repo) { backUp(b, r, benchImage, "one") })
}

func BenchmarkBackupChanged(b *testing.B) {
	image := touch(benchImage, 1, 20)
	benchRun(b, func(_ *world, r *repo.Repo) { backUp(b, r, benchImage, "one") }, func(r *repo.Repo) { backUp(b, r, image, "two") })
}

func BenchmarkBackupUnchanged(b *testing.B) {
	benchRun(b, func(_ *world, r *repo.Repo) { backUp(b, r, benchImage, "one") }, func(r *repo.Repo) { backUp(b, r, benchImage, "one") })
}

func BenchmarkRestore(b *testing.B) {
	var s *snapshot.Snapshot
	benchRun(b, func(_ *world, r *repo.Repo) { s = backUp(b, r, benchImage, "one") }, func(r *repo.Repo) {
		i, err := r.OpenImage(context.Background(), s)
		if err != nil {
			b.Fatal(err)
		}
		if err := i.Copy(context.Background(), io.Discard); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkPrune rewrites a pack of which a third is needed.
func BenchmarkPrune(b *testing.B) {
	benchRun(b, func(w *world, r *repo.Repo) {
		gone := backUp(b, r, benchImage, "one")
		backUp(b, r, benchImage[:len(benchImage)/3], "two")
		w.forget(b, gone.ID)
	}, func(r *repo.Repo) {
		if got := pruneWith(b, r, repo.PruneOptions{OrphanAge: -1}); got.Copied == 0 {
			b.Fatalf("got %+v, want blobs copied", got)
		}
	})
}

// BenchmarkRestoreLocal restores from files: reading ahead must not cost more than
// it brings where a request costs nothing.
func BenchmarkRestoreLocal(b *testing.B) {
	st, err := local.Create(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	image := pages(1, 50_000) // 205 MB
	if testing.Short() {
		image = image[:len(image)/10]
	}
	s := backUp(b, newRepo(b, st), image, "one")
	b.SetBytes(int64(len(image)))
	for b.Loop() {
		i, err := open(b, st).OpenImage(b.Context(), s)
		if err != nil {
			b.Fatal(err)
		}
		if err := i.Copy(b.Context(), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
