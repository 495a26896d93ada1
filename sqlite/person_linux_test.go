package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"firn/sqlite"
)

// personEnv tells a re-executed test binary to obey orders on standard input: "weak" without a superuser's rights.
const personEnv = "FIRN_SQLITE_PERSON"

// person is a process of one user.
type person struct {
	uid, gid int
	groups   []uint32
	weak     bool // the superuser, without the rights that come with it

	mu  sync.Mutex // of one order and its answer
	in  *json.Encoder
	out *bufio.Reader
	end func()
}

// order names what a person does with a database. The answer is a line of text, "ok" for success.
type order struct{ What, Path, Arg string }

// startPersons starts the processes. They end with the test.
func startPersons(t *testing.T, persons ...*person) {
	t.Helper()
	program := filepath.Join(openFolder(t), "test") // the original binary is in a folder of the superuser
	binary := readFile(t, "/proc/self/exe")
	syscall.ForkLock.RLock() // a process that another test starts meanwhile would hold the file open for writing
	err := os.WriteFile(program, binary, 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range persons {
		p.start(t, program)
	}
}

// openFolder returns a folder that all users may enter.
func openFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (p *person) start(t *testing.T, program string) {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), personEnv+"="+strconv.FormatBool(p.weak))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(p.uid), Gid: uint32(p.gid), Groups: p.groups}}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.in, p.out = json.NewEncoder(in), bufio.NewReader(out)
	p.end = func() { cmd.Process.Kill(); cmd.Wait() }
	t.Cleanup(p.end)
}

// does has the person do something and returns the answer.
func (p *person) does(t *testing.T, what, path, arg string) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.in.Encode(order{what, path, arg}); err != nil {
		t.Fatal(err)
	}
	answer, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return answer[:len(answer)-1]
}

// must is does for an order that has to succeed.
func (p *person) must(t *testing.T, what, path, arg string) {
	t.Helper()
	if answer := p.does(t, what, path, arg); answer != "ok" {
		t.Fatalf("user %d: %s %s: %s", p.uid, what, path, answer)
	}
}

// may reports whether the mode of a file of this owner and group gives the person all of the rights, bits of 7.
func (p *person) may(uid, gid int, mode fs.FileMode, rights fs.FileMode) bool {
	switch {
	case p.uid == 0 && !p.weak:
		return true
	case p.uid == uid:
		mode >>= 6
	case p.gid == gid || slices.Contains(p.groups, uint32(gid)):
		mode >>= 3
	}
	return mode&rights == rights
}

// personMain obeys orders, if the process was started for that.
func personMain() {
	weak, ok := os.LookupEnv(personEnv)
	if !ok {
		return
	}
	syscall.Umask(0o077) // a careful umask, which must not get in the way either
	if weak == "true" {
		runtime.LockOSThread()
		if err := unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &make([]unix.CapUserData, 2)[0]); err != nil {
			panic(err)
		}
	}
	p := &obeying{held: map[string]*sql.DB{}, images: map[string]*sqlite.Image{}}
	orders := json.NewDecoder(os.Stdin)
	for {
		var o order
		if orders.Decode(&o) != nil {
			os.Exit(0)
		}
		answer := "ok"
		if err := p.obey(o); err != nil {
			answer = fmt.Sprintf("%.200q", err.Error())
			if errors.Is(err, fs.ErrPermission) {
				answer = "permission"
			}
		}
		fmt.Println(answer)
	}
}

// obeying is the state of a person's process.
type obeying struct {
	held   map[string]*sql.DB
	images map[string]*sqlite.Image
}

func (p *obeying) obey(o order) error {
	switch o.What {
	case "make": // Arg is the journal mode
		return withDB(o.Path, "PRAGMA journal_mode = "+o.Arg+"; CREATE TABLE t (a); INSERT INTO t VALUES (1), (2), (3)")
	case "run":
		return withDB(o.Path, o.Arg)
	case "hold": // runs Arg and keeps the database open
		db, err := openFast(o.Path)
		if err != nil {
			return err
		}
		p.held[o.Path] = db
		_, err = db.Exec(o.Arg)
		return err
	case "release": // runs Arg before
		_, err := p.held[o.Path].Exec(o.Arg)
		return errors.Join(err, p.held[o.Path].Close())
	case "image": // written to Arg
		image, err := takeImage(o.Path)
		if err != nil {
			return err
		}
		return os.WriteFile(o.Arg, image, 0o644)
	case "begin": // an image, of which one byte is read
		image, err := sqlite.Open(context.Background(), o.Path, sqlite.Options{Now: later})
		if err != nil {
			return err
		}
		p.images[o.Path] = image
		_, err = image.Read(make([]byte, 1))
		return err
	case "finish": // the image
		_, err := io.Copy(io.Discard, p.images[o.Path])
		return errors.Join(err, p.images[o.Path].Close())
	}
	return errors.New("unknown order")
}

// openFast opens a database that need not survive the machine.
func openFast(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(2000)&_pragma=synchronous(0)")
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// withDB runs SQL as an application that opens and closes the database.
func withDB(path, query string) error {
	db, err := openFast(path)
	if err != nil {
		return err
	}
	_, err = db.Exec(query)
	return errors.Join(err, db.Close())
}

func takeImage(path string) ([]byte, error) {
	image, err := sqlite.Open(context.Background(), path, sqlite.Options{Now: later})
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(image)
	return b, errors.Join(err, image.Close())
}

// rowsIn returns the number of rows in the table of an image.
func rowsIn(t *testing.T, path string) (n int64) {
	t.Helper()
	b := readFile(t, path)
	view, err := sqlite.OpenView(t.Context(), bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	err = view.Query("SELECT count(*) FROM t", func([]string) error { return nil }, func(row []any) error { n = row[0].(int64); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return n
}
