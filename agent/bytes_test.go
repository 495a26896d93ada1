package agent_test

import (
	"fmt"
	"testing"

	"firn/internal/dbtest"
	"firn/repo"
)

// TestBytes bounds what goes over the wire. It prints the figures, of which docs/pull.md tells.
func TestBytes(t *testing.T) {
	t.Parallel()
	slow(t)
	p := newPulled(t, dbtest.Options{WAL: true})
	app := dbtest.Open(t, p.path)
	defer app.Close()
	dbtest.Exec(t, app, "PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0; CREATE TABLE big(a INTEGER PRIMARY KEY, b)")
	dbtest.Exec(t, app, "WITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<16000) INSERT INTO big SELECT i, randomblob(3900) FROM n")
	var sent, received int64
	pull := func(what string, mostSent, mostReceived int64) *repo.BackupResult {
		result := p.pull(t)
		up, down := p.line.sent.Load()-sent, p.line.received.Load()-received
		sent, received = sent+up, received+down
		t.Logf("%-28s %9d bytes to the agent, %9d from it", what, up, down)
		if mostSent > 0 && (up > mostSent || down > mostReceived) {
			t.Errorf("%s: more than %d to the agent, or %d from it", what, mostSent, mostReceived)
		}
		return result
	}
	size := pull("first", 0, 0).Snapshot.Image().Size
	pull("unchanged", 1000, 1000)
	p.host.Close()
	pull("unchanged, new connection", 1000, 1000)
	change := func(n int) { // 600 pages, all over the database
		dbtest.Exec(t, app, fmt.Sprintf("UPDATE big SET b = randomblob(3900) WHERE a %% 26 = %d AND a <= 15600", n))
	}
	change(1)
	pull("600 pages, WAL appended to", 4000, 3<<20)
	dbtest.Exec(t, app, "PRAGMA wal_checkpoint(TRUNCATE)")
	change(2)
	hashes := size / 4096 * 16
	pull("600 pages, WAL reset", 4000, 3<<20+hashes*11/10)
	dbtest.Exec(t, app, "PRAGMA wal_checkpoint(TRUNCATE)")
	pull("nothing, WAL reset", 2000, 2000+hashes*11/10)
	pull("unchanged", 1000, 1000)
}

// TestRoundTrips counts the requests of an unchanged pull over a connection that is there: one.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	p := newPulled(t, dbtest.Options{WAL: true})
	p.pull(t)
	p.pull(t)
	before := p.line.turns.Load()
	p.pull(t)
	if n := p.line.turns.Load() - before; n > 2 {
		t.Errorf("an unchanged pull waited %d times, want 2: for an answer, and for its body", n)
	}
}
