// Command places measures repositories and databases on other hosts: what goes over the line, and how long it takes beside a
// folder and a file of this host. The other host is this one, behind a stand-in for ssh that counts bytes: there is no network in
// the figures. It prints a report in Markdown.
//
//	go run -C bench ./places -o ../docs/places.md
//	go run -C bench ./places -size 50MB
package main

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	_ "modernc.org/sqlite"

	"firn/bench/internal/checkout"
	"firn/bench/internal/usage"
)

func main() {
	size := flag.String("size", "500MB", "size of the database")
	output := flag.String("o", "", "write the report to this file too")
	binary := flag.String("binary", "", "measure this firn; built from this tree if empty")
	flag.Parse()
	bytes, err := humanize.ParseBytes(*size)
	if err == nil {
		err = run(context.Background(), int64(bytes), *output, *binary)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "places:", err)
		os.Exit(1)
	}
}

// bench is a run of the benchmark.
type bench struct {
	ctx     context.Context
	work    string // folder for everything
	firn    string
	db      *sql.DB
	rows    int64
	rounds  int64
	results []result
}

// result is one line of the report.
type result struct {
	what           string
	took           time.Duration
	beside         time.Duration // of the same on this host
	received, sent int64         // bytes over the line; -1 if there is none
}

func run(ctx context.Context, size int64, output, binary string) error {
	work, err := os.MkdirTemp("", "firn-places-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	b := &bench{ctx: ctx, work: work, firn: binary}
	if b.firn == "" {
		b.firn = filepath.Join(work, "firn")
		if err := checkout.BuildFirn(ctx, b.firn); err != nil {
			return err
		}
	}
	if err := checkout.BuildStandIn(ctx, filepath.Join(work, "ssh")); err != nil {
		return err
	}
	if err := b.create(size); err != nil {
		return err
	}
	defer b.db.Close()
	for _, measure := range []func() error{b.measurePlaces, b.measurePull} {
		if err := measure(); err != nil {
			return err
		}
	}
	text := b.report(size)
	fmt.Print(text)
	if output == "" {
		return nil
	}
	return os.WriteFile(output, []byte(text), 0o644)
}

// create makes the database, in WAL mode, with random content.
func (b *bench) create(size int64) (err error) {
	if b.db, err = sql.Open("sqlite", b.path("app.db")+"?_pragma=journal_mode(wal)&_pragma=wal_autocheckpoint(0)"); err != nil {
		return err
	}
	b.db.SetMaxOpenConns(1)
	b.rows = size / 1020 // with what SQLite adds to a row of 1,000 bytes
	if err := b.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)"); err != nil {
		return err
	}
	if err := b.exec("WITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < ?) INSERT INTO t SELECT i, randomblob(1000) FROM n", b.rows); err != nil {
		return err
	}
	return b.exec("PRAGMA wal_checkpoint(TRUNCATE)")
}

func (b *bench) exec(statement string, args ...any) error {
	_, err := b.db.ExecContext(b.ctx, statement, args...)
	return err
}

// change changes one row in each of 600 pages.
func (b *bench) change() error {
	b.rounds++
	step := max(b.rows/600, 1)
	return b.exec("UPDATE t SET b = randomblob(1000) WHERE a % ? = ?", step, b.rounds%step)
}

func (b *bench) path(name string) string { return filepath.Join(b.work, name) }

// measurePlaces compares first backups into places.
func (b *bench) measurePlaces() error {
	folder, err := b.first("folder", b.path("folder"))
	if err != nil {
		return err
	}
	b.add(result{what: "first backup into a folder", took: folder, received: -1})
	for _, place := range []struct{ name, location string }{
		{"sftp", "sftp:app@db1:" + b.path("sftp")},
		{"ssh", "ssh://app@db1" + b.path("ssh-repo")},
	} {
		took, err := b.first(place.name, place.location)
		if err != nil {
			return err
		}
		received, sent := b.traffic()
		b.add(result{"first backup into " + place.name + ":", took, folder, received, sent})
		if took, err = b.timed(place.name, "backup", "production"); err != nil {
			return err
		}
		received, sent = b.traffic()
		b.add(result{"unchanged run into " + place.name + ":", took, 0, received, sent})
	}
	return nil
}

