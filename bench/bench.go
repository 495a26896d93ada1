package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"firn/bench/internal/usage"
)

// bench is a contender at work in a folder of its own.
type bench struct {
	contender
	env  []string
	dir  string
	repo string
	out  string // the restored file
}

// newBench makes the contender's folder below work, and its repository.
func newBench(c contender, work, database string) (*bench, error) {
	dir := filepath.Join(work, c.name)
	b := &bench{contender: c, dir: dir, repo: filepath.Join(dir, "repo"), out: filepath.Join(dir, "restored.db")}
	tmp, cache := filepath.Join(dir, "tmp"), filepath.Join(dir, "cache")
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return nil, err
	}
	b.env = append(os.Environ(),
		"TZ=UTC", "DB="+database, "TMP="+tmp, "REPO="+b.repo, "OUT="+b.out,
		"FIRN_REPOSITORY="+b.repo, "FIRN_KEY_FILE="+filepath.Join(tmp, "key"), "FIRN_CACHE_DIR="+cache,
		"RESTIC_REPOSITORY="+b.repo, "RESTIC_PASSWORD=bench", "RESTIC_CACHE_DIR="+cache,
		"RUSTIC_REPOSITORY="+b.repo, "RUSTIC_PASSWORD=bench", "RUSTIC_CACHE_DIR="+cache, "RUSTIC_NO_PROGRESS=true", "RUSTIC_LOG_LEVEL=warn",
		"KOPIA_CONFIG_PATH="+filepath.Join(tmp, "kopia.config"), "KOPIA_PASSWORD=bench", "KOPIA_CACHE_DIRECTORY="+cache,
		"KOPIA_LOG_DIR="+tmp, "KOPIA_CHECK_FOR_UPDATES=false",
		"BORG_REPO="+b.repo, "BORG_PASSPHRASE=bench", "BORG_BASE_DIR="+cache)
	_, err := b.run(c.init)
	return b, err
}

// run runs one script, and measures it together with the processes that it starts.
//
// A process's peak memory begins with the memory of the process that started it. So this
// program stays small: work that needs memory runs in another process.
func (b *bench) run(script string, env ...string) (cost, error) {
	before, err := dirSize(b.repo)
	if err != nil {
		return cost{}, err
	}
	var output bytes.Buffer
	cmd := exec.Command("sh", "-eu", "-c", script)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(b.env[:len(b.env):len(b.env)], env...), &output, &output
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return cost{}, fmt.Errorf("run %s: %w\n%s\n%s", b.name, err, script, output.String())
	}
	c := cost{wall: time.Since(start), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), rss: usage.PeakRSS(cmd.ProcessState)}
	after, err := dirSize(b.repo)
	c.added = after - before
	return c, err
}

// restored runs the restore script into a new file, and checks the result.
func (b *bench) restored(rows int64) (cost, error) {
	if err := os.RemoveAll(b.out); err != nil {
		return cost{}, err
	}
	return b.cloned(rows)
}

// cloned runs the restore script over the restored file, and checks the result.
func (b *bench) cloned(rows int64) (cost, error) {
	c, err := b.run(b.restore)
	if err != nil {
		return cost{}, err
	}
	got, err := workload("count", b.out)
	if err == nil && got != rows {
		err = fmt.Errorf("restore by %s: got %d rows, want %d", b.name, got, rows)
	}
	return c, err
}

// dirSize adds up the sizes of the files below dir. A missing folder has size 0.
func dirSize(dir string) (int64, error) {
	var size int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		size += info.Size()
		return nil
	})
	return size, err
}
