package agent_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/agent"
	"firn/internal/dbtest"
	"firn/pipe"
	"firn/pull"
)

// raw is a puller that sends bytes as a test wants them.
type raw struct {
	t    *testing.T
	up   *io.PipeWriter
	down io.ReadCloser
	*pull.Stream
}

// newRaw sends the beginning of a request for a stream of frames to an agent with little patience: more than a busy machine takes between two frames.
func newRaw(t *testing.T, path string, allow []string) *raw {
	t.Helper()
	_, l := start(t, agent.Options{Allow: allow, Writable: true, Patience: time.Second})
	conn, err := l.dial()
	if err != nil {
		t.Fatal(err)
	}
	client, err := pipe.Dial(conn, pull.Greeting("test"))
	if err != nil {
		t.Fatal(err)
	}
	body, up := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+pipe.Host+path, body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { up.Close(); answer.Body.Close(); client.Close() })
	return &raw{t, up, answer.Body, pull.NewStream(answer.Body, up, nil)}
}

// expect reads the next frame, which must be of a kind.
func (r *raw) expect(want pull.Kind) []byte {
	r.t.Helper()
	kind, content, err := r.Next()
	if err != nil || kind != want {
		r.t.Fatalf("got a frame %q, %v; want %q", rune(kind), err, rune(want))
	}
	return content
}

// TestSilentPuller opens an image and says nothing more, or half a frame. The agent gives the image up: a checkpoint is possible.
func TestSilentPuller(t *testing.T) {
	t.Parallel()
	for _, half := range []string{"", "R\x00\x00", "R\x00\x00\x00\x08\x01"} {
		path, allow := database(t, dbtest.Options{WAL: true})
		app := dbtest.Open(t, path)
		defer app.Close()
		r := newRaw(t, pull.PathImage, allow)
		if err := r.WriteJSON(pull.Open, pull.OpenRequest{Database: path}); err != nil {
			t.Fatal(err)
		}
		r.expect(pull.Opened)
		dbtest.Exec(t, app, "INSERT INTO ledger_a VALUES (NULL, 7)")
		if half != "" {
			if _, err := io.WriteString(r.up, half); err != nil && !errors.Is(err, io.ErrClosedPipe) { // on a slow machine the agent is first
				t.Fatal(err)
			}
		}
		if text := string(r.expect(pull.Failed)); !strings.Contains(text, "has said nothing for 1s") {
			t.Errorf("%q: got %s", half, text)
		}
		var busy, frames, done int
		if err := app.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &done); err != nil || busy != 0 {
			t.Errorf("%q: a checkpoint is held up: busy %d, %v", half, busy, err)
		}
	}
}

// TestPatienceOfRestore has the pages of a restore end in the middle. The agent gives it up, and removes what was sent.
func TestPatienceOfRestore(t *testing.T) {
	t.Parallel()
	path, allow := database(t, dbtest.Options{WAL: true})
	before := imageOf(t, path)
	r := newRaw(t, pull.PathRestore, allow)
	if err := r.WriteJSON(pull.Begin, pull.RestoreRequest{Database: path}); err != nil {
		t.Fatal(err)
	}
	r.expect(pull.Ready)
	if err := r.WriteJSON(pull.Stage, pull.StageRequest{PageSize: 4096, PageCount: 50}); err != nil {
		t.Fatal(err)
	}
	if err := r.Write(pull.Data, before[:4096]); err != nil {
		t.Fatal(err)
	}
	r.expect(pull.Staged)
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) < 2 {
		t.Errorf("there is no private file yet: %v, %v", entries, err)
	}
	err := r.Write(pull.Pages, []byte{0, 50})
	if err == nil {
		err = r.Write(pull.Data, before[:8192])
	}
	if err != nil && !errors.Is(err, io.ErrClosedPipe) {
		t.Fatal(err)
	}
	r.expect(pull.Failed)
	if _, err := io.ReadAll(r.down); err != nil {
		t.Error(err)
	}
	noPrivateFiles(t, filepath.Dir(path))
	if !bytes.Equal(imageOf(t, path), before) {
		t.Error("the target has changed")
	}
}
