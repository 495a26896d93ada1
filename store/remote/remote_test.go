package remote_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"firn/internal/sshtest"
	"firn/serve"
	"firn/ssh"
	"firn/store"
	"firn/store/remote"
	"firn/store/storetest"
	"firn/store/wire"
)

// serveVariable makes the test's program a server: its value has the folder, and the rules as words.
const serveVariable = "FIRN_TEST_SERVE"

func TestMain(m *testing.M) {
	if folder, ok := os.LookupEnv(serveVariable); ok {
		os.Exit(serveFolder(folder))
	}
	os.Exit(m.Run())
}

// serveFolder offers a folder: the one that is given, or else the one that the command line names.
func serveFolder(folder string) int {
	o := serve.StoreOptions{Dir: folder, Home: os.Getenv("FIRN_TEST_HOME"), AppendOnly: os.Getenv("FIRN_TEST_APPEND") != "", Tool: "test"}
	o.Quota, _ = strconv.ParseInt(os.Getenv("FIRN_TEST_QUOTA"), 10, 64)
	if folder == "" {
		o.Dir = os.Args[len(os.Args)-1]
	}
	if err := serve.Store(context.Background(), os.Stdin, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "firn:", err)
		return 1
	}
	return 0
}

// command returns the command that runs the server, with more variables of its environment.
func command(variables ...string) string {
	return strings.Join(append(variables, serveVariable+"= ", ssh.Quote(os.Args[0])), " ")
}

// forced returns the fault that forces the server of a folder.
func forced(folder string, variables ...string) string {
	return "forced=" + strings.Join(append(variables, serveVariable+"="+ssh.Quote(folder), ssh.Quote(os.Args[0])), " ")
}

const patience = 50 * time.Millisecond

// open opens a folder by the stand-in for ssh.
func open(t testing.TB, folder, faults string) *remote.Store {
	t.Helper()
	return openWith(t, remote.Options{Folder: folder, SSH: sshtest.Options(t, faults)})
}

func openWith(t testing.TB, o remote.Options) *remote.Store {
	t.Helper()
	o.Host, o.Location, o.Version = ssh.Host{Name: "app@db1"}, "ssh://app@db1"+o.Folder, "here"
	if o.Firn == "" {
		o.Firn = command()
	}
	if o.Patience == 0 {
		o.Patience = patience
	}
	s := remote.Open(o)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) store.Store { return open(t, t.TempDir(), "") })
}

// list returns the names of all objects.
func list(t testing.TB, s store.Store) (names []string, err error) {
	t.Helper()
	for o, err := range s.List(t.Context(), "") {
		if err != nil {
			return nil, err
		}
		names = append(names, o.Name)
	}
	return names, nil
}

// work does some of everything, and checks each answer.
func work(ctx context.Context, s store.Store) error {
	body := bytes.Repeat([]byte("firn"), 100)
	err := errors.Join(s.Put(ctx, "config", body), s.Put(ctx, "packs/00/aa", nil), s.Put(ctx, "meta/a", body))
	got, getErr := s.Get(ctx, "config", 2, 7)
	if err = errors.Join(err, getErr); err == nil && string(got) != "rnfirnf" {
		err = fmt.Errorf("got %q", got)
	}
	if err := errors.Join(err, s.Delete(ctx, "meta/a")); err != nil {
		return err
	}
	names := ""
	for o, err := range s.List(ctx, "") {
		if err != nil {
			return err
		}
		names += " " + o.Name
	}
	if names != " config packs/00/aa" {
		return errors.New("listed:" + names)
	}
	return nil
}

