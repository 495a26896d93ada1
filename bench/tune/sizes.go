package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"runtime/metrics"

	"firn/crypt"
	"firn/repo"
	"firn/snapshot"
	"firn/store/mem"
)

// history is a way in which a database changes from one backup to the next.
type history struct {
	name   string
	change func(m maker, size int64, run int) error
}

var histories = []history{
	{"changed in place", func(m maker, size int64, run int) error { return m.do("pages", 1, run, size/800_000) }},
	{"application", func(m maker, _ int64, run int) error { return m.do("tick", 1, run) }},
	{"append only", func(m maker, size int64, run int) error { return m.do("append", 1, run, size/400_000) }},
	{"VACUUM each time", func(m maker, _ int64, run int) error {
		return errors.Join(m.do("tick", 1, run), m.do("vacuum"))
	}},
}

// printSizes backs each history up into repositories of different chunk sizes.
func printSizes(ctx context.Context, m maker, size int64, runs int) error {
	fmt.Printf("\nChunk sizes, %d backups of each history: stored by the first, and added by each in the last half.\n\n", runs)
	fmt.Println("| at least | history | first | added | CPU per MB read |\n|---|---|---|---|---|")
	for _, least := range []int{32, 64, 128, 256} {
		for _, h := range histories {
			t, err := take(ctx, m, h, size, runs, least<<10)
			if err != nil {
				return fmt.Errorf("%s: %w", h.name, err)
			}
			fmt.Printf("| %d KiB | %s | %.2f MB | %.1f kB | %.2f ms |\n", least, h.name,
				float64(t.first)/1e6, float64(t.late)/1e3/float64(runs-runs/2), t.cpu*1e9/float64(t.read))
		}
	}
	return nil
}

// taken has the costs of a history.
type taken struct {
	first, late int64   // bytes added by the first backup, and by all of the last half
	read        int64   // bytes
	cpu         float64 // seconds, of all but the first backup
}

func take(ctx context.Context, m maker, h history, size int64, runs, least int) (taken, error) {
	var t taken
	if err := os.Remove(m.database); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return t, err
	}
	if err := m.do("create", size, 1); err != nil {
		return t, err
	}
	r, err := newRepository(ctx, least)
	if err != nil {
		return t, err
	}
	s, err := backUp(ctx, r, m.database)
	if err != nil {
		return t, err
	}
	t.first = s.Added
	for run := range runs {
		if err := h.change(m, size, run); err != nil {
			return t, err
		}
		before := cpuSeconds()
		if s, err = backUp(ctx, r, m.database); err != nil {
			return t, err
		}
		t.cpu += cpuSeconds() - before
		t.read += s.Image().Size
		if run >= runs/2 {
			t.late += s.Added
		}
	}
	return t, nil
}

// newRepository makes a repository in memory.
func newRepository(ctx context.Context, least int) (*repo.Repo, error) {
	sizes := repo.DefaultChunkSizes
	sizes.Min, sizes.Max = least, max(sizes.Max, 2*least)
	opts := repo.Options{Store: mem.New(), Credential: crypt.NewKeyFile().Credential(), ChunkSizes: sizes}
	return repo.Init(ctx, opts, repo.NewKey{Credential: opts.Credential})
}

func backUp(ctx context.Context, r *repo.Repo, path string) (*snapshot.Snapshot, error) {
	result, err := r.Backup(ctx, func(context.Context) (repo.SourceImage, error) {
		f, err := os.Open(path)
		return file{f}, err
	}, repo.BackupOptions{Environment: "tune", Database: "app"})
	if err != nil {
		return nil, err
	}
	return result.Snapshot, nil
}

// file is the image of a database that no program has open.
type file struct{ *os.File }

// Describe describes nothing, because descriptions of images are not measured.
func (file) Describe() snapshot.Image { return snapshot.Image{} }

// Unchanged returns false, so that every image is read.
func (file) Unchanged(json.RawMessage) bool { return false }

// cpuSeconds returns the processor time that this program's own code has used.
func cpuSeconds() float64 {
	runtime.GC() // updates the figure
	used := []metrics.Sample{{Name: "/cpu/classes/user:cpu-seconds"}}
	metrics.Read(used)
	return used[0].Value.Float64()
}
