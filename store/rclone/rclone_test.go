//go:build unix

package rclone_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"firn/store"
	"firn/store/rclone"
	"firn/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) store.Store { return install(t, newer).mustOpen(t) })
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, faults string
		conditional  bool
		warning      string
	}{
		{"New", newer, true, ""},
		{"Newer", "version=rclone_v1.100.3", true, ""},
		{"Beta", "version=rclone_v1.77.0-beta.8765.abcdef", true, ""},
		{"Built", "version=rclone_v1.76.0-DEV", true, ""},
		{"Short", "version=rclone_v2.0", true, ""},
		{"Old", older, false, "rclone 1.75.1 ignores"},
		{"Oldest", "version=rclone_v1.68.1 forgiving", false, "update it to 1.76.0 or later"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var warnings []string
			s, err := install(t, tt.faults).open(t, store.Access{Warn: func(m string) { warnings = append(warnings, m) }})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := s.Probe(t.Context()); got != tt.conditional || err != nil {
				t.Errorf("Probe: got %v, %v, want %v", got, err, tt.conditional)
			}
			put(t, s, "meta/a", []byte("first"))
			if err := s.Put(t.Context(), "meta/a", []byte("second")); !errors.Is(err, fs.ErrExist) {
				t.Errorf("Put over an object: got %v, want fs.ErrExist", err)
			}
			if got := strings.Join(warnings, "\n"); !strings.Contains(got, tt.warning) || (tt.warning == "") != (got == "") || len(warnings) > 1 {
				t.Errorf("warnings: got %q, want %q, once", got, tt.warning)
			}
		})
	}
}

