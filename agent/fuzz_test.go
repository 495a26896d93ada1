package agent_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"firn/agent"
	"firn/internal/dbtest"
	"firn/pull"
)

// guarded is a folder with one database that an agent may write, and one beside it that it may not touch.
type guarded struct {
	path, secret string
	handler      http.Handler
	close        func() error
}

const secretText = "the secret of the other database"

// newGuarded makes the folder. The databases are copies of files.
func newGuarded(t testing.TB, database, secret []byte) *guarded {
	t.Helper()
	dir := t.TempDir()
	g := &guarded{path: filepath.Join(dir, "app.db"), secret: filepath.Join(dir, "secret.sqlite")}
	for path, content := range map[string][]byte{g.path: database, g.secret: secret} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := agent.New(agent.Options{Allow: []string{filepath.Join(dir, "*.db")}, Writable: true, Now: later, CacheDir: filepath.Join(dir, "cache")})
	if err != nil {
		t.Fatal(err)
	}
	g.handler, g.close = a.Handler(), a.Close
	return g
}

// ask sends a request with a body, and returns the body of the answer.
func (g *guarded) ask(path string, body []byte) []byte {
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body)))
	return w.Body.Bytes()
}

// place puts the paths of the databases in place of words. Fuzzers know no paths.
func (g *guarded) place(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("@app"), []byte(g.path))
	return bytes.ReplaceAll(text, []byte("@secret"), []byte(g.secret))
}

// framed returns frames of a puller: each line of a text is one, with the kind as its first byte. %key stands for a key, %page and
// %image for the first page and all pages of an image, and other words are as in place.
func (g *guarded) framed(lines string, image []byte) []byte {
	out := new(bytes.Buffer)
	s := pull.NewStream(nil, out, nil)
	for line := range strings.SplitSeq(lines, "\n") {
		if line == "" {
			continue
		}
		content := g.place([]byte(line[1:]))
		content = bytes.ReplaceAll(content, []byte("%key"), make([]byte, 32))
		content = bytes.ReplaceAll(content, []byte("%image"), image)
		content = bytes.ReplaceAll(content, []byte("%page"), image[:512])
		if len(content) <= 1<<20 {
			_ = s.Write(pull.Kind(line[0]), content)
		}
	}
	return out.Bytes()
}

// kindsIn returns the kinds of the frames of an answer.
func kindsIn(answer []byte) (kinds []pull.Kind) {
	s := pull.NewStream(bytes.NewReader(answer), io.Discard, nil)
	for {
		kind, _, err := s.Next()
		if err != nil {
			return kinds
		}
		kinds = append(kinds, kind)
	}
}

// FuzzAgent sends any frames and requests to an agent: there is no panic and no hang, the target stays as it is unless a restore
// was done, nothing is told or changed of a database that is not allowed, and no private file is left.
func FuzzAgent(f *testing.F) {
	dir := f.TempDir()
	path, secretPath := filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")
	dbtest.Create(f, path, dbtest.Options{PageSize: 512, Rows: 5})
	dbtest.Create(f, secretPath, dbtest.Options{PageSize: 512, Rows: 5})
	exec(f, secretPath, "CREATE TABLE secret(a); INSERT INTO secret VALUES ('"+secretText+"')")
	database, secret := fileOf(f, path), fileOf(f, secretPath)
	exec(f, path, "DELETE FROM posts")
	image := fileOf(f, path)
	stage := `I{"page_size":512,"page_count":` + strconv.Itoa(len(image)/512) + `}`
	whole := "W\nP\x00" + string(binary.AppendUvarint(nil, uint64(len(image)/512))) + "\nd%image"
	for _, lines := range []string{
		"O{\"database\":\"@app\"}\nA", "O{\"database\":\"@app\"}\nH%key\nR\x01\x01", "O{\"database\":\"@app\"}\nC{}\nW\x00\x01\nR\x01\x01\nA",
		"O{\"database\":\"@app\",\"compact\":true}\nA", "O{\"database\":\"@secret\"}\nA", "O{\"database\":\"@app/../secret.sqlite\"}\nA",
		"O{\"database\":\"@app\",\"state\":\"0123456789abcdef\"}\nA\nA", "A", "H%key", "O{}", "O{\"database\":\"@app\",\"follow\":true}\nR\x00\x01\nR\x00\x01",
	} {
		f.Add("/image", lines, []byte{})
	}
	for _, lines := range []string{
		"B{\"database\":\"@app\"}\n" + stage + "\nd%page\nH%key\n" + whole + "\nX\nG",
		"B{\"database\":\"@app\"}\n" + stage + "\nd%page\nX\nG\n" + whole,
		"B{\"database\":\"@app\"}\n" + stage + "\nd%page\nX\nH%key\n" + whole + "\nG",
		"B{\"database\":\"@app\"}\n" + stage + "\nd%page\nH%key\nP\x00\x01\nd%page\nX\nG",
		"B{\"database\":\"@app\"}\nX", "B{\"database\":\"@secret\"}\n" + stage + "\nd%page\nX\nG\n" + whole,
		"B{\"database\":\"@app\"}\nI{\"page_size\":512,\"page_count\":9,\"keep_as\":\".before-restore-1\"}\nd%page\nX\nP\x00\x09\nd%image",
	} {
		f.Add("/restore", lines, []byte{})
	}
	for _, path := range []string{"/describe", "/look", "/stored", "/release", "/target", "/none"} {
		f.Add(path, "", []byte(`{"database":"@app"}`))
		f.Add(path, "", []byte(`{"database":"@secret","id":1,"end":true,"hold":true}`))
	}
	f.Add("/image", "", []byte{'O', 0, 0, 0, 9, '{'})
	f.Fuzz(func(t *testing.T, path, lines string, raw []byte) {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " \x00\r\n%#?\x7f") || strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r > '~' }) {
			return
		}
		g := newGuarded(t, database, secret)
		body := append(g.framed(lines, image), g.place(raw)...)
		answer := g.ask(path, body)
		if bytes.Contains(answer, []byte(secretText)) {
			t.Error("the secret is told")
		}
		if err := g.close(); err != nil {
			t.Error(err)
		}
		done := false
		for _, kind := range kindsIn(answer) {
			done = done || path == "/restore" && kind == pull.Done
		}
		if !done && !bytes.Equal(fileOf(t, g.path), database) {
			t.Errorf("the target has changed, and the answer was %q", answer)
		}
		if done {
			dbtest.Open(t, g.path).Close()
		}
		if !bytes.Equal(fileOf(t, g.secret), secret) {
			t.Error("the other database has changed")
		}
		noPrivateFiles(t, filepath.Dir(g.path))
	})
}

// fileOf reads a file.
func fileOf(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
