package s3test

import (
	"bytes"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a child process that ends with this process.
type process struct {
	cmd  *exec.Cmd
	log  bytes.Buffer  // of both streams; to be read when done
	done chan struct{} // closed when the process has ended
	err  error         // how it ended; to be read when done
}

// startProcess starts a program with just these arguments and variables.
func startProcess(program string, args, env []string) (*process, error) {
	p := &process{cmd: exec.Command(program, args...), done: make(chan struct{})}
	p.cmd.Env = env
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	dieWithParent(p.cmd)
	started := make(chan error)
	go p.run(started)
	return p, <-started
}

// run starts the process and waits for its end. For Linux, the parent dies when the thread that started the process
// ends, so this goroutine keeps its thread.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	err := p.cmd.Start()
	started <- err
	if err == nil {
		p.err = p.cmd.Wait()
	}
}

// end ends the process, with an interrupt at first, and returns its log.
func (p *process) end() string {
	p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	patience := time.NewTimer(5 * time.Second)
	defer patience.Stop()
	select {
	case <-p.done:
	case <-patience.C:
		p.cmd.Process.Kill()
		<-p.done
	}
	return p.log.String()
}

// stop ends the process after a test.
func (p *process) stop(t testing.TB) {
	t.Helper()
	if log := p.end(); t.Failed() {
		t.Logf("log of the S3 server:\n%s", log)
	}
}

// freeAddress returns an address without a listener.
func freeAddress(t testing.TB) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// portTaken reports whether, by its log, a server ended because another process listens on its port.
func portTaken(log string) bool {
	return strings.Contains(log, syscall.EADDRINUSE.Error())
}
