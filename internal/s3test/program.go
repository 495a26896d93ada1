package s3test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"github.com/gofrs/flock"
)

// programPackage is the server's main package, and pinned finds its version in tools/s3/go.mod.
const (
	programPackage = "github.com/versity/versitygw/cmd/versitygw"
	pinned         = `(?m)^\s*(?:require )?github\.com/versity/versitygw (v\S+)`
)

// Program returns the path of the server's program, in the version that tools/s3/go.mod names. The first call builds the
// program, which takes about a hundred seconds of one core. If several processes need the program, one builds it and the
// others wait. Program must be called in a folder of firn's module, as tests are.
func Program(ctx context.Context) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	version, err := pinnedVersion(root)
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, ".cache", "versitygw-"+version)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fmt.Errorf("make cache: %w", err)
	}
	lock := flock.New(path + ".lock")
	if _, err := lock.TryLockContext(ctx, 50*time.Millisecond); err != nil {
		return "", fmt.Errorf("wait for build of S3 server: %w", err)
	}
	defer lock.Unlock()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err // built while we waited
	}
	return path, build(ctx, root, path)
}

// build builds the program under another name and renames it, so that path never has a half program.
func build(ctx context.Context, root, path string) error {
	dir, err := os.MkdirTemp(filepath.Dir(path), "build-")
	if err != nil {
		return fmt.Errorf("build S3 server: %w", err)
	}
	defer os.RemoveAll(dir)
	built := filepath.Join(dir, "versitygw")
	cmd := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join(root, "tools", "s3"), "-buildvcs=false",
		"-ldflags=-s -w", "-o", built, programPackage)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build S3 server: %w\n%s", err, out)
	}
	if err := os.Rename(built, path); err != nil {
		return fmt.Errorf("build S3 server: %w", err)
	}
	return nil
}

// moduleRoot returns the nearest folder upwards that has tools/s3. The path in the compiled program is of no use, because
// -trimpath removes it.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find tools/s3: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "tools", "s3", "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find tools/s3: not in a folder of firn's module")
		}
		dir = parent
	}
}

func pinnedVersion(root string) (string, error) {
	name := filepath.Join(root, "tools", "s3", "go.mod")
	data, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("read version of S3 server: %w", err)
	}
	match := regexp.MustCompile(pinned).FindSubmatch(data)
	if match == nil {
		return "", fmt.Errorf("read version of S3 server: none in %s", name)
	}
	return string(match[1]), nil
}
