package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// application is a process that has the database open, as a real application has. So the
// WAL stays between two changes, and holds pages that are not in the database's file yet.
type application struct {
	database string
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      *bufio.Scanner
	stderr   bytes.Buffer
}

func openApplication(database string) (*application, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	a := &application{database: database, cmd: exec.Command(self, workloadArg, "open", database)}
	a.cmd.Stderr = &a.stderr
	if a.in, err = a.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	a.out = bufio.NewScanner(out)
	return a, a.cmd.Start()
}

// do runs an action in the application and returns the number of pages that it wrote.
func (a *application) do(action string, args ...any) (pages int, err error) {
	if _, err := fmt.Fprintln(a.in, append([]any{action}, args...)...); err != nil {
		return 0, a.failed(action, err)
	}
	if !a.out.Scan() {
		return 0, a.failed(action, io.ErrUnexpectedEOF)
	}
	if _, err := strconv.Atoi(a.out.Text()); err != nil {
		return 0, a.failed(action, err)
	}
	return lastTransaction(a.database + "-wal")
}

func (a *application) failed(action string, err error) error {
	_ = a.in.Close()
	_ = a.cmd.Wait() // the process's error output says more than its exit code
	return fmt.Errorf("application: %s: %w\n%s", action, err, a.stderr.String())
}

// close ends the process. The last process that closes the database removes its WAL.
func (a *application) close() error {
	if err := a.in.Close(); err != nil {
		return err
	}
	return a.cmd.Wait()
}

// serve is the application's side. It reads a line for each action, as in [workload] but
// without DATABASE, and writes a line with each result.
func serve(path string, in io.Reader, out io.Writer) error {
	db, err := open(path)
	if err != nil {
		return err
	}
	defer db.Close()
	for lines := bufio.NewScanner(in); lines.Scan(); {
		action, rest, _ := strings.Cut(lines.Text(), " ")
		n, err := numbers(strings.Fields(rest))
		if err != nil {
			return err
		}
		result, err := act(db, action, n)
		if err != nil {
			return fmt.Errorf("%s: %w", action, err)
		}
		fmt.Fprintln(out, result)
	}
	return db.Close()
}
