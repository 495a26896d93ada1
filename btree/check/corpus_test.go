package check_test

import (
	"database/sql"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSQLitesFuzzDatabases compares the checks on the databases that SQLite's own fuzzers have found to be of interest. They
// come with the driver's module.
func TestSQLitesFuzzDatabases(t *testing.T) {
	t.Parallel()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "modernc.org/sqlite").Output()
	if err != nil {
		t.Skip(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "testdata", "tcl", "fuzzdata*.db"))
	if err != nil || len(files) == 0 {
		t.Skip("the module comes without fuzz databases: ", err)
	}
	s := &score{kinds: map[string]*counts{}}
	j := newJudge(t)
	defer j.close()
	for _, path := range files {
		if !s.compareAll(t, j, path) {
			break
		}
	}
	t.Log(s)
}

// compareAll compares databases in a table of a database, some thousands at most.
func (s *score) compareAll(t *testing.T, j *judge, path string) bool {
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(path)+"?immutable=1")
	if err != nil {
		t.Error(err)
		return false
	}
	defer db.Close()
	rows, err := db.Query("SELECT dbid, dbcontent FROM db WHERE dbid % ? = 0", max(1, 10_000 / *mutations))
	if err != nil {
		t.Error(err)
		return false
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		var image []byte
		if err := rows.Scan(&id, &image); err != nil {
			t.Error(err)
			return false
		}
		if !s.compareDamaged(t, j, image, filepath.Base(path), fmt.Sprintf("%s, database %d", filepath.Base(path), id)) {
			return false
		}
	}
	return rows.Err() == nil
}
