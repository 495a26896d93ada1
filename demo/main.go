// Command demo shows firn at work. It makes a small example database that a writer keeps
// changing, takes snapshots of the database, clones it, and verifies the clone. In the end a
// watch and the writer are killed, and the newest snapshot is restored. It prints every
// command before it runs the command, so that a reader can repeat them.
//
// Usage: go run ./demo FIRN-BINARY
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo is a folder with a configuration, a database and a repository in it.
type demo struct {
	dir  string
	firn string
	app  *app
}

const configuration = `repository = "repository"
key_file   = "firn.key"

[env.production]
database = "production.db"
name     = "shop"

[env.demo]
database = "demo.db"
name     = "shop"
`

func run(ctx context.Context, args []string) error {
	if len(args) == 2 && args[0] == applicationArg {
		return runApplication(args[1])
	}
	if len(args) != 1 {
		return fmt.Errorf("want one argument: the firn binary")
	}
	binary, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "firn-demo-")
	if err != nil {
		return err
	}
	d := &demo{dir: dir, firn: binary}
	if err := d.show(ctx); err != nil {
		return fmt.Errorf("%w (the folder %s is left for a look)", err, dir)
	}
	say("Everything above is in %s, for you to go on with. To remove it: rm -r %s", dir, dir)
	return nil
}

// show is the story, from an empty folder to a verified clone, and to a host that dies.
func (d *demo) show(ctx context.Context) error {
	if err := d.prepare(); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{d.keep, d.clone, d.verify} {
		if err := step(ctx); err != nil {
			d.app.stop()
			return err
		}
	}
	d.app.stop()
	return d.die(ctx)
}

func (d *demo) prepare() error {
	say("A folder, a configuration, and a database that an application keeps writing to:")
	fmt.Printf("$ cd %s\n$ export FIRN_CONFIG=$PWD/firn.toml    # root must name it\n$ cat firn.toml\n%s\n", d.dir, configuration)
	if err := os.WriteFile(filepath.Join(d.dir, "firn.toml"), []byte(configuration), 0o600); err != nil {
		return err
	}
	app, err := startApp(filepath.Join(d.dir, "production.db"))
	d.app = app
	return err
}

// keep takes snapshots while the application writes.
func (d *demo) keep(ctx context.Context) error {
	say("Make a repository. The key is a file; keep a copy of it somewhere else.")
	if err := d.run(ctx, "init"); err != nil {
		return err
	}
	say("Take snapshots while the application goes on. The first stores all, the others what changed:")
	for range 4 {
		if err := d.run(ctx, "backup", "production", "--prune"); err != nil {
			return err
		}
		if err := d.app.work(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	say("What is there?")
	return d.run(ctx, "snapshots", "--tag", "env_production")
}

// clone makes the demo environment from production's newest snapshot, twice:
// into a new file, and over that file.
func (d *demo) clone(ctx context.Context) error {
	say("Clone production into demo:")
	if err := d.run(ctx, "restore", "demo", "--from", "production", "--snapshot", "latest:production", "--yes"); err != nil {
		return err
	}
	if err := d.run(ctx, "backup", "production", "--prune"); err != nil {
		return err
	}
	say("Again, later: demo exists now. It is snapshotted first, and only the pages that differ are written:")
	return d.run(ctx, "restore", "demo", "--from", "production", "--snapshot", "latest:production", "--yes")
}

func (d *demo) verify(ctx context.Context) error {
	say("Is the clone sound? The application moves money between accounts: the sum must never change.")
	rows, _, err := inspect(filepath.Join(d.dir, "demo.db"))
	if err != nil {
		return err
	}
	fmt.Printf("demo.db: integrity ok, sum of all accounts right, %d transfers; production has %d by now\n\n", rows, d.app.written())
	say("Is the repository whole, to the last byte?")
	return d.run(ctx, "check", "--read-data")
}

// run prints a firn command and runs it.
func (d *demo) run(ctx context.Context, args ...string) error {
	fmt.Println("$ firn", strings.Join(args, " "))
	err := d.command(ctx, args...).Run()
	fmt.Println()
	if err != nil {
		return fmt.Errorf("firn %s: %w", args[0], err)
	}
	return nil
}

// command returns a firn command that has not been started.
func (d *demo) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.firn, args...)
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), "FIRN_CONFIG="+filepath.Join(d.dir, "firn.toml"), "FIRN_CACHE_DIR="+filepath.Join(d.dir, "cache"))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd
}

func say(format string, args ...any) { fmt.Printf("# "+format+"\n", args...) }
