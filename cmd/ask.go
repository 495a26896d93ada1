package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"firn/outcome"
	"firn/session"
)

// confirm asks a person to type yes, unless a flag has given it. Any other answer is an error, with the name of the command.
func (c *cli) confirm(ctx context.Context, given bool, command string) error {
	if given {
		return nil
	}
	answer, err := c.ask(ctx, "Type yes to go on: ")
	if err != nil {
		return err
	}
	if answer != "yes" {
		return outcome.Failed("", "%s: not confirmed, nothing was changed", command)
	}
	return nil
}

// ask asks a question on the terminal and returns the answer. The end of the input is an empty answer.
func (c *cli) ask(ctx context.Context, question string) (string, error) {
	fmt.Fprint(c.stderr, question)
	answer, err := session.Await(ctx, func() (string, error) { return readLine(c.stdin) })
	if err != nil {
		fmt.Fprintln(c.stderr)
	}
	if err == io.EOF {
		return "", nil // Ctrl-D
	}
	return strings.TrimSpace(answer), err
}

// readLine reads one line and not a byte more, since the next question reads the next line.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for {
		var b [1]byte
		n, err := r.Read(b[:])
		switch {
		case n == 1 && b[0] == '\n':
			return string(line), nil
		case n == 1:
			line = append(line, b[0])
		}
		if err != nil {
			return string(line), err
		}
	}
}
