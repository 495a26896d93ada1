package web_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"firn/access"
	"firn/internal/dbtest"
	"firn/internal/sessiontest"
	"firn/web"
)

// large is a repository with a snapshot of a database of some megabytes that compress badly.
func large(t *testing.T) *sessiontest.Fixture {
	t.Helper()
	f := sessiontest.New(t, "")
	f.Exec(t, "PRAGMA journal_mode = wal", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 120) INSERT INTO t SELECT randomblob(100000) FROM n")
	f.BackUp(t, 1, time.Minute)
	return f
}

func TestFiles(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the race detector makes large answers slow")
	}
	s := start(t, large(t), limits)
	token := s.token(t, access.Stream, "*")
	answer, body := s.get(t, "/api/v1/snapshots/latest:app/file", token)
	want(t, "file", answer, "", http.StatusOK)
	if !strings.HasPrefix(body, "SQLite format 3\x00") || answer.ContentLength != int64(len(body)) || answer.Header.Get("ETag") == "" {
		t.Errorf("got %d bytes, said to be %d", len(body), answer.ContentLength)
	}
	if got, want := answer.Header.Get("Content-Disposition"), "attachment; filename=app-20260315T031300Z.db"; got != want {
		t.Errorf("name: got %q, want %q", got, want)
	}
	answer, packed := s.get(t, "/api/v1/snapshots/latest:app/file?format=zst", token)
	want(t, "zst", answer, "", http.StatusOK)
	r, err := zstd.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if plain, err := io.ReadAll(r); err != nil || string(plain) != body {
		t.Errorf("zst: got %d bytes, %v, want %d", len(plain), err, len(body))
	}
	answer, script := s.get(t, "/api/v1/snapshots/latest:app/file?format=sql", token)
	want(t, "sql", answer, "", http.StatusOK)
	if !strings.Contains(script, "CREATE TABLE t(a)") {
		t.Errorf("sql: got %.200s", script)
	}
	answer, live := s.get(t, "/api/v1/databases/app/live", token)
	want(t, "live", answer, "", http.StatusOK)
	if live[100:] != body[100:] || answer.ContentLength != int64(len(live)) { // the header counts changes
		t.Errorf("live: got another database, of %d bytes", len(live))
	}
	answer, text := s.get(t, "/api/v1/snapshots/latest:app/file?format=exe", token)
	want(t, "unknown format", answer, text, http.StatusBadRequest)
	answer, text = s.do(t, http.MethodHead, "/api/v1/databases/app/live", "", bearer(token)...)
	want(t, "head of a live copy", answer, text, http.StatusMethodNotAllowed)
	if got := answer.Header.Get("Allow"); got != http.MethodGet {
		t.Errorf("head of a live copy: got Allow %q", got)
	}
}

