package cmd_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"firn/cmd"
	"firn/internal/dbtest"
)

// TestServe serves a repository, with a watch in the same process, signs in with the link that is printed, and ends the command.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	for name, value := range map[string]string{"FIRN_CACHE_DIR": "cache", "FIRN_STATE_DIR": "state", "FIRN_CONFIG": "firn.toml"} {
		t.Setenv(name, filepath.Join(dir, value))
	}
	conf := "repository = \"repo\"\n[env.app]\ndatabase = \"app.db\"\n"
	if err := os.WriteFile(os.Getenv("FIRN_CONFIG"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	db := dbtest.Open(t, filepath.Join(dir, "app.db"))
	dbtest.Exec(t, db, "CREATE TABLE t(a)")
	defer db.Close()
	for _, args := range [][]string{{"init"}, {"backup", "app"}} {
		if code := cmd.Run(t.Context(), args, cmd.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}); code != 0 {
			t.Fatalf("%v: exit code %d", args, code)
		}
	}
	for _, args := range [][]string{{"serve"}, {"serve", "--watch"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) { testServe(t, append(args, "--listen", "127.0.0.1:0")) })
	}
}

func testServe(t *testing.T, args []string) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, written := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		code := cmd.Run(ctx, args, cmd.Streams{In: strings.NewReader(""), Out: written, Err: written})
		written.Close()
		ended <- code
	}()
	lines := bufio.NewScanner(out)
	link := regexp.MustCompile(`(http://127\.0\.0\.1:\d+)/sign-in#(\w+)`)
	var found []string
	for found == nil && lines.Scan() {
		found = link.FindStringSubmatch(lines.Text())
	}
	if found == nil {
		t.Fatalf("got no link, exit code %d", <-ended)
	}
	go func() { // the rest of the output is read, so that nothing waits for it
		for lines.Scan() {
		}
	}()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: &insecureJar{jar}}
	page, err := client.PostForm(found[1]+"/sign-in", url.Values{"secret": {found[2]}})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(page.Body)
	page.Body.Close()
	if err != nil || page.StatusCode != http.StatusOK || !strings.Contains(string(body), `href="/databases/app"`) {
		t.Errorf("first page: got %d, %v: %s", page.StatusCode, err, body)
	}
	client.CloseIdleConnections()
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit code: got %d, want 0", code)
	}
}

// insecureJar returns cookies that are meant for TLS, as browsers do for the own host.
type insecureJar struct{ http.CookieJar }

// Cookies returns the cookies of a URL.
func (j *insecureJar) Cookies(u *url.URL) []*http.Cookie {
	secure := *u
	secure.Scheme = "https"
	return j.CookieJar.Cookies(&secure)
}

// SetCookies keeps the cookies of an answer.
func (j *insecureJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	secure := *u
	secure.Scheme = "https"
	j.CookieJar.SetCookies(&secure, cookies)
}
