// Package ssh runs the user's own ssh program, and makes a connection of its standard input and output. Configuration, keys,
// agents, jump hosts and known hosts are the user's, and none of them is read here.
package ssh

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

// Options say how to run ssh. The zero value is right for most.
type Options struct {
	Program string   // "" for ssh in the search path
	Options []string // come before all others, so that they win, such as "-F" and a file

	// Patience is how long the other side may say nothing while an answer is awaited; 0 for a minute.
	Patience time.Duration
}

// defaultPatience is longer than ssh takes to notice that the network is gone, see [Host.arguments].
const defaultPatience = time.Minute

// Conn is the connection to a program on another host. Read and Write may be called by two goroutines at once. What the other
// side says on its standard error, and how ssh ended, is in the error of [Conn.Explain].
type Conn struct {
	host     Host
	patience time.Duration
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      io.ReadCloser
	said     tail
	ended    chan struct{} // is closed when ssh has ended
	err      error         // how it ended; to be read when ended is closed
	heard    atomic.Int64  // when bytes came or went last, in nanoseconds since began
	began    time.Time
	silent   atomic.Bool // the connection was given up for the silence of the other side
	closing  sync.Once
}

var _ io.ReadWriteCloser = (*Conn)(nil)

// Subsystem connects to a subsystem of the other host's ssh server, such as "sftp". It does not wait for an answer: an error
// of the connection shows when it is read. The caller closes the connection.
func Subsystem(h Host, name string, o Options) (*Conn, error) {
	return start(h, []string{"-s"}, name, o)
}

// Command connects to a command on the other host, as [Subsystem] does. The other host's shell gets the words quoted, but for
// the first, which is a piece of a shell's command line.
func Command(h Host, program string, words []string, o Options) (*Conn, error) {
	line := program
	for _, w := range words {
		line += " " + Quote(w)
	}
	return start(h, []string{"-T"}, line, o)
}

func start(h Host, kind []string, what string, o Options) (*Conn, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	c := &Conn{host: h, patience: o.Patience, ended: make(chan struct{}), began: time.Now()}
	if c.patience <= 0 {
		c.patience = defaultPatience
	}
	program := o.Program
	if program == "" {
		program = "ssh"
	}
	c.cmd = exec.Command(program, h.arguments(o.Options, kind, what)...)
	c.cmd.Stderr = &c.said
	apart(c.cmd)
	if err := c.run(); err != nil {
		return nil, explainStart(program, err)
	}
	return c, nil
}

// run starts ssh with pipes.
func (c *Conn) run() (err error) {
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return err
	}
	// A pipe of our own: that of the package exec is closed as soon as ssh has ended, with bytes still in it.
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	c.out, c.cmd.Stdout = read, write
	err = c.cmd.Start()
	_ = write.Close() // ssh has a copy
	if err != nil {
		return errors.Join(err, read.Close())
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.ended)
	}()
	return nil
}

// explainStart returns the error of a program that could not be started.
func explainStart(program string, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNoProgram, program)
	}
	return fmt.Errorf("run %s: %w", program, err)
}

// Host returns where the connection leads.
func (c *Conn) Host() Host { return c.host }

// Read reads what the other side has written.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	c.touch(n)
	return n, err
}

// Write writes to the other side.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.in.Write(p)
	c.touch(n)
	return n, err
}

// touch takes note that bytes came or went.
func (c *Conn) touch(n int) {
	if n > 0 {
		c.heard.Store(int64(time.Since(c.began)))
	}
}

// closingTime is how long ssh may take to end after its input has ended.
const closingTime = 5 * time.Second

// Close ends the connection: the other side reads the end of its input, and may end by itself. A side that does not is left
// alone after some seconds.
func (c *Conn) Close() error {
	c.closing.Do(func() {
		_ = c.in.Close()
		timer := time.AfterFunc(closingTime, c.Kill)
		go func() { _, _ = io.Copy(io.Discard, c.out) }() // so that the other side is not held up by its output
		<-c.ended
		timer.Stop()
		_ = c.out.Close()
	})
	return nil
}

// Kill ends ssh at once. Reads and writes that are under way fail.
func (c *Conn) Kill() {
	_ = c.cmd.Process.Kill() // it may have ended
	_ = c.in.Close()
}

// Await calls a function that waits for an answer of the other side. The connection is killed if no byte comes or goes for
// the patience of the options, or when done is closed; the error is then that of the function, which [Conn.Explain] explains.
func (c *Conn) Await(done <-chan struct{}, f func() error) error {
	c.heard.Store(int64(time.Since(c.began))) // the silence before the question does not count
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { c.watch(done, stop) })
	err := f()
	close(stop)
	watching.Wait()
	return err
}

// watch kills the connection when done is closed or the other side has been silent for too long. It ends when stop is closed.
func (c *Conn) watch(done, stop <-chan struct{}) {
	tick := time.NewTicker(max(c.patience/20, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-done:
			c.Kill()
			return
		case <-tick.C:
			if time.Since(c.began)-time.Duration(c.heard.Load()) > c.patience {
				c.silent.Store(true)
				c.Kill()
				return
			}
		}
	}
}

// Ended is closed when ssh has ended.
func (c *Conn) Ended() <-chan struct{} { return c.ended }

// Quote returns a word as the shells of Unix read it.
func Quote(word string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-./:=@%+,", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// arguments returns the arguments of ssh. Without BatchMode, ssh would ask for passwords on the terminal, and a run of cron
// would hang in other ways of asking. A network that is gone ends the connection after 45 seconds.
func (h Host) arguments(options, kind []string, what string) []string {
	args := append([]string{}, options...)
	args = append(args, "-oBatchMode=yes", "-oConnectTimeout=20", "-oServerAliveInterval=15", "-oServerAliveCountMax=3",
		"-oForwardAgent=no", "-oForwardX11=no", "-oClearAllForwardings=yes", "-oPermitLocalCommand=no")
	if h.Port != 0 {
		args = append(args, "-p"+strconv.Itoa(h.Port))
	}
	args = append(args, kind...)
	return append(args, "--", h.Name, what)
}
