package showcase_test

import (
	"context"
	"flag"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"firn/access"
	"firn/internal/showcase"
	"firn/web"
)

var (
	into     = flag.String("pictures", "", "write pictures of the pages into this `folder`, with Chromium")
	everyOne = flag.Bool("every", false, "take pictures of all pages in all looks, for a person to go through")
	browser  = flag.String("browser", "chromium", "the `program` of Chromium")
)

// largestPicture is the size in bytes that a picture of the documents may have.
const largestPicture = 150_000

// stage is a server of a company whose every request has all rights: pictures are taken without a sign-in.
type stage struct {
	*httptest.Server
	company *showcase.Company
}

// newStage serves a company.
func newStage(t *testing.T, c *showcase.Company) *stage {
	t.Helper()
	now := func() time.Time { return c.Clock }
	dir := filepath.Join(c.Dir, "serve")
	tokens, err := access.Open(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	log, err := access.OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() }) // nothing is changed
	token, err := tokens.Add(t.Context(), access.Grant{Name: "admin", Scopes: []access.Scope{access.Admin}, Environment: "*", Expires: c.Clock.Add(24 * 365 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	server, err := web.New(c.Session, web.Options{Tokens: tokens, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	places := strings.NewReplacer(c.Dir+"/repo", "/mnt/backup/firn", c.Dir, "/etc/firn")
	return &stage{httptest.NewServer(withToken(server.Handler(), token.Reveal(), places)), c}
}

// withToken serves pages to a browser that has not signed in. /frame has a page in a frame of some width: the window of a headless
// browser cannot be as narrow as a telephone.
func withToken(next http.Handler, token string, places *strings.Replacer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/frame" {
			q := r.URL.Query()
			fmt.Fprintf(w, `<!doctype html><meta name="color-scheme" content="light dark"><body style="margin:0"><iframe src="%s" style="border:0;width:%spx;height:%spx">`,
				html.EscapeString(q.Get("path")), html.EscapeString(q.Get("width")), html.EscapeString(q.Get("height")))
			return
		}
		r.Header.Set("Authorization", "Bearer "+token)
		next.ServeHTTP(framed{w, places}, r)
	})
}

// framed leaves out the headers that keep a page out of a frame, and shows usual places instead of temporary ones.
type framed struct {
	http.ResponseWriter
	places *strings.Replacer
}

// WriteHeader writes the other headers.
func (f framed) WriteHeader(status int) {
	h := f.Header()
	h.Del("X-Frame-Options")
	h.Del("Content-Length") // other places have other lengths
	h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "frame-ancestors 'none'", "frame-ancestors 'self'", 1))
	f.ResponseWriter.WriteHeader(status)
}

// Write writes a page, which comes in one piece.
func (f framed) Write(b []byte) (int, error) {
	_, err := f.places.WriteString(f.ResponseWriter, string(b))
	return len(b), err
}

// Unwrap lets the server set deadlines.
func (f framed) Unwrap() http.ResponseWriter { return f.ResponseWriter }

// look is how a page is shown.
type look struct {
	width, height int
	dark          bool
}

