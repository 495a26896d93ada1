package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"

	"firn/crypt"
	"firn/outcome"
	"firn/session"
)

// askPassword asks for a password on the terminal, without an echo. An empty password is an error.
func (c *cli) askPassword(ctx context.Context, prompt string) (string, error) {
	in, ok := c.stdin.(*os.File)
	if !ok {
		return "", errors.New("ask for password: not a terminal")
	}
	fmt.Fprint(c.stderr, prompt)
	defer fmt.Fprintln(c.stderr)
	before, err := term.GetState(int(in.Fd()))
	if err != nil {
		return "", fmt.Errorf("ask for password: %w", err)
	}
	text, err := session.Await(ctx, func() ([]byte, error) { return term.ReadPassword(int(in.Fd())) })
	if ctx.Err() != nil { // the reading goroutine still waits and has turned off the echo
		return "", errors.Join(ctx.Err(), term.Restore(int(in.Fd()), before))
	}
	if err != nil {
		return "", fmt.Errorf("ask for password: %w", err)
	}
	if len(text) == 0 {
		return "", outcome.Usage("", "the password is empty")
	}
	return session.FirstLine(text)
}

// askNewPassword asks for a new password twice. It asks again if the password is too weak.
func (c *cli) askNewPassword(ctx context.Context) (string, error) {
	first, err := c.askPassword(ctx, "New password: ")
	if err != nil {
		return "", err
	}
	if weak := crypt.Password(first).CheckStrength(); weak != nil {
		c.warn("%v", weak)
		return c.askNewPassword(ctx)
	}
	second, err := c.askPassword(ctx, "The same again: ")
	if err == nil && first != second {
		err = outcome.Usage("", "the passwords differ")
	}
	return first, err
}
