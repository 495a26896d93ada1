//go:build linux

package cmd

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/outcome"
)

// deadServer returns a folder of a file system that never answers, as if its file server were gone.
func deadServer(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	server, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("needs FUSE: %v", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", server.Fd())
	if err := syscall.Mount("dead", dir, "fuse", syscall.MS_NOSUID|syscall.MS_NODEV, options); err != nil {
		server.Close()
		t.Skipf("needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		server.Close() // calls that hang fail now
		syscall.Unmount(dir, syscall.MNT_DETACH|syscall.MNT_FORCE)
	})
	return dir
}

// runOverDeadServer runs firn for two environments. The file system of the first one's database
// does not answer.
func runOverDeadServer(t *testing.T, ctx context.Context, silence time.Duration) (code int, output string) {
	t.Helper()
	dir, dead := t.TempDir(), deadServer(t)
	living := filepath.Join(dir, "living.db")
	dbtest.Create(t, living, dbtest.Options{WAL: true})
	config := filepath.Join(dir, "firn.toml")
	text := fmt.Sprintf("repository = %q\nkey_file = %q\n[env.dead]\ndatabase = %q\n[env.living]\ndatabase = %q\n",
		filepath.Join(dir, "repo"), filepath.Join(dir, "key"), filepath.Join(dead, "app.db"), living)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := newCLI(Streams{In: strings.NewReader(""), Out: &out, Err: &out})
	c.program.Silence = silence
	common := []string{"--config", config, "--cache-dir", filepath.Join(dir, "cache")}
	if code := c.run(t.Context(), append(common, "init")); code != 0 {
		t.Fatalf("init: exit code %d\n%s", code, &out)
	}
	out.Reset()
	return c.run(ctx, append(common, "backup", "--all")), out.String()
}

func TestDeadServer(t *testing.T) {
	t.Parallel()
	code, output := runOverDeadServer(t, t.Context(), 100*time.Millisecond)
	if code != outcome.CodePartly || !strings.Contains(output, "dead: the file system does not answer") || !strings.Contains(output, " living: snapshot ") {
		t.Errorf("got exit code %d, want %d, and a snapshot of the other environment:\n%s", code, outcome.CodePartly, output)
	}
}

func TestDeadServerInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if code, output := runOverDeadServer(t, ctx, time.Hour); code != outcome.CodeInterrupted {
		t.Errorf("got exit code %d, want %d\n%s", code, outcome.CodeInterrupted, output)
	}
}
