package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"firn/config"
	"firn/outcome"
	"firn/report"
	"firn/scratch"
	"firn/session"
)

// stdinEnvironment is where streams go that no environment is named for.
const stdinEnvironment = "stdin"

// streamEnvironment is what --stdin is backed up as. The commands and the monitor of a
// configured environment of that name are about its own database, not about this.
func (o backupOptions) streamEnvironment() (*config.Environment, error) {
	if o.name == "" {
		return nil, outcome.Usage("", "--stdin needs --name: what the stream is to be found under")
	}
	if o.export != "" || o.forceScan {
		return nil, outcome.Usage("", "--export and --force-scan are for databases that firn reads itself, not for --stdin")
	}
	env := &config.Environment{Name: cmp.Or(o.env, stdinEnvironment), DatabaseName: o.name}
	return env, config.CheckNames(env.Name, env.DatabaseName)
}

// spooled runs a backup of a stream that was read into a private file first: a backup may
// read it again, if prunes come in between, nothing waits for whoever writes it, and
// SQLite wants a file to look at.
func spooled(ctx context.Context, c *session.Caller, label string, backup func(path string) error) (err error) {
	folder, err := scratch.Make(os.TempDir())
	if err != nil {
		return outcome.OfSource(fmt.Errorf("copy standard input to %s: %w", os.TempDir(), err))
	}
	defer func() { err = errors.Join(err, folder.Remove()) }()
	b := c.Progress(label, 0)
	path, err := folder.Create("stdin", func(f *os.File) error {
		_, err := session.Await(ctx, func() (int64, error) {
			return io.Copy(&report.CountingWriter{W: f, Progress: b.Set}, c.Input)
		})
		return err
	})
	b.Done()
	if err != nil {
		return outcome.OfSource(fmt.Errorf("copy standard input to %s: %w", os.TempDir(), err))
	}
	return backup(path)
}
