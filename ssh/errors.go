package ssh

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// These errors say why there is no connection. A person has to repair something, so each error names the thing to check.
var (
	// ErrNoProgram is returned when there is no ssh program.
	ErrNoProgram = errors.New("there is no ssh program")

	// ErrHostKey is returned when the host's key is not the one that is known.
	ErrHostKey = errors.New("the key of the host has changed")

	// ErrUnknownHost is returned when the host's key is not known, or cannot be verified.
	ErrUnknownHost = errors.New("the key of the host is not known")

	// ErrLogin is returned when the host refuses the user. It matches fs.ErrPermission.
	ErrLogin error = loginError{}

	// ErrUnreachable is returned when there is no way to the host, or the connection broke off.
	ErrUnreachable = errors.New("the host cannot be reached")

	// ErrNoCommand is returned when the host has no such program, or no such subsystem.
	ErrNoCommand = errors.New("the host does not have it")

	// ErrChatter is returned when something else than the awaited protocol comes from the host.
	ErrChatter = errors.New("the host says something else first")

	// ErrSilent is returned when the other side did not answer for too long.
	ErrSilent = errors.New("the host does not answer")

	// ErrEnded is returned when the program on the host has ended for a reason of its own.
	ErrEnded = errors.New("the program on the host has ended")
)

// loginError is [ErrLogin]. Its text leaves out that of fs.ErrPermission, since ssh says the same.
type loginError struct{}

// Error says what has happened.
func (loginError) Error() string { return "the host refuses the login" }

// Is reports that it matches fs.ErrPermission.
func (loginError) Is(target error) bool { return target == fs.ErrPermission }

// signs are the words by which OpenSSH and shells tell of faults, in the order in which they are looked for. Some messages
// have several of them.
var signs = []struct {
	words string
	err   error
}{
	{"REMOTE HOST IDENTIFICATION HAS CHANGED", ErrHostKey},
	{"Host key verification failed", ErrUnknownHost},
	{"host key is known for", ErrUnknownHost},
	{"Permission denied (", ErrLogin},
	{"Too many authentication failures", ErrLogin},
	{"no matching host key type", ErrUnreachable},
	{"no matching key exchange method", ErrUnreachable},
	{"Could not resolve hostname", ErrUnreachable},
	{"Connection refused", ErrUnreachable},
	{"Connection timed out", ErrUnreachable},
	{"Operation timed out", ErrUnreachable},
	{"timed out during banner exchange", ErrUnreachable},
	{"No route to host", ErrUnreachable},
	{"Network is unreachable", ErrUnreachable},
	{"Connection reset", ErrUnreachable},
	{"Connection closed by", ErrUnreachable},
	{"kex_exchange_identification", ErrUnreachable},
	{"not responding", ErrUnreachable},
	{"Broken pipe", ErrUnreachable},
	{"subsystem request failed", ErrNoCommand},
	{"command not found", ErrNoCommand},
	{": not found", ErrNoCommand},
	{"No such file or directory", ErrNoCommand},
	{"This service allows sftp connections only", ErrNoCommand},
	{"This account is currently not available", ErrNoCommand},
}

// lastWords is how long Explain waits for ssh to end and to say why.
const lastWords = 3 * time.Second

// Explain returns the error of a failed read or write with its cause: what ssh and the other side have said. It waits a moment
// for ssh to end. Call it only for an error after which the connection is of no use.
func (c *Conn) Explain(err error) error {
	if c.silent.Load() {
		return fmt.Errorf("%s: %w for %s", c.host, ErrSilent, c.patience)
	}
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case <-c.ended:
	case <-timer.C:
		return fmt.Errorf("%s: %w: %w", c.host, ErrEnded, err)
	}
	said := c.said.String()
	cause := c.cause(said)
	if text := essence(said); text != "" {
		return fmt.Errorf("%s: %w: %s", c.host, cause, text)
	}
	return fmt.Errorf("%s: %w: %w", c.host, cause, err)
}

// cause judges by what was said and by the exit code. 255 is ssh's own, 127 and 126 are those of shells without the program.
func (c *Conn) cause(said string) error {
	code := -1
	if ended, ok := errors.AsType[*exec.ExitError](c.err); ok {
		code = ended.ExitCode()
	}
	for _, sign := range signs {
		if strings.Contains(said, sign.words) && (sign.err != ErrNoCommand || code == 127 || code == 126 || code == 255 || code == 1) {
			return sign.err
		}
	}
	switch code {
	case 127, 126:
		return ErrNoCommand
	case 255:
		return ErrUnreachable
	}
	return ErrEnded
}

// essence returns the last lines of what was said, without the frames of warnings.
func essence(said string) string {
	var lines []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "@") && !strings.HasPrefix(line, "Warning: Permanently added") {
			lines = append(lines, strings.TrimSuffix(line, "."))
		}
	}
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}

// Chatter returns the error for bytes that are not the awaited protocol: a banner, or the output of a shell's startup files.
func (c *Conn) Chatter(got []byte) error {
	line, _, _ := strings.Cut(string(got), "\n")
	return fmt.Errorf("%s: %w: %q", c.host, ErrChatter, line)
}

// tail keeps the last bytes that are written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const mostTail = 4 << 10

// Write keeps the bytes in place of older ones.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	t.b = append([]byte{}, t.b[max(0, len(t.b)-mostTail):]...)
	return len(p), nil
}

// String returns the bytes.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
