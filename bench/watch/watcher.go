package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// host is a folder with databases and a repository.
type host struct {
	dir, binary string
}

// newHost makes a folder with databases, a configuration and a repository.
func (b *bench) newHost(name string, databases int, settings string) (*host, error) {
	h := &host{filepath.Join(b.work, name), b.binary}
	if err := makeDatabases(h.databases(), databases); err != nil {
		return nil, err
	}
	conf := "repository = \"repository\"\n[watch]\n" + settings + "\n[env.\"app-*\"]\ndatabase = \"databases/app-*.db\"\n"
	if err := os.WriteFile(h.path("firn.toml"), []byte(conf), 0o600); err != nil {
		return nil, err
	}
	_, err := h.firn("init")
	return h, err
}

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }
func (h *host) databases() string       { return h.path("databases") }
func (h *host) database(i int) string   { return filepath.Join(h.databases(), databaseName(i)) }
func environment(i int) string          { return strings.TrimSuffix(databaseName(i), ".db") }

// command returns a command of firn.
func (h *host) command(args ...string) *exec.Cmd {
	cmd := exec.Command(h.binary, append(args, "--config", h.path("firn.toml"), "--cache-dir", h.path("cache"))...)
	cmd.Dir = h.dir
	return cmd
}

// firn runs firn and returns its output.
func (h *host) firn(args ...string) (string, error) {
	out, err := h.command(args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("firn %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// watcher is the process of a watch.
type watcher struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	ended  chan struct{} // closed when all events were read

	mu     sync.Mutex
	more   *sync.Cond
	events []event
}

// event is a line of the watch's output.
type event struct {
	Event       string
	Problem     bool
	Environment string
	Message     string
}

// startWatch starts a watch of all databases.
func (h *host) startWatch(args ...string) (*watcher, error) {
	w := &watcher{ended: make(chan struct{})}
	w.more = sync.NewCond(&w.mu)
	w.cmd = h.command(append([]string{"watch", "--all", "--json", "-v", "--metrics-file", h.path("metrics.prom")}, args...)...)
	w.cmd.Stderr = &w.stderr
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(w.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var e event
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				w.note(e)
			}
		}
		w.note(event{Event: "ended"})
	}()
	return w, nil
}

func (w *watcher) note(e event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
	w.more.Broadcast()
}

// await waits until the watch has told n events of a kind.
func (w *watcher) await(kind string, n int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		switch {
		case w.of(kind) >= n:
			return nil
		case w.of("ended") > 0:
			return fmt.Errorf("the watch has ended: %v\n%s", w.events, w.stderr.String())
		}
		w.more.Wait()
	}
}

// count returns how many events of a kind the watch has told.
func (w *watcher) count(kind string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.of(kind)
}

// of is count for those that have the lock.
func (w *watcher) of(kind string) (n int) {
	for _, e := range w.events {
		if e.Event == kind {
			n++
		}
	}
	return n
}

// problems returns what the watch found wrong.
func (w *watcher) problems() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Problem {
			all = append(all, e.Environment+" "+e.Message)
		}
	}
	return all
}

// kill ends the watch at once.
func (w *watcher) kill() {
	_ = w.cmd.Process.Kill() // it may have ended
	<-w.ended
	_ = w.cmd.Wait() // it was killed
}

// stop asks the watch to end.
func (w *watcher) stop() error {
	err := w.cmd.Process.Signal(syscall.SIGTERM)
	<-w.ended
	if err := errors.Join(err, w.cmd.Wait()); err != nil {
		return fmt.Errorf("stop watch: %w\n%s", err, w.stderr.String())
	}
	return nil
}

// sample is a line of a metrics file.
var sample = regexp.MustCompile(`(?m)^(\w+)\{(.*)\} (\S+)$`)

// metrics returns the values of a metric by their labels.
func (h *host) metrics(name string) (map[string]float64, error) {
	text, err := os.ReadFile(h.path("metrics.prom"))
	if err != nil {
		return nil, err
	}
	values := make(map[string]float64)
	for _, m := range sample.FindAllStringSubmatch(string(text), -1) {
		if m[1] == name {
			if values[m[2]], err = strconv.ParseFloat(m[3], 64); err != nil {
				return nil, err
			}
		}
	}
	return values, nil
}
