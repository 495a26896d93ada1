package sftp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/ssh"
	"firn/store"
	"firn/store/local"
	"firn/store/sftp"
)

// step is one call of a store, and its result on a store that has the object meta/old.
type step struct {
	name string
	call func(ctx context.Context, s *sftp.Store) error
	want error // of a call whose connection is lost on the way
}

// content is larger than what one request writes or reads.
var content = bytes.Repeat([]byte("0123456789abcdef"), 5000)

func steps() []step {
	return []step{
		{"put", func(ctx context.Context, s *sftp.Store) error { return s.Put(ctx, "packs/00/new", content) }, nil},
		{"exists", func(ctx context.Context, s *sftp.Store) error { return s.Put(ctx, "meta/old", []byte("other")) }, fs.ErrExist},
		{"get", func(ctx context.Context, s *sftp.Store) error {
			got, err := s.Get(ctx, "meta/old", 0, -1)
			if err == nil && !bytes.Equal(got, content) {
				return errors.New("other bytes")
			}
			return err
		}, nil},
		{"missing", func(ctx context.Context, s *sftp.Store) error {
			_, err := s.Get(ctx, "meta/none", 0, -1)
			return err
		}, fs.ErrNotExist},
		{"list", func(ctx context.Context, s *sftp.Store) error {
			var names []string
			for o, err := range s.List(ctx, "") {
				if err != nil {
					return err
				}
				names = append(names, o.Name)
			}
			if len(names) != 1 {
				return fmt.Errorf("listed %q", names)
			}
			return nil
		}, nil},
		{"delete", func(ctx context.Context, s *sftp.Store) error { return s.Delete(ctx, "meta/old") }, nil},
		{"probe", func(ctx context.Context, s *sftp.Store) error { _, err := s.Probe(ctx); return err }, nil},
	}
}

// TestCutOnce cuts the first connection after each number of bytes, in both directions. Every call must have the same
// result as without the fault.
func TestCutOnce(t *testing.T) {
	t.Parallel()
	for _, step := range steps() {
		for _, fault := range []string{"cut", "cutin"} {
			t.Run(step.name+"/"+fault, func(t *testing.T) {
				t.Parallel()
				for n := 0; cutOnce(t, step, fault, n, ""); n += stride(n) {
				}
			})
		}
	}
}

// TestCutOnceBare does so on servers without extensions, where objects are published in another way.
func TestCutOnceBare(t *testing.T) {
	t.Parallel()
	for _, step := range steps()[:2] {
		for _, fault := range []string{"cut", "cutin"} {
			t.Run(step.name+"/"+fault, func(t *testing.T) {
				t.Parallel()
				for n := 0; cutOnce(t, step, fault, n, hostileFault(t, "bare")); n += 3 * stride(n) {
				}
			})
		}
	}
}

// cutOnce calls a step with a first connection that is cut after n bytes, and reports whether there was a second one.
func cutOnce(t *testing.T, step step, fault string, n int, server string) (cut bool) {
	t.Helper()
	dir, once, log := prepared(t), filepath.Join(t.TempDir(), "once"), filepath.Join(t.TempDir(), "log")
	s := open(t, dir, fmt.Sprintf("%s=%d,once=%s,log=%s,%s", fault, n, once, log, server))
	defer s.Close()
	if err := step.call(t.Context(), s); !errors.Is(err, step.want) {
		t.Errorf("after %d bytes: got %v, want %v", n, err, step.want)
	}
	wantWhole(t, dir)
	lines, _ := os.ReadFile(log)
	return bytes.Count(lines, []byte("\n")) > 1
}

// stride returns how many bytes to let pass besides: each byte of the first answers, and then fewer.
func stride(n int) int {
	if testing.Short() {
		return 17 + n/8
	}
	return 7 + n/6
}

