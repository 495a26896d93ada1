package ssh_test

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"firn/internal/sshtest"
	"firn/ssh"
)

var db1 = ssh.Host{Name: "app@db1"}

// TestCommand talks to a program, whose words come through as they are.
func TestCommand(t *testing.T) {
	t.Parallel()
	words := []string{"plain", "with space", "", "it's", `a"b$c\d`, "*", "~", "-x", "ü"}
	c, err := ssh.Command(db1, "printf '%s|'", words, sshtest.Options(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := io.ReadAll(c)
	if want := strings.Join(words, "|") + "|"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// TestBothWays checks that what is written comes back, and that the end of the input ends the program.
func TestBothWays(t *testing.T) {
	t.Parallel()
	c, err := ssh.Command(db1, "cat", nil, sshtest.Options(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "hello" {
		t.Errorf("got %q, %v", b, err)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	select {
	case <-c.Ended():
	default:
		t.Error("ssh runs on after Close")
	}
}

// TestExplain has the connection fail in each way.
func TestExplain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		faults, command string
		want            error
		words           string
	}{
		{"deny", "cat", ssh.ErrLogin, "Permission denied (publickey,password)"},
		{"deny", "cat", fs.ErrPermission, ""},
		{"changed", "cat", ssh.ErrHostKey, "strict checking"},
		{"unknown", "cat", ssh.ErrUnknownHost, "No ED25519 host key is known for db1"},
		{"refused", "cat", ssh.ErrUnreachable, "Connection refused"},
		{"resolve", "cat", ssh.ErrUnreachable, "Could not resolve"},
		{"cut=3", "echo hello; cat", ssh.ErrUnreachable, "Broken pipe"},
		{"", "no-such-program-at-all", ssh.ErrNoCommand, "not found"},
		{"", "echo firn: no room >&2; exit 7", ssh.ErrEnded, "firn: no room"},
		{"", "exit 0", ssh.ErrEnded, "EOF"},
	} {
		t.Run(tt.faults+tt.command, func(t *testing.T) {
			t.Parallel()
			c, err := ssh.Command(db1, tt.command, nil, sshtest.Options(t, tt.faults))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			err = c.Await(t.Context().Done(), func() error { _, err := io.ReadFull(c, make([]byte, 100)); return err })
			err = c.Explain(err)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.words) || !strings.Contains(err.Error(), "app@db1") {
				t.Errorf("got %v, want %v with %q", err, tt.want, tt.words)
			}
		})
	}
}

// TestSilence waits for an answer that does not come, and then for one that was stopped.
func TestSilence(t *testing.T) {
	t.Parallel()
	read := func(c *ssh.Conn, done <-chan struct{}) error {
		return c.Explain(c.Await(done, func() error { _, err := io.ReadFull(c, make([]byte, 100)); return err }))
	}
	for _, faults := range []string{"hang", "freeze=2"} {
		o := sshtest.Options(t, faults)
		o.Patience = 50 * time.Millisecond
		c, err := ssh.Command(db1, "echo hello; cat", nil, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := read(c, t.Context().Done()); !errors.Is(err, ssh.ErrSilent) {
			t.Errorf("%s: got %v, want %v", faults, err, ssh.ErrSilent)
		}
		c.Close()
	}
	c, err := ssh.Command(db1, "cat", nil, sshtest.Options(t, "hang"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	done := make(chan struct{})
	close(done)
	if err := read(c, done); err == nil {
		t.Error("reading goes on after it was called off")
	}
}

func TestNoProgram(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"/no/such/ssh", "no-such-ssh"} {
		if _, err := ssh.Command(db1, "cat", nil, ssh.Options{Program: program}); !errors.Is(err, ssh.ErrNoProgram) {
			t.Errorf("%s: got %v, want %v", program, err, ssh.ErrNoProgram)
		}
	}
}
