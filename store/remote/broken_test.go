package remote_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/internal/sshtest"
	"firn/pipe"
	"firn/ssh"
	"firn/store"
	"firn/store/remote"
)

// TestCut breaks the first connection after each number of bytes, in each direction. The work goes on over a second one.
func TestCut(t *testing.T) {
	t.Parallel()
	whole := open(t, t.TempDir(), "")
	if err := work(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	traffic := whole.Traffic()
	if traffic.Requests() != 6 {
		t.Errorf("got %+v, want 6 requests", traffic)
	}
	step := int64(1)
	if testing.Short() {
		step = 31
	}
	for fault, bytes := range map[string]int64{"cut": traffic.Received, "cutin": traffic.Sent} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			for n := int64(0); n <= bytes; n += step + n/16 {
				once := filepath.Join(t.TempDir(), "once")
				s := openWith(t, remote.Options{Folder: t.TempDir(), SSH: sshtest.Options(t, fmt.Sprintf("%s=%d,once=%s", fault, n, once)), Patience: time.Hour})
				if err := work(t.Context(), s); err != nil {
					t.Errorf("after %d bytes: %v", n, err)
				}
				s.Close()
			}
		})
	}
}

// TestBroken has connections that break or freeze again and again, until the patience ends. Each object is whole then, or missing.
func TestBroken(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]error{"cut=40": ssh.ErrUnreachable, "cutin=200": ssh.ErrUnreachable, "freeze=40": ssh.ErrSilent, "freeze=0": ssh.ErrSilent, "hang": ssh.ErrSilent} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			folder, o := t.TempDir(), sshtest.Options(t, fault)
			if want == ssh.ErrSilent {
				o.Patience = 100 * time.Millisecond
			}
			s := openWith(t, remote.Options{Folder: folder, SSH: o})
			err := s.Put(t.Context(), "meta/a", make([]byte, 5000))
			if !errors.Is(err, want) || !errors.Is(err, store.ErrUnreachable) {
				t.Errorf("got %v, want %v", err, want)
			}
			for _, err := range s.List(t.Context(), "") {
				if errors.Is(err, fs.ErrNotExist) {
					t.Errorf("list: %v", err)
				}
			}
			sound := open(t, folder, "")
			if b, err := sound.Get(t.Context(), "meta/a", 0, -1); len(b) != 5000 && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %d bytes, %v", len(b), err)
			}
		})
	}
}

// TestFrozenOnce freezes the first connection for good. The work goes on over a second one.
func TestFrozenOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 10, 100, 200, 400} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			o := sshtest.Options(t, fmt.Sprintf("freeze=%d,once=%s", n, filepath.Join(t.TempDir(), "once")))
			o.Patience = 3 * time.Second // more than the second connection takes on a busy machine
			s := openWith(t, remote.Options{Folder: t.TempDir(), SSH: o, Patience: time.Hour})
			if err := work(t.Context(), s); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNoConnection has faults that a person must repair. Each is told at once, by its cause.
func TestNoConnection(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, faults, firn string
		want               error
		words              string
	}{
		{"Login", "deny", "", ssh.ErrLogin, "publickey"},
		{"Changed", "changed", "", ssh.ErrHostKey, ""},
		{"Unknown", "unknown", "", ssh.ErrUnknownHost, ""},
		{"NoFirn", "", "no-such-firn", ssh.ErrNoCommand, "not found"},
		{"Banner", "banner=Welcome to db1^", "", ssh.ErrChatter, `"Welcome to db1"`},
		{"Shell", "forced=echo This account is currently not available.; exit 1", "", ssh.ErrChatter, "not available"},
		{"SFTPOnly", "forced=echo This service allows sftp connections only. >&2; exit 1", "", ssh.ErrNoCommand, "sftp"},
		{"Older", `forced=echo firn: unknown command \"store\" >&2; exit 2`, "", ssh.ErrEnded, `unknown command "store"`},
		{"Newer", "forced=echo firn store 2 9.1.0; cat >/dev/null", "", pipe.ErrProtocol, "update firn on this host"},
		{"Agent", "forced=echo firn agent 1 9.1.0; cat >/dev/null", "", pipe.ErrService, "agent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := openWith(t, remote.Options{Folder: t.TempDir(), Firn: tt.firn, SSH: sshtest.Options(t, tt.faults), Patience: time.Hour})
			_, err := list(t, s)
			if !errors.Is(err, tt.want) || !errors.Is(err, store.ErrUnreachable) || !strings.Contains(err.Error(), tt.words) || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v, want %v with %q", err, tt.want, tt.words)
			}
			if n := s.Traffic().Requests(); n != 1 {
				t.Errorf("%d requests, want one", n)
			}
		})
	}
	s := openWith(t, remote.Options{Folder: "/srv", SSH: ssh.Options{Program: "/no/such/ssh"}})
	if _, err := list(t, s); !errors.Is(err, ssh.ErrNoProgram) {
		t.Errorf("got %v, want %v", err, ssh.ErrNoProgram)
	}
}
