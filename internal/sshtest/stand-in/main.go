// Command stand-in takes the place of the ssh program in tests: it connects to a server program on this host, by its own rules.
// The variable FIRN_TEST_SSH, or an option -oFirnTest=..., names the faults, separated by commas:
//
//	deny, changed, unknown, refused, resolve  fails as ssh does
//	hang                 never answers
//	banner=TEXT          says TEXT first, with ^ for a line break
//	cut=N, cutin=N       breaks off after N bytes from the server, or to it
//	freeze=N             passes on N bytes from the server, and then nothing, without an end
//	slow=N               waits N milliseconds before each piece from the server
//	once=FILE            the faults are those of the first connection alone: the one that makes FILE
//	after=FILE           the faults begin when FILE is there
//	count=FILE           appends a line with the numbers of bytes from the server and to it to FILE, at the end
//	log=FILE             appends a line with the destination and the command to FILE
//	forced=COMMAND       runs COMMAND in place of what is asked for, as a forced command; it reads to the end of the value, so it comes last
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() { os.Exit(run(parse(os.Args[1:]))) }

// call is what ssh was asked for.
type call struct {
	subsystem  bool
	host, what string
	faults     map[string]string
}

// parse reads the arguments of ssh.
func parse(args []string) call {
	c := call{faults: faultsOf(os.Getenv("FIRN_TEST_SSH"))}
	for n, a := range args {
		if modes, ok := strings.CutPrefix(a, "-oFirnTest="); ok {
			c.faults = faultsOf(modes)
		}
		switch a {
		case "-s":
			c.subsystem = true
		case "--":
			c.host, c.what = args[n+1], strings.Join(args[n+2:], " ")
			return c
		}
	}
	return c
}

func faultsOf(text string) map[string]string {
	faults := make(map[string]string)
	text, forced, given := strings.Cut(text, "forced=")
	if given {
		faults["forced"] = forced
	}
	for word := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(word, "=")
		faults[name] = value
	}
	return faults
}

// sayings are the messages of ssh for faults before there is a connection.
var sayings = map[string]string{
	"deny":    "app@db1: Permission denied (publickey,password).",
	"changed": "@@@@@@@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@@@@@@@@@\nHost key for db1 has changed and you have requested strict checking.\nHost key verification failed.",
	"unknown": "No ED25519 host key is known for db1 and you have requested strict checking.\nHost key verification failed.",
	"refused": "ssh: connect to host db1 port 22: Connection refused",
	"resolve": "ssh: Could not resolve hostname db1: Name or service not known",
}

func run(c call) int {
	if file := c.faults["log"]; file != "" {
		appendLine(file, c.host+" "+c.what)
	}
	if !c.faulty() {
		c.faults = map[string]string{"forced": c.faults["forced"], "count": c.faults["count"]}
	}
	for name, text := range sayings {
		if _, ok := c.faults[name]; ok {
			fmt.Fprintln(os.Stderr, text)
			return 255
		}
	}
	if _, ok := c.faults["hang"]; ok {
		_, _ = io.Copy(io.Discard, os.Stdin)
		return 0
	}
	fmt.Print(strings.ReplaceAll(c.faults["banner"], "^", "\n"))
	return c.connect()
}

// faulty reports whether the faults are those of this connection.
func (c call) faulty() bool {
	if file := c.faults["after"]; file != "" {
		if _, err := os.Stat(file); err != nil {
			return false
		}
	}
	file := c.faults["once"]
	if file == "" {
		return true
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		f.Close()
	}
	return err == nil
}

func appendLine(file, line string) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		fmt.Fprintln(f, line)
		f.Close()
	}
}

// connect runs the server program and passes bytes on.
func (c call) connect() int {
	cmd := c.server()
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	cmd.Stderr = os.Stderr
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 127
	}
	up, down := &counter{r: os.Stdin}, &counter{r: out}
	go func() {
		c.pass(in, up, "cutin", cmd)
		in.Close()
	}()
	var passing sync.WaitGroup
	passing.Go(func() { c.pass(os.Stdout, down, "cut", cmd) })
	passing.Wait()
	if file := c.faults["count"]; file != "" {
		appendLine(file, fmt.Sprint(down.n.Load(), " ", up.n.Load()))
	}
	if err := cmd.Wait(); err != nil {
		if ended, ok := errors.AsType[*exec.ExitError](err); ok && ended.ExitCode() >= 0 {
			return ended.ExitCode()
		}
		return 255
	}
	return 0
}

// server returns the program that the other host would run.
func (c call) server() *exec.Cmd {
	forced := c.faults["forced"]
	switch {
	case forced != "":
		cmd := exec.Command("/bin/sh", "-c", forced)
		cmd.Env = append(os.Environ(), "SSH_ORIGINAL_COMMAND="+c.what, "SSH_CONNECTION=192.0.2.7 50000 192.0.2.1 22")
		return cmd
	case !c.subsystem:
		return exec.Command("/bin/sh", "-c", c.what)
	}
	for _, path := range []string{"/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server"} {
		if _, err := os.Stat(path); err == nil {
			return exec.Command(path)
		}
	}
	return exec.Command("sftp-server")
}

// pass passes bytes on, until their end or until the fault's number of bytes. Then it ends the server as a lost connection
// does, or waits without an end.
func (c call) pass(to io.Writer, from io.Reader, fault string, server *exec.Cmd) {
	if ms, err := strconv.Atoi(c.faults["slow"]); err == nil && fault == "cut" {
		from = slow{from, time.Duration(ms) * time.Millisecond}
	}
	if n, err := strconv.ParseInt(c.faults["freeze"], 10, 64); err == nil && fault == "cut" {
		_, _ = io.CopyN(to, from, n)
		_, _ = io.Copy(io.Discard, from)
		return
	}
	n, err := strconv.ParseInt(c.faults[fault], 10, 64)
	if err != nil {
		_, _ = io.Copy(to, from)
		return
	}
	if _, err := io.CopyN(to, from, n); err == nil {
		fmt.Fprintln(os.Stderr, "client_loop: send disconnect: Broken pipe")
		_ = server.Process.Kill()
		os.Exit(255)
	}
}

// counter counts the bytes that are read.
type counter struct {
	r io.Reader
	n atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// slow waits before each piece.
type slow struct {
	io.Reader
	wait time.Duration
}

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(s.wait)
	return s.Reader.Read(p)
}