// shoot takes a picture of a page.
func (s *stage) shoot(t *testing.T, path, name string, l look) {
	t.Helper()
	file := filepath.Join(*into, name+".png")
	address := s.URL + path
	if l.width < 500 {
		address = s.URL + "/frame?" + url.Values{"path": {path}, "width": {fmt.Sprint(l.width)}, "height": {fmt.Sprint(l.height)}}.Encode()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	scheme := "1"
	if l.dark {
		scheme = "0"
	}
	c := exec.CommandContext(ctx, *browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--user-data-dir="+t.TempDir(), "--blink-settings=preferredColorScheme="+scheme,
		fmt.Sprintf("--window-size=%d,%d", l.width, l.height), "--screenshot="+file, address)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > largestPicture && !*everyOne {
		t.Errorf("%s: %d bytes, at most %d", name, info.Size(), largestPicture)
	}
}

var ids = regexp.MustCompile(`/snapshots/[0-9a-f]+`)

// snapshots returns the paths of the newest snapshots of an environment, the newest first.
func (s *stage) snapshots(t *testing.T, env string) (paths []string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.Config.Handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/databases/"+env+"?all=1", nil))
	table := w.Body.String()
	table = table[strings.Index(table, "<tbody>")+1:]
	seen := make(map[string]bool)
	for _, path := range ids.FindAllString(table, -1) {
		if !seen[path] {
			paths = append(paths, path)
		}
		seen[path] = true
	}
	if len(paths) < 8 {
		t.Fatalf("got %d snapshots", len(paths))
	}
	return paths
}

// TestPictures takes the pictures of the documents: make pictures.
func TestPictures(t *testing.T) {
	if *into == "" {
		t.Skip("it writes pictures: give -pictures FOLDER")
	}
	s := newStage(t, showcase.New(t))
	defer s.Close()
	newest := s.snapshots(t, "production")
	diff := "/diff?" + url.Values{"from": {strings.TrimPrefix(newest[3], "/snapshots/")}, "to": {strings.TrimPrefix(newest[0], "/snapshots/")}}.Encode()
	pages := []struct{ name, path string }{
		{"home", "/"}, {"database", "/databases/production"}, {"zoom", "/databases/production?last=day"},
		{"rules", "/databases/production?keep-last=2&keep-hourly=6&keep-daily=4"}, {"moment", newest[0]}, {"table", newest[0] + "/table?table=customers"},
		{"schema", newest[0] + "/schema"}, {"diff", diff}, {"rows", diff + "&table=orders"}, {"problem", "/databases/nonsense"}, {"signin", "/sign-in"},
	}
	if *everyOne {
		for _, p := range pages {
			s.everyLook(t, p.name, p.path)
		}
	} else {
		usual := look{1100, 760, false}
		for _, p := range pages[:2] {
			s.shoot(t, p.path, p.name, usual)
		}
		s.shoot(t, newest[0]+"/table?table=customers", "table", usual)
		s.shoot(t, diff+"&table=orders", "diff", usual)
		s.shoot(t, "/databases/production", "dark", look{1100, 760, true})
		s.shoot(t, "/", "narrow", look{360, 720, false})
	}
	s.company.Neglect(t)
	if *everyOne {
		s.everyLook(t, "trouble", "/")
		s.everyLook(t, "suspect", "/databases/crm")
		return
	}
	s.shoot(t, "/", "trouble", look{1100, 560, false})
}

// TestStates takes pictures of the states that a person hopes not to see.
func TestStates(t *testing.T) {
	if *into == "" || !*everyOne {
		t.Skip("it writes pictures: give -pictures FOLDER -every")
	}
	empty := newStage(t, showcase.Begin(t, "repository = \"repo\"\n"))
	defer empty.Close()
	empty.everyLook(t, "empty", "/")

	c := showcase.Begin(t, "repository = \"repo\"\n[env.\"customer-*\"]\ndatabase = \"customers/*.db\"\n")
	if err := os.Mkdir(c.Path("customers"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		if err := os.WriteFile(c.Path(fmt.Sprintf("customers/%04d.db", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	many := newStage(t, c)
	defer many.Close()
	many.everyLook(t, "many", "/?q=customer-0")

	long := strings.Repeat("a-long-name-", 9) + "x"
	c = showcase.Begin(t, "repository = \"repo\"\n[env."+long+"]\ndatabase = \"long.db\"\n")
	c.Exec(t, long, `CREATE TABLE "<script>alert(1)</script>"("><img src=x onerror=alert(1)>"); CREATE TABLE "`+strings.Repeat("wide table ", 18)+`"(a);
		INSERT INTO "<script>alert(1)</script>" VALUES ('`+strings.Repeat("&lt;b&gt;", 60)+`'), (NULL), (x'00ff'), ('a
b')`)
	c.BackUp(t, long)
	hostile := newStage(t, c)
	defer hostile.Close()
	hostile.everyLook(t, "hostile", "/")
	hostile.everyLook(t, "hostile-database", "/databases/"+long)
	hostile.everyLook(t, "hostile-moment", "/snapshots/latest:"+long)
	hostile.everyLook(t, "hostile-table", "/snapshots/latest:"+long+"/table?table="+url.QueryEscape("<script>alert(1)</script>"))
	if err := os.Rename(c.Path("repo"), c.Path("gone")); err != nil {
		t.Fatal(err)
	}
	c.Clock = c.Clock.Add(time.Hour)
	hostile.everyLook(t, "broken", "/")
	hostile.everyLook(t, "broken-database", "/databases/"+long)
}

// everyLook takes pictures of a page, wide and narrow, light and dark.
func (s *stage) everyLook(t *testing.T, name, path string) {
	t.Helper()
	s.shoot(t, path, name+"-wide", look{1280, 1000, false})
	s.shoot(t, path, name+"-wide-dark", look{1280, 1000, true})
	s.shoot(t, path, name+"-narrow", look{360, 900, false})
	s.shoot(t, path, name+"-narrow-dark", look{360, 900, true})
}
