package repo_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firn/internal/sshtest"
	"firn/repo"
	"firn/ssh"
	"firn/store"
	"firn/store/local"
	"firn/store/sftp"
)

// openHost opens a folder of this host by SFTP, with faults of the stand-in for ssh.
func openHost(t testing.TB, dir, faults string, patience time.Duration) *sftp.Store {
	t.Helper()
	st := sftp.Open(sftp.Options{
		Location: sftp.Location{Host: ssh.Host{Name: "db1"}, Path: dir}, SSH: sshtest.Options(t, faults), Patience: patience,
	})
	t.Cleanup(func() { st.Close() })
	return st
}

func openFolder(t testing.TB, dir string) *local.Store {
	t.Helper()
	st, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// TestFaultyHost runs a repository's life by way of connections that break off again and again. No call of the life needs
// more bytes than a connection passes on.
func TestFaultyHost(t *testing.T) {
	t.Parallel()
	for i, faults := range []string{"cutin=800000", "cut=700000,cutin=850000"} {
		t.Run(fmt.Sprint(i), func(t *testing.T) { // a name with a comma would be in the paths that the faults name
			t.Parallel()
			dir, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
			liveIn(t, openHost(t, dir, faults+",log="+log, 0), openFolder(t, dir))
			if lines, err := os.ReadFile(log); err != nil || bytes.Count(lines, []byte("\n")) < 3 {
				t.Errorf("got connections %q, %v, want several", lines, err)
			}
		})
	}
}

// TestLostHost loses the host in the middle of a backup or a prune, after some bytes from it or to it: the error says so,
// nothing is lost, nothing half-written is shown, and the next run goes well.
func TestLostHost(t *testing.T) {
	t.Parallel()
	for _, op := range []operation{
		{"backup", twoSnapshots, backupOf(next, repo.BackupOptions{})},
		{"sweep", condemnedPack, pruneNow},
		{"repack", wastefulPack, pruneNow},
	} {
		prepared := newWorld(t)
		op.prepare(t, prepared)
		for _, fault := range []string{"cut", "cutin"} {
			t.Run(op.name+"/"+fault, func(t *testing.T) {
				t.Parallel()
				for n := 100; op.loseHost(t, prepared, fmt.Sprintf("%s=%d", fault, n)); n += 150*stride() + n/8 {
				}
			})
		}
	}
}

// loseHost runs the operation with a first connection that has a fault, and no second one. It reports whether the fault was
// met.
func (op operation) loseHost(t *testing.T, prepared *world, fault string) (hit bool) {
	t.Helper()
	dir, first := t.TempDir(), filepath.Join(t.TempDir(), "first")
	layOut(t, prepared.st, dir)
	w := &world{images: maps.Clone(prepared.images)}
	once := fmt.Sprintf("%s,forced=test ! -e %[2]s && touch %[2]s && exec %[3]s; exit 255", fault, first, sftpServer())
	st := openHost(t, dir, once, 20*time.Millisecond)
	err := op.start(t.Context(), w, st)
	st.Close()
	if hit = err != nil; hit && !errors.Is(err, store.ErrUnreachable) {
		t.Errorf("%s: got %v, want store.ErrUnreachable", fault, err)
	}
	direct := openFolder(t, dir)
	soundWithout(t, w, direct)
	w.images[take(t, open(t, direct), "production", tiny).ID] = tiny
	for range 2 {
		pruneWith(t, open(t, direct), repo.PruneOptions{OrphanAge: -1})
	}
	soundWithout(t, w, direct)
	return hit
}

// sftpServer returns the path of OpenSSH's server.
func sftpServer() string {
	for _, path := range []string{"/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return "sftp-server"
}
