package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/internal/s3test"
)

// backend is the location of a fleet's repository, with the environment that its
// processes need.
type backend struct {
	location string
	env      []string
}

func inFolder(t testing.TB) backend {
	return backend{location: filepath.Join(t.TempDir(), "repository")}
}

func inBucket(t testing.TB) backend {
	s := s3test.Start(t, s3test.Options{})
	return backend{s.Location("torture"), []string{
		"AWS_ACCESS_KEY_ID=" + s.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s.SecretKey, "AWS_REGION=" + s.Region,
	}}
}

// fleet is several hosts of the same name that share a repository. Some hosts back
// up databases of their own, in environments of their own and in a shared one,
// while another host prunes and another one forgets. Processes are killed at random
// moments.
type fleet struct {
	testing.TB
	seed    uint64
	hosts   []*machine
	pruner  *machine
	janitor *machine

	mu    sync.Mutex
	acked map[string]string // from the ID of each acknowledged snapshot to the SHA-256 of its file, "" if not known
	gone  map[string]bool   // IDs of snapshots that a command may have forgotten
	count map[string]int    // numbers of outcomes, for the log
}

func newFleet(t testing.TB, p backend, seed uint64) *fleet {
	f := &fleet{TB: t, seed: seed, acked: make(map[string]string), gone: make(map[string]bool), count: make(map[string]int)}
	dir := t.TempDir()
	head := fmt.Sprintf("repository = %q\nkey_file = %q\n", p.location, filepath.Join(dir, "firn.key"))
	machines := make([]*machine, 4)
	for i := range machines {
		m := newMachine(t, filepath.Join(dir, fmt.Sprint(i)), p.env, seed+uint64(i))
		m.configure(head + hostConfig(i))
		machines[i] = m
	}
	f.hosts, f.pruner, f.janitor = machines[:2], machines[2], machines[3]
	f.pruner.must("init", "--quiet")
	for i, m := range f.hosts {
		for n, name := range []string{"quiet.db", "live.db", "shared.db"} {
			dbtest.Create(t, m.path(name), dbtest.Options{WAL: n == 1, Seed: seed + uint64(i)})
		}
	}
	return f
}

// hostConfig returns a configuration with two environments of a host's own, and the
// shared one.
func hostConfig(i int) string {
	return fmt.Sprintf("[env.quiet%d]\ndatabase = \"quiet.db\"\n[env.live%d]\ndatabase = \"live.db\"\n[env.shared]\ndatabase = \"shared.db\"\n", i, i)
}

// TestFleet tortures a repository from several hosts at once. Afterwards every
// acknowledged snapshot must exist, unless a command may have forgotten it. It must
// equal its database byte for byte if the test knows those bytes, and must
// otherwise be a consistent database.
func TestFleet(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]func(testing.TB) backend{"Folder": inFolder, "S3": inBucket} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newFleet(t, at(t), seedOf(t)).torture()
		})
	}
}

// torture works in rounds. After each round all processes end and the repository is
// verified, so that it stays small and a loss is noticed soon.
func (f *fleet) torture() {
	rounds, length := 2, 3*time.Second
	switch {
	case *torture > 0:
		length = min(time.Minute, *torture)
		rounds = int(*torture / length)
	case testing.Short():
		rounds, length = 1, time.Second
	}
	for round := range rounds {
		f.round(uint64(round), length)
		f.verify()
		f.Logf("round %d of %d: %d snapshots verified; so far %v", round+1, rounds, len(f.acked), f.count)
		if f.Failed() {
			return
		}
	}
}

// round lets all hosts work at once for some time.
func (f *fleet) round(n uint64, length time.Duration) {
	end := time.Now().Add(length)
	var wg sync.WaitGroup
	for i, m := range f.hosts {
		w := dbtest.StartWriter(f, m.path("live.db"), f.seed+2*n+uint64(i))
		defer w.Kill()
		wg.Go(func() {
			for step := n << 32; time.Now().Before(end); step++ {
				f.backUp(m, i, step)
			}
		})
	}
	for _, act := range []func(){f.prune, f.forget} {
		wg.Go(func() {
			for time.Now().Before(end) && !f.Failed() {
				act()
			}
		})
	}
	wg.Wait()
}

// backUp changes a host's databases, except the one that a writer is changing, and
// backs up all of them.
func (f *fleet) backUp(m *machine, host int, step uint64) {
	sums := make(map[string]string) // SHA-256 by environment
	for env, file := range map[string]string{fmt.Sprint("quiet", host): "quiet.db", "shared": "shared.db"} {
		dbtest.Mutate(m, m.path(file), f.seed+step, m.random.IntN(30))
		sums[env] = f.sum(m.path(file))
	}
	args := []string{"backup", "--all", "--json"}
	var r result
	switch m.random.IntN(4) {
	case 0:
		r = m.run(append(args, "--prune", "--keep-last=5")...) // not killed: a killed run does not report what it has forgotten
	case 1:
		r = m.run(args...)
	default:
		r = m.kill(args...)
	}
	f.note("backup", r)
	if r.code > 0 && !bytes.Contains(r.stderr, []byte("concurrent prunes")) && !moved(r) {
		f.Errorf("backup on host %d: exit code %d\n%s", host, r.code, r.stderr)
	}
	f.acknowledge(r.stdout, sums)
}

