package cmd_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"firn/cmd"
	"firn/internal/dbtest"
)

// TestWatchRequests counts the requests of a watch's rounds that arrive at a server, for the table in docs/s3.md: their number
// must not depend on that of the databases.
func TestWatchRequests(t *testing.T) {
	t.Parallel()
	for _, databases := range []int{1, 30} {
		t.Run(fmt.Sprint(databases), func(t *testing.T) {
			t.Parallel()
			r := newRequestRig(t)
			for i := range databases {
				dbtest.Create(t, r.database(i), dbtest.Options{WAL: true, Rows: 10})
			}
			r.configure(t, "[watch]\nevery = \"1s\"\nconfirm = \"round\"\n[env.\"t*\"]\ndatabase = \"t*.db\"\n")
			w := r.watch(t)
			w.await(t, "confirm")
			rounds := r.puts("round-")
			r.proxy.Reset()
			for n := range 3 {
				for i := range databases {
					r.execIn(t, r.database(i), fmt.Sprintf("UPDATE ledger_a SET amount = %d", n))
				}
				w.await(t, "confirm")
			}
			w.end(t)
			r.judgeRounds(t, rounds)
		})
	}
}

func (r *requestRig) database(i int) string { return filepath.Join(r.dir, fmt.Sprintf("t%d.db", i)) }

// puts returns how many objects were stored whose names have a part.
func (r *requestRig) puts(part string) (n int) {
	for _, q := range r.proxy.Requests() {
		if q.Kind == "put" && strings.Contains(q.Key, part) {
			n++
		}
	}
	return n
}

// judgeRounds wants one put and one list for each round, and none of other kinds but for signs of life. Retention lists once more.
func (r *requestRig) judgeRounds(t *testing.T, before int) {
	t.Helper()
	kinds := make(map[string]int)
	for _, q := range r.proxy.Requests() {
		if !strings.Contains(q.Key, "alive-") {
			kinds[q.Kind]++
		}
	}
	rounds := r.puts("round-")
	if before != 1 || rounds < 3 || kinds["put"] != rounds || kinds["list"] > rounds+1 || len(kinds) != 2 {
		t.Errorf("%d rounds at first, then %d: requests %v, want a put and a list for each", before, rounds, kinds)
	}
}

// watching is a watch that runs in this process.
type watching struct {
	lines  *bufio.Scanner
	cancel context.CancelFunc
	code   chan int
}

// watch starts a watch, which ends with the test.
func (r *requestRig) watch(t *testing.T) *watching {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	w := &watching{bufio.NewScanner(in), cancel, make(chan int, 1)}
	args := []string{"watch", "--all", "--json", "-v", "--config", filepath.Join(r.dir, "firn.toml"), "--cache-dir", filepath.Join(r.dir, "cache")}
	go func() {
		code := cmd.Run(ctx, args, cmd.Streams{In: strings.NewReader(""), Out: out, Err: out})
		_ = out.Close() // never fails
		w.code <- code
	}()
	t.Cleanup(func() { cancel(); _, _ = io.Copy(io.Discard, in) })
	return w
}

// await reads the watch's output until it tells an event of a kind.
func (w *watching) await(t *testing.T, kind string) {
	t.Helper()
	for w.lines.Scan() {
		var e struct{ Event string }
		if json.Unmarshal(w.lines.Bytes(), &e) == nil && e.Event == kind {
			return
		}
	}
	t.Fatalf("the watch has ended without %q", kind)
}

// end ends the watch, and reads its output to the end.
func (w *watching) end(t *testing.T) {
	t.Helper()
	w.cancel()
	for w.lines.Scan() {
		continue
	}
	<-w.code // the context's end is an interrupt
}
