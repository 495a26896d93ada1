package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver

	"firn/bench/internal/usage"
)

// cost is the time and memory that one run of firn took.
type cost struct {
	wall, cpu time.Duration
	rss       int64 // peak, bytes
}

// site is a database and a repository of a shape, in a folder of their own.
type site struct {
	dir, binary string
	shape       shape
}

func environmentName(i int) string { return fmt.Sprintf("env%04d", i) }

// newSite makes a site: a database, a configuration, one real backup, and a past.
func newSite(dir, binary string, s shape) (*site, error) {
	site := &site{dir: dir, binary: binary, shape: s}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	if err := site.createDatabase(); err != nil {
		return nil, fmt.Errorf("make database: %w", err)
	}
	if err := os.WriteFile(site.path("firn.toml"), []byte(site.config()), 0o600); err != nil {
		return nil, err
	}
	for _, args := range []string{"init", "backup env0000"} {
		if _, err := site.run(args); err != nil {
			return nil, err
		}
	}
	if _, err := self(growArg, site.path("repo"), site.path("key"), s.snapshots, s.environments, s.packs); err != nil {
		return nil, err
	}
	_, err := site.run("snapshots") // fills the cache
	return site, err
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

// config returns a configuration with all environments. They share one database.
func (s *site) config() string {
	var b strings.Builder
	fmt.Fprintf(&b, "repository = %q\nkey_file = %q\n", s.path("repo"), s.path("key"))
	for i := range s.shape.environments {
		fmt.Fprintf(&b, "[env.%s]\ndatabase = %q\n", environmentName(i), s.path("app.db"))
	}
	return b.String()
}

// createDatabase makes a database of 3 MB with 30 tables.
func (s *site) createDatabase() error {
	return s.sql(func(db *sql.DB) error {
		if _, err := db.Exec("PRAGMA journal_mode = wal"); err != nil {
			return err
		}
		for i := range 30 {
			_, err := db.Exec(fmt.Sprintf(`CREATE TABLE app_table_%02d (id INTEGER PRIMARY KEY, data BLOB);
				WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
				INSERT INTO app_table_%02d (data) SELECT randomblob(1000) FROM n`, i, i))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *site) sql(do func(*sql.DB) error) error {
	db, err := sql.Open("sqlite", s.path("app.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	return do(db)
}

// change changes one row.
func (s *site) change() error {
	return s.sql(func(db *sql.DB) error {
		_, err := db.Exec("UPDATE app_table_07 SET data = randomblob(1000) WHERE id = 50")
		return err
	})
}

// run runs a firn command.
func (s *site) run(args string) (cost, error) {
	cmd := exec.Command(s.binary, strings.Fields(args)...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "FIRN_CONFIG="+s.path("firn.toml"), "FIRN_CACHE_DIR="+s.path("cache"))
	var problem bytes.Buffer
	cmd.Stderr = &problem // standard output would grow this process, and the memory of later runs begins with it
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return cost{}, fmt.Errorf("firn %s: %w\n%s", args, err, &problem)
	}
	p := cmd.ProcessState
	return cost{wall: time.Since(start), cpu: p.UserTime() + p.SystemTime(), rss: usage.PeakRSS(p)}, nil
}

// repeats is the number of runs of which the cheapest counts, because a disturbance only adds costs.
const repeats = 3

// best runs a step several times, or once if a second run would find nothing to do.
func (s *site) best(x step) (cost, error) {
	var least cost
	for i := range repeats {
		if err := x.prepare(s); err != nil {
			return cost{}, err
		}
		c, err := s.run(x.args)
		if err != nil {
			return cost{}, err
		}
		if i == 0 || c.wall < least.wall {
			least = c
		}
		if x.once {
			break
		}
	}
	return least, nil
}

// dropCache makes the next run the first run of its host.
func (s *site) dropCache() error { return os.RemoveAll(s.path("cache")) }
