package web_test

import (
	"flag"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"firn/access"
	"firn/backup"
	"firn/internal/sessiontest"
	"firn/session"
)

// costSize makes [TestCost] a measurement: go test ./web -run TestCost -v -args -cost.mb 500.
var costSize = flag.Int("cost.mb", 0, "the size in MB of the database whose pages are measured; 0 for no measurement")

// TestCost prints how long the first rows of a snapshot and the comparison of two neighbours take through the server, with caches that
// have all and with caches that have nothing.
func TestCost(t *testing.T) {
	if *costSize == 0 {
		t.Skip("it is a measurement: see -cost.mb")
	}
	f := sessiontest.New(t, "")
	f.Exec(t, "PRAGMA journal_mode = OFF", "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, balance REAL, note TEXT)", "CREATE INDEX balances ON users(balance)",
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			INSERT INTO users SELECT i, 'user ' || i, random() / 1e9, hex(randomblob(450)) FROM n`, *costSize<<10))
	from := f.Take(t, backup.Options{})
	f.Exec(t, "UPDATE users SET balance = balance + 1 WHERE id % 20000 = 7", "DELETE FROM users WHERE id % 50000 = 9")
	f.Clock = f.Clock.Add(time.Minute)
	to := f.Take(t, backup.Options{})
	paths := map[string]string{
		"first rows": "/snapshots/" + from.ID.String() + "/table?table=users", "sorted by index": "/snapshots/" + from.ID.String() + "/table?table=users&sort=balance&desc=1",
		"counts of the comparison": "/diff?from=" + from.ID.String() + "&to=" + to.ID.String(),
		"rows of the comparison":   "/diff?from=" + from.ID.String() + "&to=" + to.ID.String() + "&table=users",
		"history of a row":         "/databases/app/history?table=users&key=7",
	}
	paths["history of a row"] = "/api/v1" + paths["history of a row"]
	for what, path := range paths {
		warm := start(t, f, limits)
		token := warm.token(t, access.Read, "*")
		warm.measured(t, path, token)
		var all []time.Duration
		for range 9 {
			all = append(all, warm.measured(t, path, token))
		}
		slices.Sort(all)
		if err := warm.tokens.Remove(t.Context(), "read *"); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%-26s warm %8v (median of 9)  cold %8v\n", what, all[4].Round(time.Millisecond/10), cold(t, f, path).Round(time.Millisecond/10))
	}
}

// cold asks once, with an empty folder for caches and a session that has read nothing.
func cold(t *testing.T, f *sessiontest.Fixture, path string) time.Duration {
	t.Helper()
	p := f.Program()
	p.Settings.CacheDir = t.TempDir()
	s, err := p.Open(t.Context(), session.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	fresh := &sessiontest.Fixture{Session: s, Clock: f.Clock}
	server := startAt(t, fresh, limits, t.TempDir())
	return server.measured(t, path, server.token(t, access.Read, "*"))
}

// measured returns how long an answer takes, to its end.
func (s *stand) measured(t *testing.T, path, token string) time.Duration {
	t.Helper()
	began := time.Now()
	answer, body := s.get(t, path, token)
	took := time.Since(began)
	want(t, path, answer, body, http.StatusOK)
	return took
}
