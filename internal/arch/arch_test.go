package arch_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// module is the import path of the root, which go.mod alone names; packages are named
// relative to it.
var module = strings.TrimSuffix(reflect.TypeFor[pkg]().PkgPath(), "/internal/arch_test")

// rootName stands for the package in the root, by whatever path the module goes.
const rootName = "firn"

// imports is a statement of policy: every package of ours, in all modules of the
// tree, and the packages of ours that its non-test files may import. A package
// without a line here is an error, so its author must decide its place first. Do
// not relax a line to fix a build.
//
// Only tests can import a package that no line lists on its right, such as the
// test helpers internal/dbtest, internal/s3test and store/storetest. Tests may
// import any package.
const imports = `
access: host outcome retention site
agent: crypt outcome pipe pull repo scratch site snapshot sqlite
answer: backup diff history internal/layout repo report restore rowrestore snapshot upkeep verify
backup: config monitor outcome proof pull repo report retention scratch session site snapshot sqlite store tags
bench: bench/internal/checkout bench/internal/usage internal/svg
bench/internal/checkout:
bench/internal/usage:
bench/scale: bench/internal/checkout bench/internal/usage chunk crypt index internal/damage pack snapshot store store/local tags
bench/tune: bench/internal/checkout chunk crypt repo snapshot store/mem
bench/places: bench/internal/checkout bench/internal/usage
bench/watch: bench/internal/checkout bench/internal/usage config crypt repo retention site snapshot sqlite store/mem
browser:
btree:
btree/check: btree sqlite/caseless
chunk: chunk/delta
chunk/delta:
cmd: access agent answer backup config crypt diff history internal/habits internal/layout internal/manual internal/svg outcome replicate repo report restore retention rowrestore rows schedule serve session site snapshot sqlite sqlite/rowsync store store/rclone store/remote store/s3 store/sftp store/wire tags upkeep verify watch web web/gate
cmd/firn: cmd
config: host outcome repo retention snapshot ssh store tags
crypt:
demo:
diff: btree outcome repo report snapshot sqlite
firn: backup config crypt diff history outcome replicate repo report restore retention rowrestore rows session site snapshot sqlite sqlite/rowsync store upkeep verify
history: btree chunk diff outcome repo report retention rows session snapshot sqlite tags
host:
index: chunk pack
internal/arch:
internal/damage: chunk crypt pack store
internal/dbtest:
internal/habits:
internal/layout: report
internal/manual:
internal/s3test:
internal/sessiontest: backup internal/dbtest report session snapshot upkeep
internal/showcase: backup internal/dbtest repo report restore session snapshot upkeep verify
internal/sshtest: ssh
internal/sshtest/stand-in:
internal/svg:
monitor: config outcome process report retention session site
outcome: crypt host pipe repo report retention snapshot sqlite ssh store store/wire tags
pack: chunk crypt
objectcache: pack
overlay:
packcache: index pack
pipe: ssh
process: report
proof: btree btree/check repo snapshot sqlite sqlite/inspect
provenance: btree snapshot
pull: chunk crypt outcome pipe repo report scratch snapshot sqlite ssh store
repo: chunk crypt index objectcache overlay pack packcache retention snapshot spool store tags
replicate: config crypt outcome repo report retention session snapshot store tags
report:
restore: config host outcome process proof pull repo report scratch session site snapshot sqlite tags
retention:
rowrestore: diff outcome report restore session snapshot sqlite sqlite/rowsync
rows: diff sqlite sqlite/inspect
schedule: config outcome report retention session store
scratch:
serve: pipe site spool store store/remote store/wire
session: config crypt host outcome process proof pull repo report retention scratch site snapshot spool sqlite store
site: host outcome proof provenance repo report scratch snapshot spool sqlite store store/local
snapshot: chunk tags
spool: crypt scratch
sqlite: btree scratch sqlite/inspect sqlite/internal/capi sqlite/internal/follow sqlite/internal/rewrite sqlite/internal/source sqlite/internal/sqldump
sqlite/browse: sqlite sqlite/inspect sqlite/internal/capi
sqlite/caseless:
sqlite/inspect: sqlite/caseless sqlite/internal/capi
sqlite/internal/capi:
sqlite/internal/follow: sqlite/internal/capi
sqlite/internal/rewrite: sqlite/internal/capi sqlite/internal/source
sqlite/internal/source: sqlite/internal/capi
sqlite/internal/sqldump: sqlite/internal/capi
sqlite/rowsync: sqlite sqlite/caseless sqlite/internal/capi sqlite/internal/rewrite sqlite/internal/source
sqlite/users: sqlite/internal/capi sqlite/internal/source
ssh:
store:
store/behind: host report spool store store/local
store/internal/files: store
store/local: store store/internal/files
store/mem: store
store/rclone: scratch store store/s3
store/remote: pipe ssh store store/wire
store/s3: host store
store/sftp: ssh store store/internal/files
store/storetest: store
store/wire: store
tags:
upkeep: config crypt outcome pack repo report retention session site snapshot store tags
verify: outcome proof repo session site snapshot sqlite sqlite/users
web: access answer config diff history monitor outcome repo report restore retention rowrestore rows session site snapshot sqlite sqlite/browse sqlite/rowsync upkeep web/change web/condition web/gate web/lists web/livecopy web/openapi web/picture web/shown web/trial web/work
web/change: access answer backup diff outcome report restore rowrestore session snapshot sqlite sqlite/browse sqlite/rowsync upkeep verify web/shown web/work
web/condition: report upkeep
web/gate: access outcome site
web/lists: outcome session upkeep
web/livecopy: chunk spool
web/openapi:
web/picture: report session snapshot
web/shown: btree diff history internal/layout report rowrestore rows snapshot sqlite/browse sqlite/rowsync
web/trial: config retention snapshot upkeep
web/work: access outcome report session
watch: backup config monitor outcome replicate repo report retention session site snapshot sqlite store store/behind verify
`

