package arch_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is the import path of the root; packages are named relative to it.
const module = "firn"

// imports is a statement of policy: every package of ours, and what of ours its
// non-test files may import. A package that is not named here is an error, so
// whoever adds one decides its place first. Do not relax a line to fix a build.
//
// What no line lists on its right, such as the test helpers internal/dbtest,
// internal/s3test and store/storetest, can be imported by tests only. Tests may
// import anything.
const imports = `
bench: internal/svg internal/usage
bench/scale: chunk crypt index internal/damage internal/usage pack snapshot store store/local tags
bench/tune: chunk crypt repo snapshot store/mem
btree:
chunk:
cmd: btree chunk crypt host index internal/svg pack repo retention scratch snapshot spool sqlite store store/local store/s3 tags
cmd/firn: cmd
crypt:
demo:
host:
index: chunk pack
internal/arch:
internal/damage: chunk crypt pack store
internal/dbtest:
internal/s3test:
internal/svg:
internal/usage:
pack: chunk crypt
repo: chunk crypt index pack retention snapshot spool store tags
retention:
scratch:
snapshot: chunk tags
spool: crypt scratch
sqlite: scratch
store:
store/local: store
store/mem: store
store/s3: host store
store/storetest: store
tags:
`

// only names what stays inside a few packages: an import path, a name in a
// package, or "func init"; a final * stands for any rest. On the right are the
// packages whose non-test files may use it. All lines that match must agree.
const only = `
# Pages are read without a copy through the translated C API, which is not
# memory-safe. One package is small enough to review for that.
modernc.org/sqlite/lib: sqlite
modernc.org/libc*: sqlite

# The repository engine knows no SQLite; the rest goes through package sqlite.
# Test databases and the benchmark's workload are made with the plain driver.
modernc.org/sqlite*: sqlite internal/dbtest bench bench/scale demo

# An embedding program must not drag in the command line or an S3 client.
github.com/spf13/*: cmd
# Tests look at what a store left on the test server with a client of their own.
github.com/minio/*: store/s3 internal/s3test

# Whatever handles a key is in one package, to be reviewed as a whole.
# crypto/rand and crypto/sha256 are free: random names and checksums of public
# bytes need no key. crypto/subtle is free too: comparing a MAC is no secret art.
golang.org/x/crypto*: crypt
crypto/aes: crypt
crypto/cipher: crypt
crypto/hkdf: crypt
crypto/hmac: crypt
crypto/pbkdf2: crypt

# Libraries take their clock as Now func() time.Time, so that tests can set it.
# repo and sqlite may name time.Now as the default of an option: it only dates what is recorded.
# store/mem is a store, and a store's clock is its own; the conformance test
# compares a store's clock with the true one. store/s3 sets the deadlines of
# connections and of locks, which other machines keep.
time.Now: cmd bench bench/scale bench/tune repo sqlite store/mem store/s3 store/storetest
time.Since: cmd bench bench/scale bench/tune store/s3 store/storetest
time.Until: cmd bench store/storetest

# Libraries return errors; only the command line talks and exits. The writer of
# test databases runs as a process of its own, to be killed at work.
fmt.Print*: cmd bench bench/scale bench/tune demo
log: cmd bench
log/slog: cmd bench
os.Exit: cmd cmd/firn bench bench/scale bench/tune demo internal/dbtest
os.Std*: cmd bench bench/scale bench/tune demo internal/dbtest

# Order of initialisation is nobody's to guess.
func init:
`

func TestRepositoryFollowsRules(t *testing.T) {
	t.Parallel()
	pkgs, err := load()
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range check(parseTable(imports), parseTable(only), pkgs) {
		t.Error(finding)
	}
}

// load reads all packages of the module, and of each the non-test files for
// every platform, not only this one. The test cache does not see what go list
// reads, so run with -count=1, as make test does.
func load() ([]pkg, error) {
	out, err := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,CgoFiles,IgnoredGoFiles", module+"/...").Output()
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return pkgs, nil
		} else if err != nil {
			return nil, fmt.Errorf("read list of packages: %w", err)
		}
		p, err := l.parse()
		if err != nil {
			return nil, err
		}
		pkgs = append(pkgs, p)
	}
}

// listed is what go list tells of a package.
type listed struct {
	ImportPath, Dir                   string
	GoFiles, CgoFiles, IgnoredGoFiles []string
}

func (l listed) parse() (pkg, error) {
	p := pkg{path: strings.TrimPrefix(l.ImportPath, module+"/")}
	for _, name := range slices.Concat(l.GoFiles, l.CgoFiles, l.IgnoredGoFiles) {
		if strings.HasSuffix(name, "_test.go") {
			continue // ignored for this platform, and a test
		}
		if err := p.add(filepath.Join(l.Dir, name), nil); err != nil {
			return pkg{}, err
		}
	}
	return p, nil
}
