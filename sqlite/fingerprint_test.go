package sqlite_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// later makes files old enough for their times to be trusted.
func later() time.Time { return time.Now().Add(time.Minute) }

func fingerprint(t testing.TB, path string) sqlite.Fingerprint {
	t.Helper()
	image := openImage(t, path, sqlite.Options{Now: later})
	defer image.Close()
	return throughJSON(t, image.Fingerprint())
}

// throughJSON returns a fingerprint as it comes back from JSON.
func throughJSON(t testing.TB, f sqlite.Fingerprint) sqlite.Fingerprint {
	t.Helper()
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var got sqlite.Fingerprint
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func unchanged(t testing.TB, path string, old sqlite.Fingerprint) bool {
	t.Helper()
	image := openImage(t, path, sqlite.Options{Now: later})
	defer image.Close()
	return image.Unchanged(old)
}

// TestUnchanged has a row for each event between two images of a database.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	const no, yes = false, true
	const checkpointed = "UPDATE ledger_a SET amount = 7; PRAGMA wal_checkpoint(PASSIVE)"
	tests := map[string]struct {
		wal    bool
		before string // what the application does before the first image, with its connection staying open
		event  func(t *testing.T, app *sql.DB, path string)
		want   bool
	}{
		"Rollback/Nothing":        {no, "", run(""), yes},
		"Rollback/Commit":         {no, "", run("UPDATE ledger_a SET amount = 7"), no},
		"Rollback/SameValue":      {no, "", run("UPDATE ledger_a SET amount = amount + 0"), yes},
		"Rollback/ExclusiveMode":  {no, "", run("PRAGMA locking_mode = EXCLUSIVE; UPDATE ledger_a SET amount = 7; UPDATE ledger_a SET amount = 8; PRAGMA locking_mode = NORMAL; SELECT count(*) FROM users"), no},
		"Rollback/SpillAndBack":   {no, "", run("PRAGMA cache_size = 5; BEGIN; UPDATE posts SET body = body || 'x'; ROLLBACK"), no},
		"Rollback/JournalStays":   {no, "PRAGMA journal_mode = PERSIST; UPDATE ledger_a SET amount = 7", run(""), no},
		"Rollback/JournalCut":     {no, "PRAGMA journal_mode = TRUNCATE; UPDATE ledger_a SET amount = 7", run(""), yes},
		"WAL/Nothing":             {yes, "UPDATE ledger_a SET amount = 7", run(""), yes},
		"WAL/NeverWritten":        {yes, "", run(""), yes},
		"WAL/FirstCommit":         {yes, "", run("UPDATE ledger_a SET amount = 7"), no},
		"WAL/Commit":              {yes, "UPDATE ledger_a SET amount = 7", run("UPDATE ledger_a SET amount = 8"), no},
		"WAL/CommitAndCheckpoint": {yes, "UPDATE ledger_a SET amount = 7", run("UPDATE ledger_a SET amount = 8; PRAGMA wal_checkpoint(TRUNCATE)"), no},
		"WAL/CommitAndClose":      {yes, "UPDATE ledger_a SET amount = 7", closeAfter("UPDATE ledger_a SET amount = 8"), no},
		"WAL/FirstCommitAndClose": {yes, "", closeAfter("UPDATE ledger_a SET amount = 8"), no},
		"WAL/Schema":              {yes, "UPDATE ledger_a SET amount = 7", run("CREATE TABLE other (a)"), no},
		// A scan too many: a checkpoint cannot be told from a write past SQLite.
		"WAL/Passive":              {yes, "UPDATE ledger_a SET amount = 7", run("PRAGMA wal_checkpoint(PASSIVE)"), no},
		"WAL/Truncate":             {yes, "UPDATE ledger_a SET amount = 7", run("PRAGMA wal_checkpoint(TRUNCATE)"), no},
		"WAL/PassiveAgain":         {yes, checkpointed, run("PRAGMA wal_checkpoint(PASSIVE)"), yes},
		"WAL/FullAgain":            {yes, checkpointed, run("PRAGMA wal_checkpoint(FULL)"), yes},
		"WAL/RestartAfterPassive":  {yes, checkpointed, run("PRAGMA wal_checkpoint(RESTART)"), yes},
		"WAL/TruncateAfterPassive": {yes, checkpointed, run("PRAGMA wal_checkpoint(TRUNCATE)"), yes},
		"WAL/TruncateAndCommit":    {yes, "UPDATE ledger_a SET amount = 7", run("PRAGMA wal_checkpoint(TRUNCATE); UPDATE ledger_a SET amount = 8"), no},
		"WAL/TruncateTwice":        {yes, "UPDATE ledger_a SET amount = 7", run("PRAGMA wal_checkpoint(TRUNCATE); UPDATE ledger_a SET amount = 8; PRAGMA wal_checkpoint(TRUNCATE)"), no},
		"WAL/Rollback":             {yes, "UPDATE ledger_a SET amount = 7", run("BEGIN; UPDATE ledger_a SET amount = 8; ROLLBACK"), yes},
		"WAL/SpillAndBack":         {yes, "UPDATE ledger_a SET amount = 7", run("PRAGMA cache_size = 5; BEGIN; UPDATE posts SET body = body || 'x'; ROLLBACK"), yes},
		"WAL/EmptyTransaction":     {yes, "UPDATE ledger_a SET amount = 7", run("BEGIN IMMEDIATE; COMMIT"), yes},
		"WAL/Close":                {yes, "UPDATE ledger_a SET amount = 7", closeAfter(""), no}, // a scan too many: the WAL is gone
		"WAL/Killed":               {yes, "UPDATE ledger_a SET amount = 7", killed, no},
		"WAL/ToRollback":           {yes, "UPDATE ledger_a SET amount = 7", run("PRAGMA journal_mode = DELETE; UPDATE ledger_a SET amount = 8"), no},
		"WAL/ToRollbackAndBack":    {yes, "UPDATE ledger_a SET amount = 7", run("PRAGMA journal_mode = DELETE; UPDATE ledger_a SET amount = 8; PRAGMA journal_mode = WAL"), no},
		"Rollback/ToWAL":           {no, "", run("PRAGMA journal_mode = WAL"), no},
		"Rollback/Replaced":        {no, "", replaced, no},
		"Rollback/CopiedOver":      {no, "", copiedOver, no},
		"Rollback/CopiedSameTimes": {no, "", copiedSameTimes, no},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newDB(t, dbtest.Options{WAL: test.wal})
			app := dbtest.Open(t, path)
			defer app.Close()
			dbtest.Exec(t, app, "PRAGMA wal_autocheckpoint = 0; SELECT count(*) FROM users;"+test.before)
			old := fingerprint(t, path)
			test.event(t, app, path)
			if got := unchanged(t, path, old); got != test.want {
				t.Errorf("unchanged: got %v, want %v", got, test.want)
			}
		})
	}
}

