package sftp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"firn/ssh"
	"firn/store"
	"firn/store/sftp"
	"firn/store/storetest"
)

// hostileEnv is the variable that makes this program a server of its own.
const hostileEnv = "FIRN_TEST_HOSTILE"

// The kinds of packets that the hostile server knows.
const (
	kindVersion = 2
	kindRename  = 18
	kindStatus  = 101
	kindName    = 104
	kindAttrs   = 105
)

// hostile stands between the client and OpenSSH's server, and changes what passes.
type hostile struct {
	fault   string
	in      io.Writer // to the server
	renames map[uint32]bool
	names   []byte // the last names that the server has told
}

// serveHostile serves with a fault:
//
//	bare       no extensions, so neither hard links nor syncs
//	exists     like bare, but with a code of its own for a name that is taken
//	replaces   like bare, and a rename replaces files
//	nolinks    a disk without hard links
//	slashes    names in listings have folders before them
//	twice      names in listings come twice
//	endless    listings have no end
//	huge       sizes have no end
//	garbage    answers have numbers that were not asked for
func serveHostile(fault string) int {
	path := serverProgram()
	server := exec.Command(path)
	in, inErr := server.StdinPipe()
	out, outErr := server.StdoutPipe()
	if err := errors.Join(inErr, outErr, server.Start()); err != nil {
		return 127
	}
	h := &hostile{fault: fault, in: in, renames: make(map[uint32]bool)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = copyPackets(os.Stdout, out, h.answer)
	}()
	_ = copyPackets(in, os.Stdin, h.request)
	in.Close()
	<-done
	_ = server.Wait()
	return 0
}

func serverProgram() string {
	for _, path := range []string{"/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return "sftp-server"
}

// copyPackets copies packets as a function changes them.
func copyPackets(to io.Writer, from io.Reader, change func([]byte) []byte) error {
	for {
		head := make([]byte, 4)
		if _, err := io.ReadFull(from, head); err != nil {
			return err
		}
		packet := make([]byte, binary.BigEndian.Uint32(head))
		if _, err := io.ReadFull(from, packet); err != nil {
			return err
		}
		packet = change(packet)
		if _, err := to.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(packet))), packet...)); err != nil {
			return err
		}
	}
}

// request changes a request.
func (h *hostile) request(p []byte) []byte {
	if h.fault == "nolinks" {
		return bytes.Replace(p, []byte("hardlink@openssh.com"), []byte("hardlink@example.org"), 1) // an unknown extension
	}
	if h.fault != "replaces" || p[0] != kindRename {
		return p
	}
	// The extended request posix-rename@openssh.com has the same two names.
	name := "posix-rename@openssh.com"
	extended := append([]byte{200}, p[1:5]...)
	extended = binary.BigEndian.AppendUint32(extended, uint32(len(name)))
	return append(append(extended, name...), p[5:]...)
}

// answer changes an answer.
func (h *hostile) answer(p []byte) []byte {
	bare := h.fault == "bare" || h.fault == "exists" || h.fault == "replaces"
	switch {
	case bare && p[0] == kindVersion:
		return p[:5]
	case h.fault == "exists" && p[0] == kindStatus && binary.BigEndian.Uint32(p[5:]) == 4:
		binary.BigEndian.PutUint32(p[5:], 11)
	case h.fault == "garbage" && p[0] == kindAttrs:
		binary.BigEndian.PutUint32(p[1:], 1<<30)
	case h.fault == "huge" && p[0] == kindAttrs:
		binary.BigEndian.PutUint64(p[9:], 1<<62)
	case p[0] == kindName:
		return h.listed(p)
	case h.fault == "endless" && p[0] == kindStatus && len(h.names) > 0 && binary.BigEndian.Uint32(p[5:]) == 1:
		return append(append([]byte{kindName}, p[1:5]...), h.names[5:]...)
	}
	return p
}

// listed changes the names of a listing.
func (h *hostile) listed(p []byte) []byte {
	h.names = bytes.Clone(p)
	switch h.fault {
	case "slashes":
		return bytes.ReplaceAll(p, []byte("\x00\x00\x00\x03old"), []byte("\x00\x00\x00\x0b../meta/old"))
	case "twice":
		twice := append(bytes.Clone(p), p[9:]...)
		binary.BigEndian.PutUint32(twice[5:], 2*binary.BigEndian.Uint32(p[5:]))
		return twice
	}
	return p
}

