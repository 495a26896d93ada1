package scratch_test

import (
	"bufio"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"firn/scratch"
)

// TestMain is also the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("FIRN_TEST_LEAVE_BEHIND"); dir != "" {
		leaveBehind(dir)
	}
	os.Exit(m.Run())
}

// leaveBehind makes a private folder, prints the path of a file in it, and waits to be killed.
func leaveBehind(dir string) {
	f, err := scratch.Make(dir)
	if err != nil {
		panic(err)
	}
	path, err := f.Create("copy.db", func(file *os.File) error { _, err := file.WriteString("secret"); return err })
	if err != nil {
		panic(err)
	}
	if _, err := os.Stdout.WriteString(path + "\n"); err != nil {
		panic(err)
	}
	_, _ = os.Stdin.Read(make([]byte, 1))
}

// killed has a process make a folder in dir, and returns the path of its file and a function that kills it.
func killed(t *testing.T, dir string) (path string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "FIRN_TEST_LEAVE_BEHIND="+dir)
	stdin, err := cmd.StdinPipe() // the pipe stays open
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close() })
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line[:len(line)-1], func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // its error says that the process was killed
	}
}

func TestFolderIsPrivateAndGoesWithRemove(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := scratch.Make(dir)
	if err != nil {
		t.Fatal(err)
	}
	path, err := f.Create("image", func(*os.File) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]fs.FileMode{filepath.Dir(path): 0o700, path: 0o600} {
		if info, err := os.Stat(p); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != want {
			t.Errorf("%s: got %v, %v, want mode %o", p, info, err, want)
		}
	}
	if _, err := f.Create("image", func(*os.File) error { return nil }); err == nil {
		t.Error("a second file of the same name: got no error")
	}
	for range 2 {
		if err := f.Remove(); err != nil {
			t.Error(err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("got %v, want nothing left", left)
	}
}

func TestSweepTakesWhatAKilledProcessLeft(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("folders cannot be locked there: only their age tells")
	}
	dir := t.TempDir()
	path, kill := killed(t, dir)
	later := time.Now().Add(72 * time.Hour)
	if got, err := scratch.Sweep(dir, later, 0); len(got) != 0 || err != nil {
		t.Errorf("while it lives: got %v, %v, want nothing", got, err)
	}
	kill()
	if got, err := scratch.Sweep(dir, time.Now(), time.Hour); len(got) != 0 || err != nil {
		t.Errorf("written to just now: got %v, %v, want nothing", got, err)
	}
	got, err := scratch.Sweep(dir, later, time.Hour)
	if want := []string{filepath.Base(filepath.Dir(path))}; !slices.Equal(got, want) || err != nil {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("got %v, want nothing left", left)
	}
}

// A disk that other machines share may show no locks. So a folder with a recent write stays, but not for ever.
func TestSweepTakesAnOldFolderWithAYoungFile(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("folders cannot be locked there")
	}
	dir := t.TempDir()
	path, kill := killed(t, dir)
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(filepath.Dir(path), old, old); err != nil {
		t.Fatal(err)
	}
	if got, err := scratch.Sweep(dir, time.Now(), time.Hour); len(got) != 0 || err != nil {
		t.Errorf("while it lives: got %v, %v, want nothing", got, err)
	}
	kill()
	if got, err := scratch.Sweep(dir, time.Now(), time.Hour); len(got) != 1 || err != nil {
		t.Errorf("got %v, %v, want the one folder", got, err)
	}
}

// Names that other programs and people give, folders of other users, and links stay.
func TestSweepTakesNothingElse(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	kept := filepath.Join(elsewhere, "kept")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".firn-", ".firn-12a", "firn-123", ".firn-app.db-123"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, ".firn-123"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(dir, ".firn-456")); err != nil {
		t.Fatal(err)
	}
	want := 6
	if os.Getuid() == 0 {
		foreign := filepath.Join(dir, ".firn-789")
		if err := os.Mkdir(foreign, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(foreign, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		want++
	}
	got, err := scratch.Sweep(dir, time.Now().Add(72*time.Hour), 0)
	if len(got) != 0 || err != nil {
		t.Errorf("got %v, %v, want nothing", got, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != want {
		t.Errorf("got %d left, %v, want %d", len(left), err, want)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("behind a link: %v", err)
	}
	if got, err := scratch.Sweep(filepath.Join(dir, "missing"), time.Now(), 0); len(got) != 0 || err != nil {
		t.Errorf("missing: got %v, %v, want nothing", got, err)
	}
}

// A link in a folder is not followed when the folder is removed.
func TestSweepFollowsNoLinkInside(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	inside := filepath.Join(dir, ".firn-123")
	if err := os.Mkdir(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(elsewhere, "kept"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(inside, "link")); err != nil {
		t.Fatal(err)
	}
	if got, err := scratch.Sweep(dir, time.Now().Add(72*time.Hour), 0); len(got) > 0 || err != nil {
		t.Errorf("got %v, %v, of a folder that was given the name", got, err)
	}
	if err := os.WriteFile(filepath.Join(inside, ".firn"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := scratch.Sweep(dir, time.Now().Add(72*time.Hour), 0); len(got) != 1 || err != nil {
		t.Errorf("got %v, %v, want the one folder", got, err)
	}
	if _, err := os.Stat(filepath.Join(elsewhere, "kept")); err != nil {
		t.Error(err)
	}
}

// Folders are made and swept at the same time, as by runs that begin together.
func TestMakeWhileOthersSweep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = scratch.Sweep(dir, time.Now().Add(time.Hour), 0)
			}
		}
	}()
	for range 300 {
		f, err := scratch.Make(dir)
		if err != nil {
			t.Error(err)
			break
		}
		if _, err := f.Create("a", func(*os.File) error { return nil }); err != nil {
			t.Errorf("a folder that is in use was swept: %v", err)
		}
		if err := f.Remove(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	<-done
}
