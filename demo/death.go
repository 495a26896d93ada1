package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// applicationArg is the argument that makes this program the application, with the path of
// its database, as a process of its own that can be killed.
const applicationArg = "application"

// runApplication makes transfers until the process is killed, or the demo has ended.
func runApplication(path string) error {
	a, err := openApp(path)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // its end is the demo's
		os.Exit(0)
	}()
	return a.write()
}

// startApplication starts the application's process. It ends with the pipe.
func (d *demo) startApplication() (*exec.Cmd, io.Closer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(self, applicationArg, filepath.Join(d.dir, "production.db"))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	return cmd, in, cmd.Start()
}

// die lets the application and a watch work, kills both, and restores the newest snapshot.
func (d *demo) die(ctx context.Context) error {
	say("Seconds, not hours: a watch takes a snapshot every second while another application's process writes.")
	application, in, err := d.startApplication()
	if err != nil {
		return err
	}
	defer in.Close()
	fmt.Println("$ firn watch production --every 1s &")
	watch := d.command(ctx, "watch", "production", "--every", "1s")
	if err := watch.Start(); err != nil {
		return err
	}
	select {
	case <-time.After(5 * time.Second):
	case <-ctx.Done():
	}
	fmt.Println()
	say("Now the host dies:")
	fmt.Printf("$ kill -9 %d %d    # the application and the watch\n\n", application.Process.Pid, watch.Process.Pid)
	for _, cmd := range []*exec.Cmd{watch, application} {
		_ = cmd.Process.Kill() // a process that has ended is dead, too
		_ = cmd.Wait()         // it was killed
	}
	if err := d.run(ctx, "restore", "--from", "production", "--snapshot", "latest:production", "--target", "rescued.db", "--yes"); err != nil {
		return err
	}
	return d.compare("production.db", "rescued.db")
}

// compare tells what a restored database lacks of the application's.
func (d *demo) compare(original, restored string) error {
	all, died, err := inspect(filepath.Join(d.dir, original))
	if err != nil {
		return err
	}
	rows, newest, err := inspect(filepath.Join(d.dir, restored))
	if err != nil {
		return err
	}
	fmt.Printf("%s: integrity ok, sum of all accounts right, %d transfers; %s had %d when it died.\nThe last %.1f s are lost.\n\n",
		restored, rows, original, all, died.Sub(newest).Seconds())
	return nil
}
