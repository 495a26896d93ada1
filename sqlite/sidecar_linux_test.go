package sqlite_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// app is the user that owns the databases of these tests.
const app = 1000

// scene is a state of a database and its application, before an image is taken.
type scene struct {
	journal string
	rows    int64    // number of committed rows
	keep    []string // the sidecars that stay, of all that an open application has
	empty   string   // a sidecar that is made empty
	before  string   // what the application does before it is stopped
	open    bool     // the application is not stopped
	write   bool     // a reader has to write first: to roll back
}

const insert = "INSERT INTO t VALUES (4)"

func scenes() map[string]scene {
	return map[string]scene{
		"WALClosed":        {journal: "wal", rows: 3},
		"WALEmpty":         {journal: "wal", rows: 3, empty: "-wal"},
		"WALCrashed":       {journal: "wal", rows: 4, before: insert, keep: []string{"-wal", "-shm"}},
		"WALCrashedNoShm":  {journal: "wal", rows: 4, before: insert, keep: []string{"-wal"}},
		"WALOnlyShm":       {journal: "wal", rows: 3, before: "SELECT count(*) FROM t", keep: []string{"-shm"}},
		"WALOpen":          {journal: "wal", rows: 4, before: insert, open: true},
		"WALOpenReading":   {journal: "wal", rows: 3, before: "SELECT count(*) FROM t", open: true},
		"RollbackClosed":   {journal: "delete", rows: 3},
		"RollbackOpen":     {journal: "delete", rows: 4, before: insert, open: true},
		"RollbackCrashed":  {journal: "delete", rows: 3, before: spilled, keep: []string{"-journal"}, write: true},
		"RollbackPersists": {journal: "persist", rows: 3},
	}
}

// spilled is a transaction under way that has spilled pages into the file.
const spilled = `PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN;
	WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO t SELECT zeroblob(900) FROM n;
	UPDATE t SET a = 1`

// place gives the owners and modes of the database and its folder.
type place struct {
	folderOwner  int
	folder, file fs.FileMode
}

func places() []place {
	var list []place
	folders := []place{{app, 0o770, 0}, {app, 0o1777, 0}, {app, 0o755, 0}, {app, 0o775, 0}, {app, 0o2770, 0}, {0, 0o775, 0}}
	if testing.Short() {
		folders = folders[:2]
	}
	for _, folder := range folders {
		for _, file := range []fs.FileMode{0o600, 0o640, 0o644, 0o660, 0o664, 0o666} {
			folder.file = file
			list = append(list, folder)
		}
	}
	return list
}

func (p place) String() string {
	return fmt.Sprintf("folder=%d:%o,file=%o", p.folderOwner, p.folder, p.file)
}

// TestNothingInTheWay has a user take an image in every combination of owners and modes. Then all users that could
// write the database before write it. Everything that is possible without the image must be possible after it.
func TestNothingInTheWay(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	owner := &person{uid: app, gid: app}
	writers := []*person{owner, {uid: 1001, gid: app}, {uid: 4000, gid: 4000}}
	readers := map[string]*person{
		"Owner":             {uid: app, gid: app},
		"OwnerInOtherGroup": {uid: app, gid: 3000, groups: []uint32{app}},
		"OwnerNotInGroup":   {uid: app, gid: 3000},
		"Member":            {uid: 2000, gid: 2000, groups: []uint32{app}},
		"MemberFirst":       {uid: 2000, gid: app},
		"Other":             {uid: 3000, gid: 3000},
		"Root":              {},
		"RootWithoutRights": {weak: true},
	}
	startPersons(t, writers...)
	startPersons(t, slices.Collect(maps.Values(readers))...)
	for state, s := range scenes() {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			dir := openFolder(t)
			for _, p := range places() {
				r := row{scene: s, place: p, owner: owner, writers: writers}
				can := r.writersAnswers(t, r.set(t, dir))
				for name, reader := range readers {
					t.Run(p.String()+","+name, func(t *testing.T) { r.test(t, r.set(t, dir), reader, can) })
				}
			}
		})
	}
}

// TestKilledInTheWay kills a user's process while it takes an image. The files that the process leaves must hinder no
// other user.
func TestKilledInTheWay(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	owner := &person{uid: app, gid: app}
	writers := []*person{owner, {uid: 1001, gid: app}, {uid: 4000, gid: 4000}}
	startPersons(t, writers...)
	readers := []*person{{uid: app, gid: app}, {uid: app, gid: 3000}, {uid: 2000, gid: app}, {uid: 3000, gid: 3000}, {}, {weak: true}}
	for _, state := range []string{"WALClosed", "WALCrashed", "WALCrashedNoShm", "WALOpen"} {
		for _, reader := range readers {
			t.Run(fmt.Sprintf("%s,%d:%d,weak=%v", state, reader.uid, reader.gid, reader.weak), func(t *testing.T) {
				r := row{scene: scenes()[state], place: place{app, 0o1777, 0o664}, owner: owner, writers: writers}
				dir := openFolder(t)
				can, path := r.writersAnswers(t, r.set(t, dir)), r.set(t, dir)
				killed := &person{uid: reader.uid, gid: reader.gid, weak: reader.weak}
				startPersons(t, killed)
				killed.must(t, "begin", path, "")
				killed.end()
				r.checkWriters(t, path, can)
			})
		}
	}
}

