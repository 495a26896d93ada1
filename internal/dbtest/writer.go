package dbtest

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// writerEnv is the environment variable that makes a test binary the writer. Its value is "seed path".
const writerEnv = "FIRN_DBTEST_WRITER"

// Main makes the process a writer if [StartWriter] started it; Main does not return then. TestMain must call Main first.
func Main() {
	task, ok := os.LookupEnv(writerEnv)
	if !ok {
		return
	}
	go func() { // the test died: so do we
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	seed, path, _ := strings.Cut(task, " ")
	n, err := strconv.ParseUint(seed, 10, 64)
	if err == nil {
		err = Write(path, n, func() { os.Stdout.WriteString("committed\n") })
	}
	fmt.Fprintln(os.Stderr, "writer:", err)
	os.Exit(1)
}

// Write changes the database as fast as it can, until a change fails. It rolls back, makes checkpoints of every kind, and
// closes and opens the database. It calls committed after the first commit.
func Write(path string, seed uint64, committed func()) error {
	r := rand.New(rand.NewPCG(seed, 3))
	for {
		if err := writeAWhile(path, r, committed); err != nil {
			return err
		}
		committed = func() {}
	}
}

func writeAWhile(path string, r *rand.Rand, committed func()) error {
	db, err := openDB(path)
	if err != nil {
		return err
	}
	defer db.Close()
	// The file survives the death of a process without any sync.
	if _, err := db.Exec("PRAGMA synchronous = OFF; PRAGMA cache_size = 20"); err != nil {
		return err
	}
	for n := range 20 + r.IntN(60) {
		if err := transaction(db, r, 1+r.IntN(12), r.IntN(6) > 0); err != nil {
			return err
		}
		if n == 5 {
			committed()
		}
		if r.IntN(10) == 0 {
			checkpoint(db, r)
		}
	}
	return nil
}

// checkpoint makes a checkpoint, unless the database is busy.
func checkpoint(db *sql.DB, r *rand.Rand) {
	kind := []string{"PASSIVE", "FULL", "RESTART", "TRUNCATE"}[r.IntN(4)]
	db.Exec("PRAGMA busy_timeout = 20")
	db.Exec("PRAGMA wal_checkpoint(" + kind + ")")
	db.Exec("PRAGMA busy_timeout = 20000")
}

// Writer is a process that writes to a database.
type Writer struct {
	cmd *exec.Cmd
}

// StartWriter starts a process that runs [Write] until [Writer.Kill] or the end of the test, and returns after its
// first commits.
func StartWriter(t testing.TB, path string, seed uint64) *Writer {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", writerEnv, seed, path))
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start writer: %v", err)
	}
	w := &Writer{cmd}
	t.Cleanup(w.Kill)
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("writer has not committed: %v", err)
	}
	return w
}

// Kill ends the writer at once, in the middle of its work (kill -9).
func (w *Writer) Kill() {
	if w.cmd.ProcessState == nil {
		w.cmd.Process.Kill()
		w.cmd.Wait()
	}
}
