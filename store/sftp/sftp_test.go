package sftp_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firn/internal/sshtest"
	"firn/ssh"
	"firn/store"
	"firn/store/sftp"
	"firn/store/storetest"
)

// TestMain serves SFTP if the stand-in for ssh has started this program for that. Else it runs more tests at once than usual:
// most of their time they wait for connections and need no processor.
func TestMain(m *testing.M) {
	if fault := os.Getenv(hostileEnv); fault != "" {
		os.Exit(serveHostile(fault))
	}
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", "16"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// TestStore tests the store's contract on OpenSSH's server.
func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) store.Store { return open(t, t.TempDir(), "") })
}

// options returns options for a folder of this host, which the stand-in reaches with faults, see its documentation.
func options(t testing.TB, dir, faults string) sftp.Options {
	t.Helper()
	return sftp.Options{
		Location: sftp.Location{Host: ssh.Host{Name: "backup@db1"}, Path: dir},
		SSH:      sshtest.Options(t, faults),
		Patience: 10 * time.Second,
	}
}

// open opens a folder of this host by SFTP.
func open(t testing.TB, dir, faults string) *sftp.Store {
	t.Helper()
	return openWith(t, options(t, dir, faults))
}

func openWith(t testing.TB, o sftp.Options) *sftp.Store {
	t.Helper()
	s := sftp.Open(o)
	t.Cleanup(func() { s.Close() })
	return s
}

// files returns the paths of all files below a folder.
func files(t testing.TB, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
