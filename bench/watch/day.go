package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"firn/config"
	"firn/crypt"
	"firn/repo"
	"firn/retention"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
	"firn/store/mem"
)

// dayArg is the argument that makes this program simulate a day, as another process: DIR EVERY CHANGES.
const dayArg = "day"

// The times of a watch's upkeep, as package watch has them.
const (
	dayLength    = 24 * time.Hour
	confirmEvery = time.Minute
	thinEvery    = 5 * time.Minute
	pruneEvery   = 2 * time.Hour
)

// day is a simulated day of a watch. The engine, the database and the follower are real; the
// clock is not, and the store is in memory, because the time of its objects is of that clock.
type day struct {
	now    time.Time
	store  *mem.Store
	repo   *repo.Repo
	rounds *repo.Rounds
	policy retention.Policy
	dayFigures
}

// dayFigures are the outcome.
type dayFigures struct {
	Rounds           int
	Transactions     int
	Database         int64 // size at the end, bytes
	Before           int64 // size of the repository after the first snapshot
	Bytes, Most      int64 // of the repository: at the end, and the most
	Objects          int
	Pending, Settled int64 // bytes of objects that the next prune deletes, and what later prunes leave
	Snapshots        int
	ByKind           map[string]int64
	Pace             time.Duration // of a round, with its transactions
}

// dayLoads are the kinds of transactions of a day.
var dayLoads = []struct {
	title   string
	changes int
}{
	{"rows added", 0},
	{"rows added, and rows of random bytes changed in place", 1},
}

// measureDay simulates two days.
func measureDay(b *bench) error {
	for _, l := range dayLoads {
		f, err := b.simulateDay(l.changes)
		if err != nil {
			return err
		}
		b.report.day(b.every, l.title, f)
	}
	return nil
}

// simulateDay simulates a day in another process, because this one stays small.
func (b *bench) simulateDay(changes int) (f dayFigures, err error) {
	dir := filepath.Join(b.work, fmt.Sprint("day-", changes))
	if err := makeDatabases(dir, 1); err != nil {
		return f, err
	}
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	cmd := exec.Command(self, dayArg, dir, b.every.String(), fmt.Sprint(changes))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(out, &f)
}

// runDay simulates a day and prints its figures.
func runDay(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return errors.New("want DIR EVERY CHANGES")
	}
	every, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	changes, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	d := &day{now: time.Now().Add(-dayLength), store: mem.New()}
	d.store.Now = func() time.Time { return d.now }
	if err := d.open(ctx, filepath.Join(args[0], "cache")); err != nil {
		return err
	}
	if err := d.run(ctx, filepath.Join(args[0], databaseName(0)), every, changes); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(d.dayFigures)
}

// open makes the repository.
func (d *day) open(ctx context.Context, cache string) (err error) {
	if d.policy, err = (&config.Config{}).WatchPolicyOf(&config.Environment{}); err != nil {
		return err
	}
	opts := repo.Options{Store: d.store, Credential: crypt.NewKeyFile().Credential(), CacheDir: cache, Host: "bench", Tool: "bench",
		Now: func() time.Time { return d.now }}
	if d.repo, err = repo.Init(ctx, opts, repo.NewKey{Credential: opts.Credential}); err != nil {
		return err
	}
	d.rounds, err = d.repo.NewRounds(ctx)
	return err
}

// run lets the day pass: a transaction a second, and a round after each interval.
func (d *day) run(ctx context.Context, path string, every time.Duration, changes int) error {
	db, err := openDatabase(path)
	if err != nil {
		return err
	}
	defer db.Close()
	follower := site.NewFollower(path, true, 0, func() time.Time { return d.now })
	defer follower.Close()
	member := repo.RoundMember{Source: follower.Source(sqlite.Options{}),
		Options: repo.BackupOptions{Environment: "bench", Database: "app", IfChanged: true}}
	begin, start := d.now, time.Now()
	for passed := time.Duration(0); passed < dayLength; passed += every {
		for range int(every / time.Second) {
			if err := transact(db, changes); err != nil {
				return err
			}
			d.Transactions++
			if err := follower.Peek(); err != nil {
				return err
			}
		}
		d.now = begin.Add(passed)
		if err := d.round(ctx, member); err != nil {
			return err
		}
		if err := d.keepUp(ctx, passed, every); err != nil {
			return err
		}
	}
	d.Pace = time.Since(start) / time.Duration(max(1, d.Rounds))
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	d.Database = info.Size()
	return d.end(ctx)
}

