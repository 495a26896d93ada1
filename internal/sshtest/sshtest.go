// Package sshtest has a stand-in for the ssh program, so that tests need no server. It runs the other side's program on this
// host, and breaks off, hangs and chatters as it is told.
package sshtest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"firn/ssh"
)

// Options returns options that run the stand-in with faults, see its documentation; "" for none.
func Options(t testing.TB, faults string) ssh.Options {
	t.Helper()
	return ssh.Options{Program: Program(t), Options: []string{"-oFirnTest=" + faults}}
}

// Program returns the path of the stand-in. The first call builds it. It must be called in a folder of firn's module, as tests
// are. It skips the test on systems without Unix's programs.
func Program(t testing.TB) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for ssh runs programs of Unix")
	}
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// build builds the stand-in, unless that was done from the same source. Several processes may do so at once: the last one's
// file counts.
func build() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(filepath.Join(root, "internal", "sshtest", "stand-in", "main.go"))
	if err != nil {
		return "", fmt.Errorf("read the stand-in for ssh: %w", err)
	}
	sum := sha256.Sum256(source)
	dir := filepath.Join(root, ".cache", "ssh-"+hex.EncodeToString(sum[:6]))
	path := filepath.Join(dir, "ssh")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make cache: %w", err)
	}
	temporary := fmt.Sprintf("%s-%d", path, os.Getpid())
	cmd := exec.Command("go", "build", "-C", root, "-o", temporary, "./internal/sshtest/stand-in")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the stand-in for ssh: %w\n%s", err, out)
	}
	return path, os.Rename(temporary, path)
}

// moduleRoot returns the nearest folder upwards that has the source of the stand-in.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "internal", "sshtest", "stand-in")); err == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", fmt.Errorf("find the stand-in for ssh: not in a folder of firn's module")
		}
		dir = filepath.Dir(dir)
	}
}