// hostileOptions returns options for a folder behind a hostile server.
func hostileOptions(t testing.TB, dir, fault string) sftp.Options {
	t.Helper()
	return options(t, dir, hostileFault(t, fault))
}

// hostileFault returns the fault of the stand-in that runs a hostile server.
func hostileFault(t testing.TB, fault string) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("forced=%s=%s exec %s", hostileEnv, fault, ssh.Quote(program))
}

// TestBareServers tests the contract on servers without extensions.
func TestBareServers(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"bare", "exists", "replaces", "nolinks"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t testing.TB) store.Store { return openWith(t, hostileOptions(t, t.TempDir(), fault)) })
		})
	}
}

// TestProbe finds the servers on which two hosts could replace each other's objects.
func TestProbe(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]error{"none": nil, "nolinks": nil, "bare": nil, "exists": nil, "replaces": store.ErrReplaces} {
		dir := t.TempDir()
		s := openWith(t, hostileOptions(t, dir, fault))
		if _, err := s.Probe(t.Context()); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", fault, err, want)
		}
		if left := files(t, dir); len(left) > 0 {
			t.Errorf("%s: the probe leaves %q", fault, left)
		}
	}
}

// TestMissingExtensions checks the warning, which comes once, and the room that the server does not tell.
func TestMissingExtensions(t *testing.T) {
	t.Parallel()
	var warnings []string
	o := hostileOptions(t, t.TempDir(), "bare")
	o.Warn = func(message string) { warnings = append(warnings, message) }
	s := openWith(t, o)
	for i := range 3 {
		if err := s.Put(t.Context(), fmt.Sprintf("meta/%d", i), content); err != nil {
			t.Error(err)
		}
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "fsync@openssh.com") {
		t.Errorf("got warnings %q, want one", warnings)
	}
	if _, err := s.Space(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v, want errors.ErrUnsupported", err)
	}
	if space, err := open(t, t.TempDir(), "").Space(t.Context()); err != nil || space.Free <= 0 || space.Total < space.Free {
		t.Errorf("got %+v, %v, want the room of the disk", space, err)
	}
}

// TestHostile reads from servers whose answers make no sense. No call hangs, takes memory without a bound, or takes them for
// a store that has fewer objects.
func TestHostile(t *testing.T) {
	t.Parallel()
	list := func(t *testing.T, s *sftp.Store) error {
		for o, err := range s.List(t.Context(), "meta/") {
			if err != nil {
				return err
			}
			if o.Name != "meta/old" {
				return fmt.Errorf("listed %q", o.Name)
			}
		}
		return nil
	}
	get := func(t *testing.T, s *sftp.Store) error {
		_, err := s.Get(t.Context(), "meta/old", 0, 1<<40)
		return err
	}
	for _, tt := range []struct {
		fault string
		call  func(t *testing.T, s *sftp.Store) error
		want  error
	}{
		{"slashes", list, nil},
		{"twice", list, store.ErrAnswer},
		{"endless", list, store.ErrAnswer},
		{"huge", get, store.ErrTooLarge},
		{"garbage", get, store.ErrUnreachable},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			o := hostileOptions(t, prepared(t), tt.fault)
			o.Patience = 100 * time.Millisecond
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			s := openWith(t, o)
			s.LimitNames(1 << 20)
			if err := tt.call(t, s); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if runtime.ReadMemStats(&after); after.HeapSys > before.HeapSys+256<<20 {
				t.Errorf("it took %d MiB", (after.HeapSys-before.HeapSys)>>20)
			}
		})
	}
}

// TestStrangeEntries lists a folder with entries that are no objects.
func TestStrangeEntries(t *testing.T) {
	t.Parallel()
	dir := prepared(t)
	for _, name := range []string{"notes.txt", "meta/UPPER", "meta/.hidden"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dir, "")
	names := func() (names []string, err error) {
		for o, err := range s.List(t.Context(), "") {
			if err != nil {
				return names, err
			}
			names = append(names, o.Name)
		}
		return names, nil
	}
	if got, err := names(); err != nil || len(got) != 1 || got[0] != "meta/old" {
		t.Errorf("listed %q, %v, want meta/old alone", got, err)
	}
	if err := os.Symlink("old", filepath.Join(dir, "meta", "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "meta/link", 0, -1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("get a symbolic link: got %v, want fs.ErrNotExist", err)
	}
	if err := s.Delete(t.Context(), "meta/link"); err == nil {
		t.Error("a symbolic link was deleted")
	}
	if got, err := names(); err == nil {
		t.Errorf("listed %q, want an error: a symbolic link may hide an object", got)
	}
}