// acknowledge records the snapshots in the output of a backup, even if the backup
// was killed.
func (f *fleet) acknowledge(stdout []byte, sums map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for line := range bytes.Lines(stdout) {
		var s struct {
			ID          string   `json:"snapshot_id"`
			Environment string   `json:"environment"`
			Forgotten   []string `json:"forgotten"`
		}
		if json.Unmarshal(line, &s) != nil || s.ID == "" {
			continue // another or an incomplete message
		}
		f.acked[s.ID] = sums[s.Environment]
		for _, id := range s.Forgotten {
			f.gone[id] = true
		}
	}
}

// prune prunes as if all packs without a record were garbage, even the packs of
// backups under way.
func (f *fleet) prune() {
	f.note("prune", f.either(f.pruner, "prune", "--orphan-age=-1s"))
}

// forget applies retention in two steps, so that the test knows which snapshots a
// killed process may have forgotten. It also reads a snapshot that may be forgotten
// meanwhile.
func (f *fleet) forget() {
	var plan struct {
		Removed []struct {
			ID string `json:"id"`
		} `json:"removed"`
	}
	r := f.janitor.run("forget", "--dry-run", "--keep-last=6", "--json")
	f.note("dry run", r)
	if r.code == 0 {
		if err := json.Unmarshal(r.stdout, &plan); err != nil {
			f.Errorf("forget --dry-run --json: %v\n%s", err, r.stdout)
		}
	}
	args := []string{"forget"}
	f.mu.Lock()
	for _, s := range plan.Removed {
		f.gone[s.ID] = true
		args = append(args, s.ID)
	}
	left := f.left()
	f.mu.Unlock()
	if len(args) > 1 {
		f.note("forget", f.either(f.janitor, args...))
	}
	if len(left) > 0 {
		f.read(left[f.janitor.random.IntN(len(left))])
	}
}

// read dumps a snapshot. It may fail, because a run that has not reported it yet
// may forget the snapshot meanwhile.
func (f *fleet) read(id string) {
	r := f.janitor.run("dump", id)
	f.note("dump", r)
	f.mu.Lock()
	defer f.mu.Unlock()
	if got, want := fmt.Sprintf("%x", sha256.Sum256(r.stdout)), f.acked[id]; r.code == 0 && want != "" && got != want {
		f.Errorf("dump %s: got %d other bytes, without an error", id, len(r.stdout))
	}
}

// left returns the IDs of the snapshots that must exist, sorted.
func (f *fleet) left() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(f.acked)), func(id string) bool { return f.gone[id] })
}

func (f *fleet) either(m *machine, args ...string) result {
	m.Helper()
	if m.random.IntN(2) == 0 {
		return m.kill(args...)
	}
	return m.run(args...)
}

// note counts how runs ended.
func (f *fleet) note(what string, r result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case r.code < 0:
		what += " killed"
	case r.code > 0:
		what += fmt.Sprintf(" exit %d", r.code)
	}
	f.count[what]++
}

// moved reports whether a run met apparent damage. It may do so while other hosts
// move the data that it reads. Real damage is found when all processes have ended.
func moved(r result) bool { return r.code == 13 || bytes.Contains(r.stderr, []byte("damaged")) }

func (f *fleet) sum(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

// verify runs each host once more, undisturbed, as its next cron job would. Then it
// checks the whole repository.
func (f *fleet) verify() {
	for i, m := range f.hosts {
		sums := map[string]string{fmt.Sprint("quiet", i): f.sum(m.path("quiet.db")), "shared": f.sum(m.path("shared.db"))}
		f.acknowledge(m.must("backup", "--all", "--json"), sums)
	}
	f.pruner.must("prune", "--orphan-age=-1s")
	f.pruner.must("check", "--read-data")
	for _, id := range f.left() {
		path := f.janitor.path("restored.db")
		if r := f.janitor.run("dump", id, "-o", path); r.code != 0 {
			f.Errorf("acknowledged snapshot %s: %s", id, r.stderr)
			continue
		}
		if want := f.acked[id]; want == "" {
			dbtest.Integrity(f, path)
			dbtest.CheckInvariant(f, path)
		} else if got := f.sum(path); got != want {
			f.Errorf("acknowledged snapshot %s has other bytes", id)
		}
		if err := os.Remove(path); err != nil {
			f.Fatal(err)
		}
	}
	maps.DeleteFunc(f.acked, func(id, _ string) bool { return f.gone[id] })
	clear(f.gone)
}
