package main

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var (
	seed    = flag.Uint64("seed", 0, "seed of the torture; 0 picks one")
	torture = flag.Duration("torture", 0, "how long to torture a fleet; 0 means some seconds. Give -timeout, too")
)

// seedOf returns the seed, and logs it. The same seed repeats the same actions,
// but not the moments at which processes interrupt each other.
func seedOf(t testing.TB) uint64 {
	n := *seed
	for n == 0 {
		n = rand.Uint64()
	}
	t.Logf("-seed=%d", n)
	return n
}

// machine is a host: a folder with a configuration, databases and a cache. It is
// for one goroutine.
type machine struct {
	testing.TB
	dir    string
	env    []string // further variables of firn's processes
	random *rand.Rand
}

func newMachine(t testing.TB, dir string, env []string, seed uint64) *machine {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return &machine{t, dir, env, rand.New(rand.NewPCG(seed, 1))}
}

func (m *machine) path(name string) string { return filepath.Join(m.dir, name) }

func (m *machine) configure(text string) {
	m.Helper()
	if err := os.WriteFile(m.path("firn.toml"), []byte(text), 0o600); err != nil {
		m.Fatal(err)
	}
}

// firn returns the command of a firn process that has not been started.
func (m *machine) firn(args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Dir = m.dir
	c.Env = append(os.Environ(), firnEnv+"=1", "FIRN_CACHE_DIR="+m.path("cache"), "FIRN_CONFIG="+m.path("firn.toml")) // root must name the configuration
	c.Env = append(c.Env, m.env...)
	return c
}

// must runs firn, which must succeed, and returns its output.
func (m *machine) must(args ...string) []byte {
	m.Helper()
	r := m.run(args...)
	if r.err != nil {
		m.Fatalf("firn %v: %v\n%s", args, r.err, r.stderr)
	}
	return r.stdout
}

// result is the outcome of a process.
type result struct {
	stdout, stderr []byte
	err            error
	code           int // -1 if it was killed
}

// run runs firn to its end.
func (m *machine) run(args ...string) result {
	m.Helper()
	return m.runFor(time.Hour, args...)
}

// kill starts firn and kills it after some time, at any point of its work. The
// process may have ended before.
func (m *machine) kill(args ...string) result {
	m.Helper()
	return m.runFor(time.Duration(m.random.IntN(150))*time.Millisecond, args...)
}

func (m *machine) runFor(patience time.Duration, args ...string) result {
	m.Helper()
	c := m.firn(args...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Start(); err != nil {
		m.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { _ = c.Process.Kill() })
	defer timer.Stop()
	err := c.Wait()
	return result{stdout.Bytes(), stderr.Bytes(), err, c.ProcessState.ExitCode()}
}