// only confines an import path, a name in a package, or "func init" to a few
// packages. A final * stands for any rest. The packages on the right may use it
// in their non-test files. A use must be allowed by every line that matches it.
const only = `
# Pages are read without a copy through the translated C API, which is not
# memory-safe. Only one package uses it, and is small enough to be reviewed for that.
modernc.org/sqlite/lib: sqlite/internal/capi
modernc.org/libc*: sqlite/internal/capi
# Besides, a thread takes the groups of another user by a system call of its own:
# the wrapper of package syscall changes all threads.
unsafe: sqlite/internal/capi host

# The repository engine knows no SQLite; the rest goes through package sqlite.
# Test databases and the benchmark's workload are made with the plain driver.
modernc.org/sqlite*: sqlite/internal/capi internal/dbtest bench bench/places bench/scale bench/watch demo

# An embedding program must not drag in the command line or an S3 client.
github.com/spf13/*: cmd internal/manual
# Tests use a client of their own to see the objects that a store left on the test server.
github.com/minio/*: store/s3 internal/s3test
github.com/pkg/sftp: store/sftp

# All code that handles keys is in one package, to be reviewed as a whole.
# crypto/rand and crypto/sha256 are free: random names and checksums of public
# bytes need no key. crypto/subtle is free too: a comparison needs no key either.
golang.org/x/crypto*: crypt
crypto/aes: crypt
crypto/cipher: crypt
crypto/hkdf: crypt
crypto/hmac: crypt
crypto/pbkdf2: crypt

# Libraries take their clock as Now func() time.Time, so that tests can set it.
# firn names time.Now as the default of an option.
# repo and sqlite may name time.Now as the default of an option: it only dates records.
# store/mem is a store, and a store's clock is its own; the conformance test
# compares a store's clock with the true one. store/s3 sets the deadlines of
# connections and of locks, which other machines keep. store/wire sets the deadlines
# of requests, and agent and web/gate those of a connection. ssh measures for how long a
# connection is silent, and store/sftp for how long it is lost.
time.Now: cmd firn bench bench/places bench/scale bench/tune bench/watch demo repo sqlite store/mem store/s3 store/storetest store/wire ssh agent store/sftp web/gate
time.Since: cmd bench bench/places bench/scale bench/tune bench/watch store/s3 store/wire ssh store/storetest store/sftp
time.Until: cmd bench store/storetest

# Libraries return errors; only the command line prints and exits. firn writes to
# the logger that its program gives, and to no other. The writer of
# test databases runs as a process of its own, to be killed at work.
fmt.Print*: cmd bench bench/places bench/scale bench/tune bench/watch demo internal/sshtest/stand-in
# net/http wants a logger; pipe and web give it one that writes nowhere.
log: cmd bench pipe web
log/slog: cmd firn bench
os.Exit: cmd cmd/firn bench bench/places bench/scale bench/tune bench/watch demo internal/dbtest internal/sshtest/stand-in
os.Std*: cmd bench bench/places bench/scale bench/tune bench/watch demo internal/dbtest internal/sshtest/stand-in

# No reader should have to guess the order of initialisation.
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

func TestLoadReadsEveryModule(t *testing.T) {
	t.Parallel()
	pkgs, err := load()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"internal/arch", "bench", "bench/scale"} {
		if !slices.ContainsFunc(pkgs, func(p pkg) bool { return p.path == want && p.files > 0 }) {
			t.Errorf("package %s: got none, want its files", want)
		}
	}
}

// load reads all packages of all modules of the tree, with their non-test files for
// every platform. The test cache does not notice a change of the files that go list
// reads, so run with -count=1, as make test does.
func load() ([]pkg, error) {
	dirs, err := moduleDirs("../..")
	if err != nil {
		return nil, err
	}
	var pkgs []pkg
	for _, dir := range dirs {
		more, err := loadModule(dir)
		if err != nil {
			return nil, err
		}
		pkgs = append(pkgs, more...)
	}
	return pkgs, nil
}

// moduleDirs returns the folders below root that hold a go.mod. The go command's
// pattern ./... ends at these, so a module could hide from the rules.
func moduleDirs(root string) (dirs []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (d.Name()[0] == '.' || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.Name() == "go.mod":
			dirs = append(dirs, filepath.Dir(path))
		}
		return nil
	})
	return dirs, err
}

// loadModule reads the packages of the module in a folder.
func loadModule(dir string) ([]pkg, error) {
	list := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,CgoFiles,IgnoredGoFiles", "./...")
	list.Dir = dir
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list packages in %s: %w", dir, err)
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

// listed is a package in the output of go list.
type listed struct {
	ImportPath, Dir                   string
	GoFiles, CgoFiles, IgnoredGoFiles []string
}

func (l listed) parse() (pkg, error) {
	path, _ := inModule(l.ImportPath)
	p := pkg{path: path}
	for _, name := range slices.Concat(l.GoFiles, l.CgoFiles, l.IgnoredGoFiles) {
		if strings.HasSuffix(name, "_test.go") {
			continue // a test that is ignored on this platform
		}
		if err := p.add(filepath.Join(l.Dir, name), nil); err != nil {
			return pkg{}, err
		}
	}
	return p, nil
}
