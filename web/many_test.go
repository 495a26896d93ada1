package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/access"
	"firn/internal/sessiontest"
	"firn/repo"
	"firn/snapshot"
)

var (
	databases = flag.Int("databases", 0, "measure the first page with so many databases")
	rounds    = flag.Int("rounds", 30, "how many snapshots each of them has")
)

// blob is an image for tests that look at no content.
type blob struct{ *bytes.Reader }

func (blob) Close() error                   { return nil }
func (blob) Unchanged(json.RawMessage) bool { return false }
func (b blob) Describe() snapshot.Image {
	return snapshot.Image{PageSize: 512, PageCount: b.Size() / 512}
}

// crowd is a repository of many databases, each with some snapshots, that a pattern of the configuration finds.
func crowd(t testing.TB, n, rounds int) *sessiontest.Fixture {
	t.Helper()
	f := sessiontest.New(t, "[env.\"tenant-*\"]\ndatabase = \"tenants/*.db\"\n")
	if err := os.Mkdir(f.Path("tenants"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		f.Write(t, fmt.Sprintf("tenants/%04d.db", i), "")
	}
	w, err := f.Repo.NewRounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for round := range rounds {
		f.Clock = f.Clock.Add(time.Hour)
		var members []repo.RoundMember
		for i := range n {
			content := bytes.Repeat([]byte(fmt.Sprintf("%08d", i*1000+round)), 64*(1+(round*(i%7))%20))
			source := func(context.Context) (repo.SourceImage, error) { return blob{bytes.NewReader(content)}, nil }
			name := fmt.Sprintf("%04d", i)
			members = append(members, repo.RoundMember{Source: source, Options: repo.BackupOptions{Environment: "tenant-" + name, Database: name}})
		}
		if _, err := w.Take(t.Context(), members); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Confirm(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestHomeOfManyDatabases prints how long the first page takes, once with lists that have to be read anew and once with those of a
// moment ago: go test ./web -run HomeOfMany -databases 1000 -v
func TestHomeOfManyDatabases(t *testing.T) {
	if *databases == 0 {
		t.Skip("it measures: give -databases 1000")
	}
	f := crowd(t, *databases, *rounds)
	s := start(t, f, limits)
	token := s.token(t, access.Status, "*")
	s.timed(t, "/", token) // the first one opens all records
	for name, step := range map[string]time.Duration{"read anew": time.Minute, "of a moment ago": 0} {
		var first, whole []time.Duration
		for range 40 {
			f.Clock = f.Clock.Add(step)
			a, b := s.timed(t, "/", token)
			first, whole = append(first, a), append(whole, b)
		}
		slices.Sort(first)
		slices.Sort(whole)
		t.Logf("%d databases with %d snapshots each, lists %s: first byte %v (at worst %v), all %v (at worst %v)",
			*databases, *rounds, name, first[20], first[39], whole[20], whole[39])
	}
}

// timed asks for a page and returns after what time its first byte and all of it came.
func (s *stand) timed(t *testing.T, path, token string) (first, whole time.Duration) {
	t.Helper()
	r := s.request(t, http.MethodGet, path, "", bearer(token)...)
	begun := time.Now()
	trace := &httptrace.ClientTrace{GotFirstResponseByte: func() { first = time.Since(begun) }}
	answer, err := client().Do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(text), "tenant-0000") {
		t.Fatalf("got %v, %v", answer.Status, err)
	}
	return first, time.Since(begun)
}

func TestHomeFiltersAndPages(t *testing.T) {
	t.Parallel()
	f := crowd(t, 430, 2)
	s := start(t, f, limits)
	token := s.token(t, access.Status, "*")
	const whole = "1 of 431 databases needs attention: app has no copy."
	for path, tt := range map[string]struct {
		rows          int
		with, without []string
	}{
		"/":                        {200, []string{"No copy <b>1</b>", "Protected <b>430</b>", "/?skip=200", "1 to 200 of 431", ">app</a>"}, []string{"tenant-0300"}},
		"/?skip=200":               {200, []string{"tenant-0300", "/?skip=400", `href="/" rel="prev"`, "201 to 400 of 431"}, []string{">app</a>"}},
		"/?skip=400":               {31, []string{"tenant-0429", "401 to 431 of 431"}, []string{`rel="next"`}},
		"/?skip=100000":            {0, []string{"No database"}, nil},
		"/?q=TENANT-004":           {10, []string{"tenant-0042", "Protected <b>10</b>", `value="TENANT-004"`}, []string{"tenant-0052", ">app</a>", `rel="next"`}},
		"/?q=tenant&skip=200":      {200, []string{"q=tenant&amp;skip=400", "201 to 400 of 430"}, nil},
		"/?state=No+copy":          {1, []string{">app</a>", "Protected <b>430</b>", `name="state" value="No copy"`}, []string{"tenant-0000"}},
		"/?q=%22%3E%3Cscript%3Ex":  {0, []string{"No database fits", "&#34;&gt;&lt;script&gt;x"}, []string{"<script>x"}},
		"/?q=tenant&state=Suspect": {0, []string{"No database is in this state"}, nil},
	} {
		answer, body := s.get(t, path, token)
		want(t, path, answer, body, http.StatusOK)
		for _, text := range append(tt.with, whole) {
			if !strings.Contains(body, text) {
				t.Errorf("%s lacks %q", path, text)
			}
		}
		for _, text := range tt.without {
			if strings.Contains(body, text) {
				t.Errorf("%s has %q", path, text)
			}
		}
		if got := strings.Count(body, `<th scope="row">`); got != tt.rows {
			t.Errorf("%s: got %d rows, want %d", path, got, tt.rows)
		}
	}
	answer, body := s.get(t, "/?skip=x", token)
	want(t, "a wrong number", answer, body, http.StatusBadRequest)
}
