package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"firn/outcome"
	"firn/process"
)

// stops reports whether the application is stopped for the restore.
func (op *Operation) stops() bool { return op.env != nil && op.env.Stop != "" }

// aroundService stops the application, runs f, and starts the application again, whatever happens in between: after an error
// or an interrupt, and, by a process of its own that waits for that, after a panic or kill -9, too.
func (op *Operation) aroundService(ctx context.Context, f func() error) (err error) {
	if op.env == nil || op.env.Start == "" {
		return f()
	}
	s, err := newStarter(op.env.Start, op.s.CommandOutput)
	if err != nil {
		return fmt.Errorf("restore: nothing was changed: prepare the start of %s: %w", op.env.Name, err)
	}
	defer func() {
		op.s.Note("Run start: %s", op.env.Start)
		e := s.start()
		if e == nil {
			return
		}
		// It is told at once, so that it does not get lost behind another error.
		e = outcome.New(fmt.Errorf("run start command of %s: %w", op.env.Name, e), outcome.CodeFailed,
			"Start the application yourself: "+op.env.Start)
		switch told := op.s.FailNow(e); {
		case !told:
			err = errors.Join(err, e)
		case err == nil:
			err = outcome.MarkReported(e)
		}
	}()
	if op.env.Stop != "" {
		if err := op.stop(ctx, s); err != nil {
			return fmt.Errorf("restore: nothing was changed: %w", err)
		}
	}
	return f()
}

// stop runs the stop command, which prints to the caller's output. If firn is killed meanwhile, the starter waits for the end
// of the command.
func (op *Operation) stop(ctx context.Context, s *starter) error {
	op.s.Note("Run stop: %s", op.env.Stop)
	cmd := process.KeepingOpen(ctx, op.env.Stop, s.wait)
	cmd.Stdout, cmd.Stderr = op.s.CommandOutput, op.s.CommandOutput
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run stop command of %s: %w", op.env.Name, err)
	}
	return nil
}

// starter is a process that waits to run the start command until it is told to, or until firn is gone. So the command runs
// once, however firn ends.
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
