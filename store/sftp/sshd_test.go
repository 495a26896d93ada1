package sftp_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/ssh"
	"firn/store"
	"firn/store/sftp"
	"firn/store/storetest"
)

// sshd is a real ssh server on this host, which ends with the test.
type sshd struct {
	dir  string // keys and configurations
	port int
	user string
}

// startServer starts a server with keys of its own, for the user that runs the test.
func startServer(t *testing.T) *sshd {
	t.Helper()
	program := dbtest.Tool(t, "/usr/sbin/sshd")
	dbtest.Tool(t, "ssh")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	d := &sshd{dir: t.TempDir(), user: me.Username, port: freePort(t)}
	for _, key := range []string{"host", "jump", "other", "login"} {
		d.run(t, dbtest.Tool(t, "ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(d.dir, key))
	}
	d.write(t, "sshd_config", fmt.Sprintf(`ListenAddress 127.0.0.1:%d
HostKey %[2]s/host
AuthorizedKeysFile %[2]s/login.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
AllowTcpForwarding yes
Subsystem sftp internal-sftp
`, d.port, d.dir))
	d.start(t, program)
	d.trust(t, "host")
	return d
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (d *sshd) run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

func (d *sshd) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// start starts the server and waits until it listens.
func (d *sshd) start(t *testing.T, program string) {
	t.Helper()
	if os.Getuid() == 0 {
		_ = os.MkdirAll("/run/sshd", 0o755) // the server wants it; a system without systemd may lack it
	}
	server := exec.Command(program, "-D", "-e", "-f", filepath.Join(d.dir, "sshd_config"))
	log, err := server.StderrPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	lines, said := bufio.NewScanner(log), new(bytes.Buffer)
	for lines.Scan() {
		fmt.Fprintln(said, lines.Text())
		if strings.Contains(lines.Text(), "Server listening on") {
			go func() {
				for lines.Scan() { // so that the server is not held up
				}
			}()
			return
		}
	}
	t.Fatalf("the ssh server does not start:\n%s", said)
}

// trust writes known_hosts with one of the keys.
func (d *sshd) trust(t *testing.T, key string) {
	t.Helper()
	public, err := os.ReadFile(filepath.Join(d.dir, key+".pub"))
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, "known_hosts", fmt.Sprintf("[127.0.0.1]:%d %s", d.port, public))
}

// configure writes a configuration of ssh with the hosts direct and db1, which is behind the host jump. The server
// does not know the key of stranger.
func (d *sshd) configure(t *testing.T) ssh.Options {
	t.Helper()
	d.write(t, "ssh_config", fmt.Sprintf(`Host stranger
	IdentityFile %[3]s/other
Host direct db1 jump
	IdentityFile %[3]s/login
Host db1
	ProxyJump jump
Host *
	HostName 127.0.0.1
	Port %[1]d
	User %[2]s
	IdentitiesOnly yes
	UserKnownHostsFile %[3]s/known_hosts
	GlobalKnownHostsFile /dev/null
	StrictHostKeyChecking yes
`, d.port, d.user, d.dir))
	return ssh.Options{Options: []string{"-F", filepath.Join(d.dir, "ssh_config")}}
}

func (d *sshd) options(t *testing.T, host, dir string) sftp.Options {
	t.Helper()
	return sftp.Options{Location: sftp.Location{Host: ssh.Host{Name: host}, Path: dir}, SSH: d.configure(t), Patience: 2 * time.Second}
}

// TestServer stores on a real server, which is reached through a jump host, and meets the refusals of a real ssh.
func TestServer(t *testing.T) {
	t.Parallel()
	d := startServer(t)
	dir := filepath.Join(t.TempDir(), "with space", "firn")
	s := openWith(t, d.options(t, "db1", dir))
	if _, err := s.Get(t.Context(), "meta/config", 0, -1); !errors.Is(err, store.ErrFolder) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before there is a folder: got %v, want store.ErrFolder", err)
	}
	if err := s.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "packs/00/a", content); err != nil {
		t.Fatal(err)
	}
	if got, err := openWith(t, d.options(t, "direct", dir)).Get(t.Context(), "packs/00/a", 0, -1); err != nil || !bytes.Equal(got, content) {
		t.Errorf("without the jump host: got %d bytes, %v", len(got), err)
	}
	for path, want := range map[string]fs.FileMode{"": 0o700, "packs": 0o700, "packs/00": 0o700, "packs/00/a": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, path)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: got %v, %v, want mode %v", path, info.Mode(), err, want)
		}
	}
}

// TestServerRefuses checks that a host with another key, an unknown host and a user without a key are errors that tell, and
// that none of them waits for a password.
func TestServerRefuses(t *testing.T) {
	t.Parallel()
	d := startServer(t)
	refused := func(host string, want error) {
		t.Helper()
		_, err := openWith(t, d.options(t, host, t.TempDir())).Get(t.Context(), "meta/a", 0, -1)
		if !errors.Is(err, want) || errors.Is(err, store.ErrUnreachable) {
			t.Errorf("%s: got %v, want %v", host, err, want)
		}
	}
	refused("stranger", ssh.ErrLogin)
	d.trust(t, "other")
	refused("direct", ssh.ErrHostKey)
	d.write(t, "known_hosts", "")
	refused("direct", ssh.ErrUnknownHost)
	refused("db1", ssh.ErrUnknownHost)
}

// TestServerContract tests the contract on a real server.
func TestServerContract(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the stand-in runs the same server")
	}
	d := startServer(t)
	o := d.configure(t)
	storetest.Run(t, func(t testing.TB) store.Store {
		return openWith(t, sftp.Options{Location: sftp.Location{Host: ssh.Host{Name: "direct"}, Path: t.TempDir()}, SSH: o})
	})
}