// first makes a repository and the first backup into it.
func (b *bench) first(name, location string) (time.Duration, error) {
	if err := b.configure(name, location, b.path("app.db")); err != nil {
		return 0, err
	}
	if _, err := b.timed(name, "init"); err != nil {
		return 0, err
	}
	b.traffic()
	return b.timed(name, "backup", "production")
}

// measurePull compares backups of a database on another host with those of one of this host.
func (b *bench) measurePull() error {
	if err := b.configure("local", b.path("local"), b.path("app.db")); err != nil {
		return err
	}
	if err := b.configure("pull", b.path("pull"), "ssh://app@db1"+b.path("app.db")); err != nil {
		return err
	}
	for _, name := range []string{"local", "pull"} {
		if _, err := b.timed(name, "init"); err != nil {
			return err
		}
	}
	time.Sleep(3 * time.Second) // fingerprints trust files that are older than two seconds
	for _, step := range []struct {
		what   string
		before func() error
	}{
		{"first pull", func() error { return nil }},
		{"pull, unchanged", func() error { return nil }},
		{"pull, 600 pages changed, WAL appended to", b.change},
		{"pull, 600 pages changed, WAL appended to again", b.change},
		{"pull, 600 pages changed, WAL reset", func() error {
			if err := b.exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
				return err
			}
			return b.change()
		}},
	} {
		if err := step.before(); err != nil {
			return err
		}
		b.traffic()
		local, err := b.timed("local", "backup", "production")
		if err != nil {
			return err
		}
		took, err := b.timed("pull", "backup", "production")
		if err != nil {
			return err
		}
		received, sent := b.traffic()
		b.add(result{step.what, took, local, received, sent})
	}
	return nil
}

// configure writes a configuration of one name.
func (b *bench) configure(name, repository, database string) error {
	text := fmt.Sprintf("repository = %q\nkey_file = %q\n[ssh]\nprogram = %q\noptions = [%q]\nfirn = %q\n[env.production]\ndatabase = %q\n",
		repository, b.path(name+".key"), b.path("ssh"), "-oFirnTest=count="+b.path("count"), b.firn, database)
	return os.WriteFile(b.path(name+".toml"), []byte(text), 0o600)
}

// timed runs firn with the configuration of a name.
func (b *bench) timed(name string, args ...string) (time.Duration, error) {
	cmd := exec.CommandContext(b.ctx, b.firn, append(args, "--config", b.path(name+".toml"), "--quiet")...)
	cmd.Env = append(os.Environ(), "FIRN_CACHE_DIR="+b.path("cache"), "FIRN_STATE_DIR="+b.path("state"))
	var said bytes.Buffer
	cmd.Stderr = &said
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("firn %s with %s: %w: %s", strings.Join(args, " "), name, err, said.String())
	}
	return time.Since(began), nil
}

// traffic returns the bytes over the line since the last call.
func (b *bench) traffic() (received, sent int64) {
	text, _ := os.ReadFile(b.path("count"))
	_ = os.Remove(b.path("count"))
	for line := range strings.Lines(string(text)) {
		var r, s int64
		if _, err := fmt.Sscan(line, &r, &s); err == nil {
			received, sent = received+r, sent+s
		}
	}
	return received, sent
}

func (b *bench) add(r result) {
	fmt.Fprintf(os.Stderr, "%s: %s\n", r.what, r.took.Round(time.Millisecond))
	b.results = append(b.results, r)
}

// report returns the report in Markdown.
func (b *bench) report(size int64) string {
	var t strings.Builder
	fmt.Fprintf(&t, "# Other hosts, measured\n\nA database of %s with random content, in WAL mode; `go run -C bench ./places` on %s. ", humanize.Bytes(uint64(size)), usage.Machine())
	t.WriteString("The other host is this one, behind a stand-in for ssh that encrypts nothing and counts bytes.\n\n")
	t.WriteString("| | time | on this host | received | sent |\n|---|---|---|---|---|\n")
	for _, r := range b.results {
		beside, received, sent := "", "", ""
		if r.beside > 0 {
			beside = r.beside.Round(10 * time.Millisecond).String()
		}
		if r.received >= 0 {
			received, sent = humanize.Bytes(uint64(r.received)), humanize.Bytes(uint64(r.sent))
		}
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s |\n", r.what, r.took.Round(10*time.Millisecond), beside, received, sent)
	}
	return t.String()
}