// packed takes a live copy in zstd, and returns it as it was sent and unpacked.
func (s *stand) packed(t *testing.T, token string) (sent, plain string) {
	t.Helper()
	answer, sent := s.do(t, http.MethodGet, "/api/v1/databases/app/live", "", append(bearer(token), "Accept-Encoding", "gzip, zstd;q=0.5")...)
	want(t, "packed", answer, "", http.StatusOK)
	if got := answer.Header.Get("Content-Encoding") + "," + answer.Header.Get("Vary"); got != "zstd,Accept-Encoding" || answer.ContentLength != -1 {
		t.Errorf("packed: got %s, and a length of %d", got, answer.ContentLength)
	}
	r, err := zstd.NewReader(strings.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return sent, string(b)
}

// TestLiveCopiesArePacked takes live copies in zstd: two of them differ only where the database does, as rsync wants it.
func TestLiveCopiesArePacked(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the race detector makes large answers slow")
	}
	s := start(t, large(t), limits)
	token := s.token(t, access.Stream, "*")
	_, plain := s.get(t, "/api/v1/databases/app/live", token)
	before, unpacked := s.packed(t, token)
	if plain[100:] != unpacked[100:] {
		t.Fatalf("got another database, of %d bytes, want %d", len(unpacked), len(plain))
	}
	s.Exec(t, "UPDATE t SET a = randomblob(100000) WHERE rowid = 60")
	after, _ := s.packed(t, token)
	const frame = "\x28\xb5\x2f\xfd" // begins each
	known, changed := strings.Split(before, frame), 0
	for _, f := range strings.Split(after, frame) {
		if !slices.Contains(known, f) {
			changed++
		}
	}
	if changed == 0 || changed > 4 || len(known) < 10 { // the first page counts changes, and the last frame has the table
		t.Errorf("%d of %d frames differ", changed, len(known))
	}
	for coding, packed := range map[string]bool{"": false, "gzip": false, "zstd;q=0": false, "ZSTD": true, "br,zstd;q=1.0": true, "zstd;q=x": false} {
		answer, _ := s.do(t, http.MethodGet, "/api/v1/databases/app/live", "", append(bearer(token), "Accept-Encoding", coding)...)
		if got := answer.Header.Get("Content-Encoding") == "zstd"; got != packed {
			t.Errorf("%q: packed is %v, want %v", coding, got, packed)
		}
	}
	c := s.dial(t)
	fmt.Fprintf(c, "GET /api/v1/databases/app/live HTTP/1.0\r\nHost: localhost\r\nAccept-Encoding: zstd\r\nAuthorization: Bearer %s\r\n\r\n", token)
	if text, err := io.ReadAll(c); err != nil || !strings.Contains(string(text), "\r\nContent-Length: ") {
		t.Errorf("a client that cannot tell the end: got %.300q, %v", text, err)
	}
}

// TestFilesThatAreKnown asks for what the client says that it has.
func TestFilesThatAreKnown(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Stream, "*")
	for _, format := range []string{"db", "zst", "sql"} {
		path := "/api/v1/snapshots/latest:app/file?format=" + format
		answer, body := s.do(t, http.MethodHead, path, "", bearer(token)...)
		want(t, format+" head", answer, body, http.StatusOK)
		tag := answer.Header.Get("ETag")
		if body != "" || tag == "" || (format == "db") != (answer.ContentLength > 0) {
			t.Errorf("%s head: got %q, ETag %q and length %d", format, body, tag, answer.ContentLength)
		}
		for known, status := range map[string]int{tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, "x": 200, "": 200} {
			answer, body := s.do(t, http.MethodGet, path, "", append(bearer(token), "If-None-Match", known)...)
			want(t, format+" "+known, answer, "", status)
			if status == 304 && (body != "" || answer.Header.Get("ETag") != tag) {
				t.Errorf("%s %s: got %d bytes, ETag %q", format, known, len(body), answer.Header.Get("ETag"))
			}
		}
	}
	s.Exec(t, "INSERT INTO t VALUES (1)")
	tags, admin := map[string]bool{}, s.token(t, access.Admin, "*")
	for range 2 {
		answer, _ := s.do(t, http.MethodHead, "/api/v1/snapshots/latest:app/file", "", bearer(token)...)
		tags[answer.Header.Get("ETag")] = true
		s.Clock = s.Clock.Add(time.Minute) // the newest of two snapshots of one moment is any of them
		answer, body := s.post(t, "/api/v1/databases/app/backup", admin, "")
		want(t, "backup", answer, body, http.StatusOK)
	}
	if len(tags) != 2 {
		t.Errorf("two contents have the names %v", tags)
	}
}

// TestCutFilesAreNoFiles reads snapshots of a damaged repository: a client gets an error, or a connection that breaks.
func TestCutFilesAreNoFiles(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the race detector makes large answers slow")
	}
	f := large(t)
	f.DamagePack(t)
	s := start(t, f, limits)
	token := s.token(t, access.Stream, "*")
	for _, format := range []string{"db", "zst"} {
		answer, err := client().Do(s.request(t, http.MethodGet, "/api/v1/snapshots/latest:app/file?format="+format, "", bearer(token)...))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: got %d before the first byte: the test needs damage behind it", format, answer.StatusCode)
		}
		if err == nil {
			t.Errorf("%s: a part of %d bytes passes for the whole", format, n)
		}
	}
	c := s.dial(t)
	fmt.Fprintf(c, "GET /api/v1/snapshots/latest:app/file?format=zst HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", token)
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, " 505 ") {
		t.Errorf("a client that cannot tell the end: got %q, %v", line, err)
	}
}