// TestCutAlways cuts every connection after some bytes. The calls fail in time, and leave whole objects only.
func TestCutAlways(t *testing.T) {
	t.Parallel()
	for _, step := range steps() {
		t.Run(step.name, func(t *testing.T) {
			t.Parallel()
			for n := 200; n < 1200; n += 150 {
				dir := prepared(t)
				o := options(t, dir, fmt.Sprintf("cut=%d", n))
				o.Patience = 50 * time.Millisecond
				err := step.call(t.Context(), openWith(t, o))
				if err != nil && !errors.Is(err, store.ErrUnreachable) && !errors.Is(err, fs.ErrExist) && !errors.Is(err, step.want) {
					t.Errorf("after %d bytes: got %v, want store.ErrUnreachable", n, err)
				}
				if errors.Is(err, fs.ErrNotExist) && step.want == nil {
					t.Errorf("after %d bytes: %v looks like a missing object", n, err)
				}
				wantWhole(t, dir)
				s := open(t, dir, "") // the next run just works
				if err := step.call(t.Context(), s); !errors.Is(err, step.want) && !errors.Is(err, fs.ErrExist) && step.name != "list" {
					t.Errorf("after %d bytes, the next run: %v, want %v", n, err, step.want)
				}
				if _, err := s.Clean(t.Context(), time.Now().Add(time.Hour)); err != nil {
					t.Error(err)
				}
				if left, _ := os.ReadDir(filepath.Join(dir, ".tmp")); len(left) != 0 {
					t.Errorf("after Clean there is %v", left)
				}
				s.Close()
			}
		})
	}
}

// prepared returns a folder with the object meta/old.
func prepared(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	s, err := local.Open(dir)
	if err == nil {
		err = errors.Join(s.Put(t.Context(), "meta/old", content), s.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// wantWhole fails if the folder shows an object that is not whole.
func wantWhole(t testing.TB, dir string) {
	t.Helper()
	for _, file := range files(t, dir) {
		b, err := os.ReadFile(file)
		if !strings.Contains(file, "/.tmp/") && (err != nil || !bytes.Equal(b, content)) {
			t.Errorf("%s has %d bytes, %v, want the whole object", file, len(b), err)
		}
	}
}

// TestNoConnection lets ssh fail in all ways. The error says why, and comes soon.
func TestNoConnection(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		faults string
		want   error
		away   bool // the store counts as unreachable
		words  string
	}{
		{"deny", ssh.ErrLogin, false, "Permission denied (publickey,password)"},
		{"changed", ssh.ErrHostKey, false, "strict checking"},
		{"unknown", ssh.ErrUnknownHost, false, "No ED25519 host key is known"},
		{"refused", ssh.ErrUnreachable, true, "Connection refused"},
		{"resolve", ssh.ErrUnreachable, true, "Could not resolve"},
		{"banner=Welcome to db1!^", ssh.ErrChatter, false, `"Welcome to db1!"`},
		{"banner=tip", ssh.ErrChatter, false, `"tip`},
		{"hang", ssh.ErrSilent, true, "300ms"},
		{"freeze=100", ssh.ErrSilent, true, ""},
		{"freeze=700", ssh.ErrSilent, true, ""},
		{"cut=100", ssh.ErrUnreachable, true, "Broken pipe"},
		{"forced=echo no sftp here >&2; exit 127", ssh.ErrNoCommand, false, "no sftp here"},
	} {
		t.Run(tt.faults, func(t *testing.T) {
			t.Parallel()
			o := options(t, prepared(t), tt.faults)
			o.Patience = 100 * time.Millisecond
			if tt.want == ssh.ErrSilent { // the others answer, after however long on a busy machine
				o.SSH.Patience = 300 * time.Millisecond
			}
			_, err := openWith(t, o).Get(t.Context(), "meta/old", 0, -1)
			if !errors.Is(err, tt.want) || errors.Is(err, store.ErrUnreachable) != tt.away || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("got %v, want %v with %q", err, tt.want, tt.words)
			}
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v looks like a missing object", err)
			}
		})
	}
	o := options(t, t.TempDir(), "")
	o.SSH.Program = "no-such-ssh"
	if err := openWith(t, o).Put(t.Context(), "meta/a", nil); !errors.Is(err, ssh.ErrNoProgram) {
		t.Errorf("got %v, want %v", err, ssh.ErrNoProgram)
	}
}

// TestCancelled cancels calls of a server that has stopped to answer, and lets others go on with a new connection.
func TestCancelled(t *testing.T) {
	t.Parallel()
	once := filepath.Join(t.TempDir(), "once")
	s := open(t, prepared(t), "freeze=100,once="+once)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := s.Get(ctx, "meta/old", 0, -1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, err := s.Get(t.Context(), "meta/old", 0, -1); err != nil {
		t.Error(err)
	}
}

// TestClosed uses a store after Close.
func TestClosed(t *testing.T) {
	t.Parallel()
	s := open(t, prepared(t), "")
	if _, err := s.Get(t.Context(), "meta/old", 0, -1); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if _, err := s.Get(t.Context(), "meta/old", 0, -1); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want an error of a closed store", err)
	}
}
