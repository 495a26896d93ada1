package browser_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The release of axe-core that judges the pages. The hash is the one of the registry: with it, a changed release is refused.
const (
	axeVersion = "4.14.1"
	axeHash    = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
	axeScript  = "package/axe.min.js"
)

// readAxe returns the script of axe-core. It is kept in .cache, where npm puts it at the first use.
func readAxe(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("..", ".cache", "browser")
	file := filepath.Join(dir, "axe-core-"+axeVersion+".tgz")
	if _, err := os.Stat(file); err != nil {
		if err := packAxe(t.Context(), need(t, "npm"), dir); err != nil {
			leaveOut(t, "get axe-core: %v", err)
		}
	}
	archive, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha512.Sum512(archive); base64.StdEncoding.EncodeToString(sum[:]) != axeHash {
		t.Fatalf("%s is not the release that is expected: remove it", file)
	}
	script, err := unpack(archive, axeScript)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return script
}

// packAxe has npm put the release into a folder.
func packAxe(ctx context.Context, npm, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, npm, "pack", "--silent", "--pack-destination", dir, "axe-core@"+axeVersion).CombinedOutput()
	if err != nil {
		return fmt.Errorf("npm pack: %w: %s", err, out)
	}
	return nil
}

// unpack returns a file of a compressed archive.
func unpack(archive []byte, name string) (string, error) {
	plain, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return "", err
	}
	for files := tar.NewReader(plain); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return "", fmt.Errorf("there is no %s", name)
		}
		if err != nil {
			return "", err
		}
		if header.Name == name {
			b, err := io.ReadAll(files)
			return string(b), err
		}
	}
}

// finding is a rule of axe-core that a page breaks.
type finding struct {
	ID    string   `json:"id"`
	Help  string   `json:"help"`
	Nodes []string `json:"nodes"`
}

// String returns the finding in a line.
func (f finding) String() string {
	return f.ID + ": " + f.Help + ": " + strings.Join(f.Nodes, " | ")
}

// axeRun judges the page with all rules of axe-core.
const axeRun = `axe.run(document, {resultTypes: ["violations"], preload: false}).then(r => r.violations.map(v =>
	({id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + " " + n.failureSummary.slice(0, 300))})))`
