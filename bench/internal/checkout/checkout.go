// Package checkout finds and builds the tree that the benchmark belongs to.
package checkout

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// name is the folder of the benchmark's module, below firn's.
const name = "bench"

// BuildFirn builds firn from the tree and writes the program to path. The program's
// version names the commit. The working directory must be inside the benchmark's module,
// as under go run -C.
func BuildFirn(ctx context.Context, path string) error {
	dir, err := root(ctx)
	if err != nil {
		return err
	}
	cmd, err := output(ctx, dir, "go", "list", "./cmd")
	if err != nil {
		return err
	}
	return build(ctx, dir, "./cmd/firn", path, "-ldflags", "-X "+cmd+".version="+revision(ctx, dir))
}

// Installed returns the folder that bench/install installs programs into.
func Installed(ctx context.Context) (string, error) {
	dir, err := root(ctx)
	return filepath.Join(dir, ".cache", name), err
}

// BuildBench builds the benchmark, as [BuildFirn] builds firn. Other commands use its workload.
func BuildBench(ctx context.Context, path string) error {
	dir, err := root(ctx)
	if err != nil {
		return err
	}
	return build(ctx, filepath.Join(dir, name), ".", path)
}

// BuildStandIn builds the stand-in for ssh of the tests, as [BuildFirn] builds firn. Its name must be ssh.
func BuildStandIn(ctx context.Context, path string) error {
	root, err := root(ctx)
	if err != nil {
		return err
	}
	return build(ctx, root, "./internal/sshtest/stand-in", path)
}

// root returns the folder of firn's module.
func root(ctx context.Context) (string, error) {
	file, err := output(ctx, "", "go", "env", "GOMOD")
	if err != nil {
		return "", err
	}
	dir := filepath.Dir(file)
	if filepath.Base(dir) != name {
		return "", fmt.Errorf("the working directory is outside of the benchmark's module: use go run -C %s", name)
	}
	return filepath.Dir(dir), nil
}

// revision names the commit of the tree, as the Makefile does.
func revision(ctx context.Context, root string) string {
	commit, err := output(ctx, root, "git", "describe", "--tags", "--always", "--dirty")
	if err != nil {
		return "unknown"
	}
	return commit
}

// build builds a package. Its name is relative to dir.
func build(ctx context.Context, dir, pkg, path string, flags ...string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	args := append([]string{"build", "-trimpath", "-o", path}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// output runs a program and returns its output without the end of the line.
func output(ctx context.Context, dir, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run %s: %w", cmd, err)
	}
	return strings.TrimSpace(string(out)), nil
}