func run(query string) func(*testing.T, *sql.DB, string) {
	return func(t *testing.T, app *sql.DB, _ string) { dbtest.Exec(t, app, query) }
}

func closeAfter(query string) func(*testing.T, *sql.DB, string) {
	return func(t *testing.T, app *sql.DB, _ string) {
		dbtest.Exec(t, app, query)
		if err := app.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func killed(t *testing.T, app *sql.DB, path string) {
	dbtest.StartWriter(t, path, 1).Kill()
	app.Close()
}

// replaced renames an equal copy over the database.
func replaced(t *testing.T, app *sql.DB, path string) {
	app.Close()
	writeFile(t, path+".new", readFile(t, path))
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// copiedOver writes an older content of the same length into the file.
func copiedOver(t *testing.T, app *sql.DB, path string) {
	b := readFile(t, path)
	app.Close()
	b[len(b)-1] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// copiedSameTimes also puts the time of the last write back, which leaves the time of the change.
func copiedSameTimes(t *testing.T, app *sql.DB, path string) {
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	copiedOver(t, app, path)
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

// TestUnchangedWithoutApplication checks that taking an image changes nothing by itself.
func TestUnchangedWithoutApplication(t *testing.T) {
	t.Parallel()
	states := map[string]func(t *testing.T, path string){
		"Closed":  func(*testing.T, string) {},
		"Crashed": crashedWAL,
		"CrashedWithoutIndex": func(t *testing.T, path string) { // recovered by each image
			crashedWAL(t, path)
			if err := os.Remove(path + "-shm"); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, prepare := range states {
		for _, wal := range []bool{false, true} {
			if !wal && name != "Closed" {
				continue
			}
			t.Run(fmt.Sprintf("%s,wal=%v", name, wal), func(t *testing.T) {
				t.Parallel()
				path := newDB(t, dbtest.Options{WAL: wal})
				prepare(t, path)
				old := fingerprint(t, path)
				for range 2 {
					readImage(t, path, sqlite.Options{})
					os.Remove(path + "-shm")
					if !unchanged(t, path, old) {
						t.Error("changed")
					}
				}
			})
		}
	}
}

// crashedWAL leaves a WAL with one commit that is not in the database file, as a crash does.
func crashedWAL(t *testing.T, path string) {
	crashed := path + ".crashed"
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 1; UPDATE ledger_b SET amount = 1")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		writeFile(t, crashed+suffix, readFile(t, path+suffix))
	}
	db.Close()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(crashed+suffix, path+suffix); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnchangedNeedsSettledTimes(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for age, want := range map[time.Duration]bool{-time.Hour: false, 1900 * time.Millisecond: false, 3 * time.Second: true} {
		now := func() time.Time { return info.ModTime().Add(age) }
		image := openImage(t, path, sqlite.Options{Now: now})
		old := image.Fingerprint()
		image.Close()
		if got := unchanged(t, path, old); got != want {
			t.Errorf("fingerprint taken %v after the last write: got %v, want %v", age, got, want)
		}
	}
}

func TestUnchangedZero(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		if unchanged(t, newDB(t, dbtest.Options{WAL: wal}), sqlite.Fingerprint{}) {
			t.Error("unchanged since the zero fingerprint")
		}
	}
}

// TestFingerprintOfBusyDatabase checks that a fingerprint never belongs to newer content than the image: an image
// that counts as unchanged has the same bytes.
func TestFingerprintOfBusyDatabase(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		path := newDB(t, dbtest.Options{WAL: wal})
		dbtest.StartWriter(t, path, 3)
		var old sqlite.Fingerprint
		var bytesThen []byte
		for n := range 40 {
			o := sqlite.Options{Now: later, Compact: n%4 == 3}
			image := openImage(t, path, o)
			same := image.Unchanged(old)
			if !o.Compact {
				var b bytes.Buffer
				if _, err := b.ReadFrom(image); err != nil {
					t.Fatal(err)
				}
				if same && !bytes.Equal(b.Bytes(), bytesThen) {
					t.Error("counts as unchanged, but has other bytes")
				}
				bytesThen = b.Bytes()
				old = image.Fingerprint()
			}
			image.Close()
		}
	}
}

// TestUnchangedReadsNoPage checks that a large database is found unchanged by the few pages that hold the schema.
func TestUnchangedReadsNoPage(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "app.db")
		dbtest.Create(t, path, dbtest.Options{WAL: wal, Rows: 1000, PageSize: 1024})
		old := fingerprint(t, path)
		image := openImage(t, path, sqlite.Options{Now: later})
		if !image.Unchanged(old) {
			t.Error("not unchanged")
		}
		if got := sqlite.CacheMisses(t, image); got > 12 || image.Info().PageCount < 1000 {
			t.Errorf("wal=%v: read %d of %d pages, want hardly any", wal, got, image.Info().PageCount)
		}
		image.Close()
	}
}