// round takes a round.
func (d *day) round(ctx context.Context, m repo.RoundMember) error {
	result, err := d.rounds.Take(ctx, []repo.RoundMember{m})
	if err != nil {
		return err
	}
	if err := result.Members[0].Err; err != nil {
		return err
	}
	d.Rounds++
	return nil
}

// keepUp does the upkeep that is due.
func (d *day) keepUp(ctx context.Context, passed, every time.Duration) error {
	due := func(pause time.Duration) bool { return passed > 0 && passed%pause < every }
	if passed == 0 {
		d.measure()
		d.Before = d.Bytes
	}
	if due(confirmEvery) {
		if _, err := d.rounds.Confirm(ctx); err != nil {
			return err
		}
	}
	if due(thinEvery) {
		if _, err := d.rounds.Thin(ctx, func(snapshot.Series) (retention.Policy, bool) { return d.policy, true }); err != nil {
			return err
		}
		d.measure()
	}
	if due(pruneEvery) {
		logf("%s of the day, %s", passed, bytesText(d.Bytes))
		_, err := d.repo.Prune(ctx, repo.PruneOptions{IfDue: true, Every: pruneEvery})
		return err
	}
	return nil
}

// end does the last upkeep, and takes the figures.
func (d *day) end(ctx context.Context) error {
	_, confirmed := d.rounds.Confirm(ctx)
	_, thinned := d.rounds.Thin(ctx, func(snapshot.Series) (retention.Policy, bool) { return d.policy, true })
	result, pruned := d.repo.Prune(ctx, repo.PruneOptions{})
	if pruned == nil {
		d.Pending = result.Pending
	}
	d.measure()
	list, err := d.repo.Snapshots(ctx)
	d.Snapshots = len(list)
	return errors.Join(confirmed, thinned, pruned, err, d.settle(ctx))
}

// settle finds out what later prunes leave of the repository if no snapshot is added or forgotten.
func (d *day) settle(ctx context.Context) error {
	most, bytes, objects, kinds := d.Most, d.Bytes, d.Objects, d.ByKind
	for range 3 {
		d.now = d.now.Add(dayLength + pruneEvery)
		if _, err := d.repo.Prune(ctx, repo.PruneOptions{}); err != nil {
			return err
		}
	}
	d.measure()
	d.Settled = d.Bytes
	d.Most, d.Bytes, d.Objects, d.ByKind = most, bytes, objects, kinds
	return nil
}

// measure takes the size of the repository.
func (d *day) measure() {
	d.Bytes, d.Objects, d.ByKind = 0, 0, make(map[string]int64)
	for o := range d.store.List(context.Background(), "") {
		d.Bytes += o.Size
		d.Objects++
		d.ByKind[kindOf(o.Name)] += o.Size
	}
	d.Most = max(d.Most, d.Bytes)
}

// day reports the growth of a day.
func (r *report) day(every time.Duration, title string, f dayFigures) {
	r.judge("growth of a database with 1 tx/s for a day, after retention: "+title, "under 20 MB", f.Bytes-f.Before < 20_000_000,
		"%.2f MB in %d objects, `every` %s", float64(f.Bytes-f.Before)/1e6, f.Objects, every)
	kinds := ""
	for _, k := range sortedKeys(f.ByKind) {
		kinds += fmt.Sprintf("\n- %s: %s", k, bytesText(f.ByKind[k]))
	}
	r.section("A day: "+title, "The day is not waited for: the engine, the database and the follower are real, but the clock runs faster, and the store is in memory.\n"+
		"%d transactions and %d rounds, every %s; retention of a watch every %s, prune every %s.\n"+
		"The database has %s in the end. The repository had %s after the first snapshot, %s at most, and has %s in %s in the end, of %s.\n"+
		"The next prune deletes %s of it, and %s are left when prunes have ended. By kind of object:\n%s",
		f.Transactions, f.Rounds, every, thinEvery, pruneEvery, bytesText(f.Database), bytesText(f.Before), bytesText(f.Most), bytesText(f.Bytes),
		count(f.Objects, "object"), count(f.Snapshots, "snapshot"), bytesText(f.Pending), bytesText(f.Settled), kinds)
}
