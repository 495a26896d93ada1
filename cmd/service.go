package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"

	"firn/outcome"
	"firn/process"
)

// stops reports whether the application is stopped for the restore.
func (r *restoration) stops() bool { return r.env != nil && r.env.Stop != "" }

// aroundService stops the application, runs f, and starts it again, whatever
// happens in between: after an error or an interrupt, and, by a process of its own
// that waits for that, after a panic or kill -9, too.
func (r *restoration) aroundService(ctx context.Context, f func() error) (err error) {
	if r.env == nil || r.env.Start == "" {
		return f()
	}
	s, err := newStarter(r.env.Start, r.stderr.out)
	if err != nil {
		return fmt.Errorf("restore: nothing was changed: prepare the start of %s: %w", r.env.Name, err)
	}
	defer func() {
		r.note("Run start: %s", r.env.Start)
		e := s.start()
		if e == nil {
			return
		}
		// Told at once: this must not get lost behind another error.
		e = outcome.New(fmt.Errorf("run start command of %s: %w", r.env.Name, e), outcome.CodeFailed,
			"Start the application yourself: "+r.env.Start)
		r.fail(e)
		if err == nil {
			err = outcome.MarkReported(e)
		}
	}()
	if r.env.Stop != "" {
		if err := r.stop(ctx, s); err != nil {
			return fmt.Errorf("restore: nothing was changed: %w", err)
		}
	}
	return f()
}

// stop runs the stop command; what it prints is for the user. Should firn be killed
// meanwhile, the starter waits for the end of it.
func (r *restoration) stop(ctx context.Context, s *starter) error {
	r.note("Run stop: %s", r.env.Stop)
	cmd := process.KeepingOpen(ctx, r.env.Stop, s.wait)
	cmd.Stdout, cmd.Stderr = r.stderr.out, r.stderr.out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run stop command of %s: %w", r.env.Name, err)
	}
	return nil
}

// starter is a process that waits to run the start command: until it is told to, or
// until firn is gone. So the command runs once, however firn ends.
type starter struct {
	cmd  *exec.Cmd
	wait *os.File // a pipe that it waits to be closed
}

func newStarter(command string, output io.Writer) (*starter, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := process.WhenClosed(command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r, output, output
	err = cmd.Start()
	r.Close() // the process has its own
	if err != nil {
		w.Close()
		return nil, err
	}
	return &starter{cmd, w}, nil
}

// start runs the command and waits for its end.
func (s *starter) start() error {
	if err := s.wait.Close(); err != nil {
		return err
	}
	return s.cmd.Wait()
}
