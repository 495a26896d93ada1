//go:build unix

package rclone_test

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"firn/store"
	"firn/store/rclone"
)

// standInEnv makes the test binary a stand-in for rclone. Its value has words:
//
//	version=LINE   "rclone version" prints the line, with _ for spaces
//	fails=LINE     every command but version fails with the line in its log
//	chatters       the server says much on both streams before it listens
//	deaf           the server never listens
//	dies=N         the server dies at its N-th put, after the object was stored; only once
//	once           the server cannot be started a second time
//	forgiving      the server writes over objects, as old versions do
//	about=TEXT     "rclone about" prints the text
const standInEnv = "STAND_IN_FOR_RCLONE"

// dirEnv is the folder in which the stand-in keeps objects, and what it has done.
const dirEnv = "STAND_IN_DIR"

func TestMain(m *testing.M) {
	if words, ok := os.LookupEnv(standInEnv); ok {
		s := &standIn{faults: strings.Fields(words), dir: os.Getenv(dirEnv)}
		s.main(os.Args[1:])
	}
	os.Exit(m.Run())
}

// newer and older are versions that honour the condition of a write, and that do not.
const newer, older = "version=rclone_v1.76.0", "version=rclone_v1.75.1 forgiving"

// installed is a stand-in as a program, with its folder.
type installed struct{ program, dir string }

// install makes a program that is the stand-in with faults.
func install(t testing.TB, faults string) installed {
	t.Helper()
	i := installed{filepath.Join(t.TempDir(), "rclone"), t.TempDir()}
	script := fmt.Sprintf("#!/bin/sh\n%s='%s' %s='%s' exec '%s' \"$@\"\n", standInEnv, faults, dirEnv, i.dir, os.Args[0])
	if err := os.WriteFile(i.program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return i
}

// open opens a place of the stand-in, and closes it after the test.
func (i installed) open(t testing.TB, a store.Access) (*rclone.Store, error) {
	t.Helper()
	s, err := rclone.Kind{Program: i.program}.Open(t.Context(), "rclone:box:firn", a)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { closeStore(t, s.(*rclone.Store)) })
	return s.(*rclone.Store), nil
}

func (i installed) mustOpen(t testing.TB) *rclone.Store {
	t.Helper()
	s, err := i.open(t, store.Access{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// noted returns the lines that the stand-in has written about a thing.
func (i installed) noted(t testing.TB, about string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(i.dir, about))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// standIn is this process as rclone.
type standIn struct {
	faults []string
	dir    string
}

func (s *standIn) has(fault string) bool { return slices.Contains(s.faults, fault) }

// value returns what stands behind a word and =.
func (s *standIn) value(word string) string {
	for _, f := range s.faults {
		if value, ok := strings.CutPrefix(f, word+"="); ok {
			return strings.ReplaceAll(value, "_", " ")
		}
	}
	return ""
}

// note appends a line about a thing.
func (s *standIn) note(about, line string) {
	f, err := os.OpenFile(filepath.Join(s.dir, about), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		s.fail(err.Error())
	}
	defer f.Close()
	fmt.Fprintln(f, line)
}

// fail ends this process as rclone does.
func (s *standIn) fail(line string) {
	fmt.Fprintln(os.Stderr, "2026/01/02 03:04:05 NOTICE: Config file not found - using defaults")
	fmt.Fprintln(os.Stderr, "2026/01/02 03:04:05 CRITICAL: "+line)
	os.Exit(1)
}

func (s *standIn) main(args []string) {
	s.note("calls", strings.Join(args, ","))
	if line := s.value("fails"); line != "" && args[0] != "version" {
		s.fail(line)
	}
	switch args[0] {
	case "version":
		fmt.Println(s.value("version") + "\n- os/version: debian")
	case "about":
		if s.value("about") == "" {
			s.fail(`Failed to about: combine root '' doesn't support about`)
		}
		fmt.Println(s.value("about"))
	case "serve":
		s.serve(args)
	}
	os.Exit(0)
}

func (s *standIn) serve(args []string) {
	s.note("pids", strconv.Itoa(os.Getpid()))
	s.note("upstreams", strings.ReplaceAll(os.Getenv("RCLONE_CONFIG_FIRNPLACE_UPSTREAMS"), " ", "_"))
	if pids, _ := os.ReadFile(filepath.Join(s.dir, "pids")); s.has("once") && strings.Count(string(pids), "\n") > 1 {
		s.fail("Failed to s3: it was started before")
	}
	if s.has("chatters") {
		for i := range 2000 {
			fmt.Println("out", i, strings.Repeat("x", 100))
			fmt.Fprintln(os.Stderr, "2026/01/02 03:04:05 NOTICE: err", i)
		}
	}
	if s.has("deaf") {
		fmt.Fprintln(os.Stderr, "2026/01/02 03:04:05 ERROR : still connecting")
		select {}
	}
	address := args[slices.Index(args, "--addr")+1]
	l, err := net.Listen("unix", strings.TrimPrefix(address, "unix://"))
	if err != nil {
		s.fail(err.Error())
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() { <-signals; l.Close() }()
	key, _, _ := strings.Cut(strings.Trim(os.Getenv("RCLONE_AUTH_KEY"), `"`), ",")
	b := &bucket{standIn: s, key: key, root: filepath.Join(s.dir, "objects"), marks: map[string]string{}}
	_ = http.Serve(l, b) // until the listener is closed
	s.note("ends", "tidy")
	os.Exit(0)
}

// await waits until a condition holds that another process brings about.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// random returns some bytes.
func random() []byte { return []byte(rand.Text() + rand.Text()) }
