package provenance_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/internal/sessiontest"
	"firn/repo"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
)

// marker is a text in the table "users", which no test writes again.
const marker = "a name that stands on one page only"

// database is a database in WAL mode that an application has open, with a repository for its snapshots.
type database struct {
	*sessiontest.Fixture
	app      *sql.DB
	path     string
	follower *site.Follower
	rounds   *repo.Rounds
	traced   atomic.Int32 // images of which it was known which pages SQLite has written
}

// follow opens a database, which may be made by that, and follows it.
func follow(t *testing.T, name string, hold bool) *database {
	t.Helper()
	f := sessiontest.New(t, "")
	d := &database{Fixture: f, path: f.Path(name)}
	d.open(t)
	d.follower = site.NewFollower(d.path, hold, time.Minute, time.Now)
	t.Cleanup(func() {
		if err := d.follower.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// open opens the application's connection.
func (d *database) open(t *testing.T) {
	t.Helper()
	app := dbtest.Open(t, d.path)
	app.SetMaxOpenConns(1)
	t.Cleanup(func() { app.Close() })
	d.app = app
}

// newDatabase makes a database, and a follower of it. Before the busy table are the pages of a quiet one with some rows.
func newDatabase(t *testing.T, quiet int) *database {
	t.Helper()
	d := follow(t, "app.db", true)
	dbtest.Exec(t, d.app, fmt.Sprintf(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0;
		CREATE TABLE users (name, about);
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO users SELECT i, randomblob(3000) FROM n;
		INSERT INTO users VALUES ('%s', randomblob(3000));
		INSERT INTO users SELECT rowid, randomblob(3000) FROM users WHERE rowid <= %[1]d; CREATE TABLE posts (body)`, quiet, marker))
	d.post(t)
	return d
}

// post has the application write to the busy table.
func (d *database) post(t *testing.T) {
	t.Helper()
	dbtest.Exec(t, d.app, "INSERT INTO posts VALUES (randomblob(2500))")
}

// checkpoint has the application write all of its WAL to the file.
func (d *database) checkpoint(t *testing.T) {
	t.Helper()
	dbtest.Exec(t, d.app, "PRAGMA wal_checkpoint(TRUNCATE)")
}

// overwrite has a program change a letter of the marker, wherever it stands in a file. A program of its own has to: to close the
// file within this process would drop SQLite's locks. It returns the place of the first letter.
func (d *database) overwrite(t *testing.T, file string) (offset int64) {
	t.Helper()
	dbtest.Tool(t, "grep")
	script := fmt.Sprintf(`for at in $(grep -abo '%s' "$0" | cut -d: -f1); do
		printf X | dd of="$0" bs=1 seek=$at conv=notrunc 2>/dev/null; echo $at; done`, marker)
	out, err := exec.Command("sh", "-c", script, file).Output()
	if _, scanned := fmt.Sscan(string(out), &offset); err != nil || scanned != nil {
		t.Fatalf("overwrite %s: %q, %v", file, out, err)
	}
	return offset
}

// overwritten returns where the marker without its first letter is in the database's file.
func (d *database) overwritten(t *testing.T) (offset int64) {
	t.Helper()
	out, err := exec.Command("grep", "-abo", "X"+marker[1:], d.path).Output()
	if _, scanned := fmt.Sscan(string(out), &offset); err != nil || scanned != nil {
		t.Fatalf("find what was overwritten: %q, %v", out, err)
	}
	return offset
}

// counted is an image that notes whether the writes of SQLite are known.
type counted struct {
	site.Image
	traced *atomic.Int32
}

func (c *counted) Trace(since *snapshot.Snapshot) repo.Trace {
	trace := c.Image.Trace(since)
	if trace != nil {
		c.traced.Add(1)
	}
	return trace
}

// counting returns a source of counted images.
func (d *database) counting(source repo.Source) repo.Source {
	return func(ctx context.Context) (repo.SourceImage, error) {
		image, err := source(ctx)
		if err != nil {
			return nil, err
		}
		return &counted{image.(site.Image), &d.traced}, nil
	}
}

// options are those of an image. The times of the file count as settled at once.
func (d *database) options() sqlite.Options {
	return sqlite.Options{StatePath: d.Path("state"), Now: func() time.Time { return time.Now().Add(time.Hour) }}
}

// backup backs the database up some time after the operation before.
func (d *database) backup(t *testing.T, after time.Duration, o repo.BackupOptions) *snapshot.Snapshot {
	t.Helper()
	d.Clock = d.Clock.Add(after)
	o.Environment, o.Database = "app", "app"
	result, err := d.Repo.Backup(t.Context(), d.counting(site.WatchedSource(time.Minute, d.path, d.options())), o)
	if err != nil {
		t.Fatal(err)
	}
	return result.Snapshot
}

// round takes a round of a watch some time after the operation before.
func (d *database) round(t *testing.T, after time.Duration) *snapshot.Snapshot {
	t.Helper()
	d.Clock = d.Clock.Add(after)
	var err error
	if d.rounds == nil {
		d.rounds, err = d.Repo.NewRounds(t.Context())
	}
	if err == nil {
		_, err = d.follower.Look(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	result, err := d.rounds.Take(t.Context(), []repo.RoundMember{{
		Source:  d.counting(d.follower.Source(d.options())),
		Options: repo.BackupOptions{Environment: "app", Database: "app", IfChanged: true},
	}})
	if err == nil {
		err = result.Members[0].Err
	}
	if err == nil {
		_, err = d.rounds.Confirm(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return result.Members[0].Snapshot
}

// holds reports whether the image of a snapshot has the marker.
func (d *database) holds(t *testing.T, s *snapshot.Snapshot) bool {
	t.Helper()
	image, err := d.Repo.OpenImage(t.Context(), s)
	var b bytes.Buffer
	if err == nil {
		err = image.Copy(t.Context(), &b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(b.String(), marker)
}