// TestPlaces asks a forced command for places.
func TestPlaces(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	for _, folder := range []string{filepath.Join(dir, "with space"), filepath.Join(dir, "Links"), filepath.Join(other, "dir")} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.Symlink(other, filepath.Join(dir, "Links", "out")), os.Symlink(dir, link), os.WriteFile(filepath.Join(dir, "File"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		served, wanted string
		want           error
	}{
		{dir, dir, nil},
		{dir, dir + "/with space", nil},
		{dir, dir + "/missing/one", wire.ErrNoPlace},
		{dir, "~", nil},
		{dir, "~/with space", nil},
		{link, link, nil},
		{link, dir, nil},
		{link, link + "/with space", nil},
		{dir, filepath.Dir(dir), store.ErrDenied},
		{dir, dir + "x", store.ErrDenied},
		{dir, "/", store.ErrDenied},
		{dir, other, store.ErrDenied},
		{dir, dir + "/../" + filepath.Base(dir), store.ErrDenied},
		{dir, dir + "/with space/../../x", store.ErrDenied},
		{dir, "relative", store.ErrDenied},
		{dir, "~/../x", store.ErrDenied},
		{dir, dir + "/Links/out", store.ErrDenied},
		{dir, dir + "/Links/out/dir", store.ErrDenied},
		{dir, dir + "/File", store.ErrDenied},
		{dir + "/absent", dir + "/absent", wire.ErrNoPlace},
	} {
		s := open(t, tt.wanted, forced(tt.served, "FIRN_TEST_HOME="+ssh.Quote(dir)))
		_, listErr := list(t, s)
		if tt.want == nil && listErr != nil || !errors.Is(listErr, tt.want) || errors.Is(listErr, fs.ErrNotExist) != errors.Is(tt.want, wire.ErrNoPlace) {
			t.Errorf("%s for %s: got %v, want %v", tt.wanted, tt.served, listErr, tt.want)
		}
		if err := s.Create(t.Context()); tt.want == store.ErrDenied && !errors.Is(err, tt.want) {
			t.Errorf("create %s for %s: got %v, want %v", tt.wanted, tt.served, err, tt.want)
		}
		s.Close()
	}
	for _, folder := range []string{"with space", "missing/one", "missing"} { // they were made, or were there
		if info, err := os.Stat(filepath.Join(dir, folder)); err != nil || !info.IsDir() {
			t.Errorf("%s: %v", folder, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Join(other, "dir")); err != nil || len(entries) > 0 {
		t.Errorf("outside: got %v, %v", entries, err)
	}
}

// TestAppendOnly attacks a place that only grows over two connections at once.
func TestAppendOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := open(t, dir, forced(dir, "FIRN_TEST_APPEND=1")), open(t, dir, forced(dir, "FIRN_TEST_APPEND=1"))
	var putting sync.WaitGroup
	for i := range 10 {
		for _, s := range []*remote.Store{a, b} {
			putting.Go(func() {
				if err := s.Put(t.Context(), fmt.Sprintf("meta/%d", i), []byte("x")); err != nil && !errors.Is(err, fs.ErrExist) {
					t.Error(err)
				}
			})
		}
	}
	putting.Wait()
	_, cleanErr := a.Clean(t.Context(), time.Now())
	for _, err := range []error{a.Delete(t.Context(), "meta/0"), b.Delete(t.Context(), "nothing"), cleanErr} {
		if !errors.Is(err, store.ErrDenied) || !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "only grows") {
			t.Errorf("got %v, want %v", err, store.ErrDenied)
		}
	}
	if names, err := list(t, a); err != nil || len(names) != 10 {
		t.Errorf("got %v, %v", names, err)
	}
}

// TestQuota fills a place.
func TestQuota(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, forced(dir, "FIRN_TEST_QUOTA=100000"))
	var err error
	for i := 0; err == nil && i < 100; i++ {
		err = s.Put(t.Context(), fmt.Sprintf("packs/%d", i), make([]byte, 30_000))
	}
	if !errors.Is(err, store.ErrNoSpace) || !strings.Contains(err.Error(), "quota of 100000 bytes") {
		t.Errorf("got %v, want %v", err, store.ErrNoSpace)
	}
	if names, err := list(t, s); err != nil || len(names) != 3 && len(names) != 2 {
		t.Errorf("got %v, %v", names, err)
	}
	if room, err := s.Space(t.Context()); err != nil || room.Total != 100_000 || room.Free > 50_000 {
		t.Errorf("room: got %+v, %v", room, err)
	}
}

// TestParse reads locations.
func TestParse(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]string{
		"ssh://u@h/srv/firn":         "ssh://u@h/srv/firn",
		"ssh://u@h:22//srv//firn/":   "ssh://u@h:22/srv/firn",
		"ssh://h/~/backups":          "ssh://h/~/backups",
		"ssh://h/with%20space/ünter": "ssh://h/with%20space/%C3%BCnter",
		"ssh://h/a/../b":             "",
		"ssh://h/..":                 "",
		"ssh://h/~other/x":           "",
		"ssh://h":                    "",
		"ssh://u:secret@h/x":         "",
		"ssh://-oProxyCommand=x/y":   "",
	} {
		got, err := remote.Kind{}.Parse(location, "")
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", location, got, err, want)
		}
		if err == nil {
			if again, err := (remote.Kind{}).Parse(got, ""); err != nil || again != got {
				t.Errorf("%s: is read as %q, %v", got, again, err)
			}
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}

// TestClosed uses a store after its end.
func TestClosed(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), "")
	if _, err := list(t, s); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if _, err := list(t, s); err == nil {
		t.Error("a closed store lists")
	}
}

// TestCancelled gives up a call. The connection serves the next one.
func TestCancelled(t *testing.T) {
	t.Parallel()
	o := sshtest.Options(t, "log="+filepath.Join(t.TempDir(), "log"))
	s := openWith(t, remote.Options{Folder: t.TempDir(), SSH: o})
	if _, err := list(t, s); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if err := s.Put(ctx, "meta/a", make([]byte, 1<<20)); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, fs.ErrExist) {
			t.Error(err)
		}
	}
	if _, err := list(t, s); err != nil {
		t.Error(err)
	}
	b, err := os.ReadFile(strings.TrimPrefix(o.Options[0], "-oFirnTest=log="))
	if n := strings.Count(string(b), "\n"); err != nil || n != 1 {
		t.Errorf("%d connections, %v, want one", n, err)
	}
}

// BenchmarkPut stores packs.
func BenchmarkPut(b *testing.B) {
	s := open(b, b.TempDir(), "")
	body := make([]byte, 16<<20)
	b.SetBytes(int64(len(body)))
	n := 0
	for b.Loop() {
		n++
		if err := s.Put(b.Context(), fmt.Sprintf("packs/%d", n), body); err != nil {
			b.Fatal(err)
		}
	}
}
