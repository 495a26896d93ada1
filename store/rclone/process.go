package rclone

import (
	"errors"
	"os/exec"
	"runtime"
	"time"
)

// process is a child process that ends with this process, as far as the system can see to that.
type process struct {
	cmd  *exec.Cmd
	said *tail
	done chan struct{} // is closed when the process has ended
	err  error         // how it ended; to be read when done is closed
}

// start starts a command, whose output goes to said.
func start(cmd *exec.Cmd, said *tail) (*process, error) {
	p := &process{cmd: cmd, said: said, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.said, p.said
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, explain(err, p.said)
	}
	return p, nil
}

// run starts the process and waits for its end. For Linux, the parent dies when the thread that has started the process ends,
// so this goroutine keeps its thread.
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

// ended reports whether the process has ended.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// explain returns the error of a process that has ended.
func (p *process) explain() error {
	err := p.err
	if err == nil {
		err = errors.New("without an error")
	}
	return explain(err, p.said)
}

// stop ends the process: it may tidy up, and is killed if it takes longer than the patience.
func (p *process) stop(patience time.Duration) {
	terminate(p.cmd.Process)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		_ = p.cmd.Process.Kill() // it may have ended just now
		<-p.done
	}
}
