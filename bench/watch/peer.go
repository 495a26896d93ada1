package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"firn/bench/internal/checkout"
)

// peerFigures are of one program at the work that both do.
type peerFigures struct {
	program   string
	databases int
	load
	files int   // in the store, at the end
	size  int64 // of these
	loss  string
}

// program is a process that copies databases all the time.
type program struct {
	pid     int
	kill    func()
	restore func(copied string) error
	store   string
}

// peerLoads are the loads that both programs get: databases, and transactions a second of each.
var peerLoads = []struct {
	databases int
	rate      float64
}{{1, 50}, {100, 1}}

// measurePeer measures firn and Litestream at the same loads, one after the other.
func measurePeer(b *bench) error {
	litestream, err := findLitestream()
	if err != nil {
		b.report.section("Litestream", "Left out: %v.", err)
		return nil
	}
	var all []peerFigures
	for _, l := range peerLoads {
		for _, p := range []struct {
			name  string
			start func(*host, int) (*program, error)
		}{{"firn watch", watchProgram}, {"litestream", litestream}} {
			h, err := b.newHost(fmt.Sprintf("%s-%d", strings.Fields(p.name)[0], l.databases), l.databases, "")
			if err != nil {
				return err
			}
			f, err := h.measureProgram(p.start, l.databases, l.rate, b.length)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			f.program = p.name
			all = append(all, f)
		}
	}
	b.report.peer(all)
	return nil
}

// measureProgram lets a program work beside an application, kills both, and restores a database.
func (h *host) measureProgram(start func(*host, int) (*program, error), databases int, rate float64, length time.Duration) (f peerFigures, err error) {
	a, err := startApplication(h.databases(), databases, rate)
	if err != nil {
		return f, err
	}
	defer a.kill()
	p, err := start(h, databases)
	if err != nil {
		return f, err
	}
	defer p.kill()
	f.databases = databases
	if f.load, err = observe(p.pid, length); err != nil {
		return f, err
	}
	p.kill()
	a.kill()
	if f.files, f.size, err = filesIn(p.store); err != nil {
		return f, err
	}
	copied := h.path("restored.db")
	if err := p.restore(copied); err != nil {
		return f, err
	}
	loss, err := compare(h.database(0), copied)
	f.loss = seconds(loss)
	if err != nil {
		f.loss = err.Error()
	}
	return f, nil
}

// watchProgram starts firn.
func watchProgram(h *host, databases int) (*program, error) {
	w, err := h.startWatch("--every", "1s")
	if err != nil {
		return nil, err
	}
	if err := w.await("base", databases); err != nil {
		return nil, err
	}
	return &program{pid: w.cmd.Process.Pid, kill: w.kill, store: h.path("repository"), restore: h.restoreFirst}, nil
}

// findLitestream returns how Litestream is started, if bench/install has installed it or the
// system has it.
func findLitestream() (func(*host, int) (*program, error), error) {
	dir, err := checkout.Installed(context.Background())
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "litestream")
	if _, err := os.Stat(path); err != nil {
		if path, err = exec.LookPath("litestream"); err != nil {
			return nil, fmt.Errorf("run bench/install: %w", err)
		}
	}
	return func(h *host, n int) (*program, error) { return startLitestream(path, h, n) }, nil
}

func startLitestream(path string, h *host, databases int) (*program, error) {
	store := h.path("replica")
	conf := "dbs:\n"
	for i := range databases {
		conf += fmt.Sprintf("  - {path: %q, replica: {type: file, path: %q, sync-interval: 1s}}\n", h.database(i), filepath.Join(store, environment(i)))
	}
	if err := os.WriteFile(h.path("litestream.yml"), []byte(conf), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "replicate", "-config", h.path("litestream.yml"))
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &program{pid: cmd.Process.Pid, store: store}
	p.kill = func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill() // it may have ended
			_ = cmd.Wait()         // it was killed
		}
	}
	p.restore = func(copied string) error {
		out, err := exec.Command(path, "restore", "-o", copied, "file://"+filepath.Join(store, environment(0))).CombinedOutput()
		if err != nil {
			return fmt.Errorf("litestream restore: %w\n%s", err, out)
		}
		return nil
	}
	time.Sleep(5 * time.Second) // for the first copies
	return p, nil
}

// filesIn counts the files below a folder, and adds up their sizes.
func filesIn(dir string) (n int, size int64, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			n, size = n+1, size+info.Size()
		}
		return err
	})
	return n, size, err
}

// peer reports the comparison.
func (r *report) peer(all []peerFigures) {
	var b strings.Builder
	b.WriteString("Both programs follow the same application, with a copy every second, into a folder. Then the application and the program are\n" +
		"killed, and the first database is restored. Files and bytes are of the whole store after that time, without any retention.\n\n" +
		"| databases | program | CPU, of a core | memory | open files | files stored | bytes stored | lost |\n|---|---|---|---|---|---|---|---|\n")
	for _, f := range all {
		fmt.Fprintf(&b, "| %d | %s | %.1f %% | %s | %d | %d | %s | %s |\n", f.databases, f.program, f.share(), bytesText(f.rss), f.descriptors,
			f.files, bytesText(f.size), f.loss)
	}
	r.section("Beside Litestream", "%s", strings.TrimSpace(b.String()))
}