// TestSlowClientsHoldNoTransaction checks that a WAL can be reset while a client takes a live copy slowly.
func TestSlowClientsHoldNoTransaction(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the race detector makes large answers slow")
	}
	s := start(t, large(t), web.Limits{})
	token := s.token(t, access.Stream, "*")
	answer, err := client().Do(s.request(t, http.MethodGet, "/api/v1/databases/app/live", "", bearer(token)...))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	s.Exec(t, "INSERT INTO t VALUES (1)")
	db := dbtest.Open(t, s.Path("app.db"))
	defer db.Close()
	var busy, log, done int
	if err := db.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &done); err != nil || busy != 0 {
		t.Errorf("checkpoint while the client reads: busy %d, %v", busy, err)
	}
	second, body := s.get(t, "/api/v1/databases/app/live", token)
	want(t, "second file of a token", second, body, http.StatusTooManyRequests)
	if n, err := io.Copy(io.Discard, answer.Body); err != nil || n != answer.ContentLength {
		t.Errorf("got %d bytes of %d, %v", n, answer.ContentLength, err)
	}
}

// TestEndIsGraceful ends the server while a client reads: the client gets all.
func TestEndIsGraceful(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the race detector makes large answers slow")
	}
	s := start(t, large(t), limits)
	token := s.token(t, access.Stream, "*")
	answer, err := client().Do(s.request(t, http.MethodGet, "/api/v1/snapshots/latest:app/file", "", bearer(token)...))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	ended := make(chan error, 1)
	go func() { ended <- s.end() }()
	if n, err := io.Copy(io.Discard, answer.Body); err != nil || n != answer.ContentLength {
		t.Errorf("got %d bytes of %d, %v", n, answer.ContentLength, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := client().Do(s.request(t, http.MethodGet, "/healthz", "").WithContext(context.Background())); err == nil {
		t.Error("the server still answers")
	}
}

func TestValuesAreSavedNeverShown(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the race detector makes large answers slow")
	}
	const column = "a\r\nSet-Cookie: x=1\r\n\r\n<script>\"; filename=evil.exe"
	s := small(t, `CREATE TABLE v("`+strings.ReplaceAll(column, `"`, `""`)+`")`, "INSERT INTO v VALUES (CAST('<script>alert(1)</script>' AS BLOB)), (zeroblob(100000000))")
	token := s.token(t, access.Read, "*")
	_, body := s.get(t, "/api/v1/snapshots/latest:app/rows?table=v", token)
	rows := decode[struct {
		Keys []string
		Long [][3]int64
	}](t, body)
	if len(rows.Keys) != 2 || len(rows.Long) != 1 || rows.Long[0] != [3]int64{1, 0, 100000000} {
		t.Fatalf("got %s", body)
	}
	get := func(key string) (*http.Response, string) {
		return s.get(t, "/snapshots/latest:app/value?"+url.Values{"table": {"v"}, "key": {key}, "column": {column}}.Encode(), token)
	}
	answer, body := get(rows.Keys[0])
	want(t, "value", answer, body, http.StatusOK)
	h := answer.Header
	if body != "<script>alert(1)</script>" || h.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment; filename=") ||
		!strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox;") || h.Get("Set-Cookie") != "" || strings.ContainsAny(h.Get("Content-Disposition"), "<>\"\r\n") {
		t.Errorf("got %q with %v", body, h)
	}
	answer, body = get(rows.Keys[1])
	if want(t, "large value", answer, "", http.StatusOK); !bytes.Equal([]byte(body), make([]byte, 100000000)) {
		t.Errorf("got %d bytes", len(body))
	}
}