// TestCannotOpen has the failures of Open. Each must leave no process and no folder behind.
func TestCannotOpen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, faults string
		want         error
		words        string
	}{
		{"TooOld", "version=rclone_v1.60.1-DEV", store.ErrOldRclone, "it is version 1.60.1, and 1.68.1 is the oldest that can"},
		{"Garbage", "version=hello_there", store.ErrOldRclone, `"rclone version" says "hello there"`},
		{"Silent", "version=", store.ErrOldRclone, `"rclone version" says `},
		{"NoSection", newer + " fails=Failed_to_create_file_system_for_\"firnplace:\":_failed_to_create_upstream_\"box:firn\":_didn't_find_section_in_config_file_(\"box\")", store.ErrRcloneConfig, `lead there: didn't find section in config file ("box")`},
		{"NoBackend", newer + " fails=didn't_find_backend_called_\"sftpp\"", store.ErrRcloneConfig, `called "sftpp"`},
		{"Password", newer + " fails=Failed_to_load_config_file_\"x\":_unable_to_decrypt_configuration", store.ErrRcloneConfig, "unable to decrypt configuration"},
		{"Refused", newer + " fails=couldn't_connect_SSH:_connection_refused", store.ErrRclone, "rclone ended: couldn't connect SSH: connection refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			faults := strings.ReplaceAll(tt.faults, "'", `'\''`)
			i := install(t, faults)
			_, err := i.open(t, store.Access{})
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.words) || !strings.Contains(err.Error(), "rclone:box:firn") {
				t.Errorf("got %v, want %v with %q and the place", err, tt.want, tt.words)
			}
			if strings.Contains(err.Error(), "using defaults") {
				t.Errorf("the error has a line of the log that tells of no error: %v", err)
			}
		})
	}
}

func TestNoProgram(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"no-such-rclone", filepath.Join(t.TempDir(), "rclone")} {
		_, err := rclone.Kind{Program: program}.Open(t.Context(), "rclone:box:firn", store.Access{})
		if !errors.Is(err, store.ErrNoRclone) {
			t.Errorf("%s: got %v, want ErrNoRclone", program, err)
		}
	}
}

func TestNoLock(t *testing.T) {
	t.Parallel()
	_, err := install(t, newer).open(t, store.Access{Lock: time.Hour})
	if !errors.Is(err, store.ErrLock) {
		t.Errorf("got %v, want ErrLock", err)
	}
}

// TestNeverReady has an rclone that does not listen: it is killed after the time that it may take, and when the caller gives up.
func TestNeverReady(t *testing.T) {
	t.Parallel()
	i := install(t, newer+" deaf")
	o := rclone.Options{Location: rclone.Location{Remote: "box:", Path: "firn"}, Program: i.program, Ready: 5 * time.Second} // more than a busy machine takes to start it
	_, err := rclone.Open(t.Context(), o)
	if !errors.Is(err, store.ErrRclone) || !strings.Contains(err.Error(), "not ready after 5s: still connecting") {
		t.Errorf("got %v, want that it was not ready, with its words", err)
	}
	wantGone(t, i)

	o.Ready = 0
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		await(t, "it was started again", func() bool { return len(i.noted(t, "pids")) == 2 })
		cancel()
	}()
	if _, err := rclone.Open(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	wantGone(t, i)
}

// wantGone checks that no server of the stand-in runs any more.
func wantGone(t *testing.T, i installed) {
	t.Helper()
	for _, pid := range i.noted(t, "pids") {
		if n, err := strconv.Atoi(pid); err != nil || syscall.Kill(n, 0) == nil {
			t.Errorf("the server %s still runs", pid)
		}
	}
}

func TestChatter(t *testing.T) {
	t.Parallel()
	s := install(t, newer+" chatters").mustOpen(t)
	put(t, s, "meta/a", []byte("x"))
}

// TestDies has an rclone that dies at the second put. It is started again, and the put finds its object although nothing but
// the object's bytes is known of it.
func TestDies(t *testing.T) {
	t.Parallel()
	i := install(t, newer+" dies=2")
	s := i.mustOpen(t)
	put(t, s, "meta/a", []byte("first"))
	data := random()
	put(t, s, "meta/b", data)
	for range 2 { // the second is a Put of its own
		if got, err := s.Get(t.Context(), "meta/b", 0, -1); err != nil || !bytes.Equal(got, data) {
			t.Errorf("got %q, %v, want %q", got, err, data)
		}
		if err := s.Put(t.Context(), "meta/b", data); !errors.Is(err, fs.ErrExist) {
			t.Errorf("a second Put: got %v, want fs.ErrExist", err)
		}
	}
	if got := len(i.noted(t, "pids")); got != 2 {
		t.Errorf("rclone was started %d times, want 2", got)
	}
}

// TestDiesForGood has an rclone that dies and cannot be started again. The request fails at once, with rclone's words.
func TestDiesForGood(t *testing.T) {
	t.Parallel()
	s := install(t, newer+" dies=1 once").mustOpen(t)
	for range 2 {
		err := s.Put(t.Context(), "meta/a", []byte("x"))
		if !errors.Is(err, store.ErrRclone) || !strings.Contains(err.Error(), "rclone ended: Failed to s3: it was started before") {
			t.Errorf("Put: got %v, want that rclone ended", err)
		}
	}
	for _, err := range s.List(t.Context(), "") {
		if !errors.Is(err, store.ErrRclone) {
			t.Errorf("List: got %v, want that rclone ended", err)
		}
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	i := install(t, newer)
	s, err := rclone.Kind{Program: i.program}.Open(t.Context(), "rclone:box:firn", store.Access{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "meta/a", []byte("x"))
	for range 2 {
		closeStore(t, s.(*rclone.Store))
	}
	wantGone(t, i)
	if got := i.noted(t, "ends"); len(got) != 1 {
		t.Errorf("rclone ended in order %d times, want once", len(got))
	}
	if _, err := s.Get(t.Context(), "meta/a", 0, -1); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Get after Close: got %v, want net.ErrClosed", err)
	}
}

func TestSpace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		about string
		want  store.Space
		err   error
	}{
		{`about={"total":100,"used":40,"free":60}`, store.Space{Free: 60, Total: 100}, nil},
		{`about={"free":60}`, store.Space{Free: 60}, nil},
		{`about={"total":100,"used":100,"free":0}`, store.Space{Total: 100}, nil},
		{`about={"total":0,"used":0,"free":0}`, store.Space{}, errors.ErrUnsupported},
		{`about={"used":40}`, store.Space{}, errors.ErrUnsupported},
		{``, store.Space{}, errors.ErrUnsupported},
	} {
		got, err := install(t, newer+" "+tt.about).mustOpen(t).Space(t.Context())
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %+v, %v, want %+v, %v", tt.about, got, err, tt.want, tt.err)
		}
	}
}

// TestCalls checks what other users can see of rclone's calls, and what rclone gets to know.
func TestCalls(t *testing.T) {
	t.Parallel()
	i := install(t, newer)
	s, err := rclone.Kind{Program: i.program}.Open(t.Context(), `rclone::sftp,host=h,pass="s e:cret":a "dir"/it's`, store.Access{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s.(*rclone.Store))
	if err := s.(store.Creator).Create(t.Context()); err != nil {
		t.Error(err)
	}
	calls := i.noted(t, "calls")
	if got, want := calls[len(calls)-1], "mkdir,firnplace:firn,--ask-password=false"; got != want {
		t.Errorf("Create calls %q, want %q", got, want)
	}
	for _, call := range calls {
		if strings.Contains(call, "sftp") || strings.Contains(call, "auth") || !strings.HasSuffix(call, "--ask-password=false") {
			t.Errorf("call %q shows the place or may ask for a password", call)
		}
	}
	want := `"firn=:sftp,host=h,pass=""s_e:cret"":a_""dir""/it's"`
	if got := i.noted(t, "upstreams"); len(got) != 1 || got[0] != want {
		t.Errorf("the place is shown as %q, want %q", got, want)
	}
}

// TestFolderIsPrivate checks that no other user can reach the socket.
func TestFolderIsPrivate(t *testing.T) {
	t.Parallel()
	i := install(t, newer)
	i.mustOpen(t)
	for _, call := range i.noted(t, "calls") {
		_, after, ok := strings.Cut(call, "--addr,unix://")
		if !ok {
			continue
		}
		socket, _, _ := strings.Cut(after, ",")
		info, err := os.Stat(filepath.Dir(socket))
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("folder of %s: got %v, %v, want mode 0700", socket, info, err)
		}
		return
	}
	t.Error("no call has a socket")
}

func put(t testing.TB, s store.Store, name string, data []byte) {
	t.Helper()
	if err := s.Put(t.Context(), name, data); err != nil {
		t.Fatal(err)
	}
}