// row is a line of the table, for one reader after the other.
type row struct {
	scene
	place
	owner   *person
	writers []*person
}

// writersAnswers ends the scene, and returns the answers of all writers, one after another.
func (r row) writersAnswers(t *testing.T, path string) []string {
	t.Helper()
	if r.open {
		r.owner.must(t, "release", path, insert)
	}
	var answers []string
	for _, writer := range r.writers {
		answers = append(answers, writer.does(t, "run", path, insert))
	}
	return answers
}

func (r row) test(t *testing.T, path string, reader *person, can []string) {
	folder := filepath.Dir(path)
	names, image := listing(t, folder), filepath.Join(filepath.Dir(folder), "image")
	got := reader.does(t, "image", path, image)
	if want := r.outcome(reader); got != want {
		t.Errorf("image: got %s, want %s", got, want)
	}
	if got == "ok" && rowsIn(t, image) != r.rows {
		t.Errorf("rows of the image: got %d, want %d", rowsIn(t, image), r.rows)
	}
	after := listing(t, folder)
	if reader.uid != app && reader.uid != 0 && !r.write && !maps.Equal(after, names) {
		t.Errorf("files: got %v, want %v as before", after, names)
	}
	r.checkWriters(t, path, can)
}

// checkWriters lets every writer write that can do so when no image was taken.
func (r row) checkWriters(t *testing.T, path string, can []string) {
	t.Helper()
	left := listing(t, filepath.Dir(path))
	for i, got := range r.writersAnswers(t, path) {
		if can[i] == "ok" && got != "ok" {
			t.Errorf("user %d writes: got %s, and could before; the image had left %v", r.writers[i].uid, got, left)
		}
	}
}

// outcome returns the expected result of the image.
func (r row) outcome(reader *person) string {
	may := reader.may(r.folderOwner, app, r.folder, 1) && reader.may(app, app, r.file, 4)
	if r.write {
		may = may && reader.may(app, app, r.file, 2) && reader.may(r.folderOwner, app, r.folder, 2)
		may = may && (r.folder&0o1000 == 0 || reader.uid == app || reader.uid == 0 && !reader.weak) // to remove the journal
	}
	if may {
		return "ok"
	}
	return "permission"
}

// set makes the database as the scene has it, in a folder of its own.
func (r row) set(t *testing.T, dir string) string {
	t.Helper()
	dir, err := os.MkdirTemp(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "data")
	path := filepath.Join(folder, "app.db")
	err = errors.Join(os.Mkdir(folder, 0o700), os.Chown(folder, app, app))
	if err != nil {
		t.Fatal(err)
	}
	r.owner.must(t, "make", path, r.journal)
	if r.before != "" {
		r.owner.must(t, "hold", path, r.before)
		if !r.open {
			r.crash(t, path)
		}
	}
	if r.empty != "" {
		writeFile(t, path+r.empty, nil)
	}
	for name := range listing(t, folder) {
		file := path + name
		if err := errors.Join(os.Chown(file, app, app), os.Chmod(file, r.file)); err != nil {
			t.Fatal(err)
		}
	}
	// The system's own call takes the bits beyond the nine as they are.
	if err := errors.Join(os.Chown(folder, r.folderOwner, app), syscall.Chmod(folder, uint32(r.folder))); err != nil {
		t.Fatal(err)
	}
	return path
}

// crash leaves the files that a kill of the application leaves at this moment, and of the sidecars only the ones that
// the scene keeps.
func (r row) crash(t *testing.T, path string) {
	t.Helper()
	left := map[string][]byte{}
	for _, suffix := range append(r.keep, "") {
		left[suffix] = readFile(t, path+suffix)
	}
	r.owner.must(t, "release", path, "SELECT 1")
	for name := range listing(t, filepath.Dir(path)) {
		if err := os.Remove(path + name); err != nil {
			t.Fatal(err)
		}
	}
	for suffix, b := range left {
		writeFile(t, path+suffix, b)
	}
}

// listing returns owners and modes of the files in a folder, by name.
func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		own := info.Sys().(*syscall.Stat_t)
		files[strings.TrimPrefix(e.Name(), "app.db")] = fmt.Sprintf("%d:%d %v", own.Uid, own.Gid, info.Mode())
	}
	return files
}
