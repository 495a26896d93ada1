package sqlite_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"firn/sqlite"
	"firn/sqlite/internal/follow"
)

var (
	torture = flag.Duration("torture", 0, "how long to torture followers; 0 means some seconds. Give -timeout, too")
	mutate  = flag.String("mutate", "", "rules that followers leave out, by comma: the torture must find a page that they miss")
	focus   = flag.String("focus", "", "kind of workload: psow, limit, race, vacuum, lost, nohold")
	seeded  = flag.Uint64("seed", 0, "seed of the torture; 0 means a random one")
)

// TestFollowerTorture has processes write to databases in all ways, and compares each claim of a follower with all pages, and
// each image with a whole one. Processes are killed, and their WAL-index is damaged. By hand:
//
//	go test ./sqlite -run TestFollowerTorture -torture 1h -timeout 2h -v
//	go test ./sqlite -run TestFollowerTorture -torture 2m -mutate Tail -v
func TestFollowerTorture(t *testing.T) {
	t.Parallel()
	base := *seeded
	if base == 0 {
		base = rand.Uint64()
	}
	limit := *torture
	switch {
	case limit > 0:
	case testing.Short():
		limit = 2 * time.Second
	default:
		limit = 6 * time.Second
	}
	run := &tortureRun{program: cWriter(t), end: time.Now().Add(limit)}
	t.Cleanup(func() {
		t.Logf("%d transactions, %d claims compared, %d unknown, %d images with known writes, %d read in part, %d pages missed, seed %d",
			run.done.Load(), run.claims.Load(), run.unknown.Load(), run.writes.Load(), run.sparse.Load(), run.missed.Load(), base)
		if found := run.missed.Load() > 0; found != (*mutate != "") {
			t.Errorf("found a missed page: %v, mutation %q, seed %d", found, *mutate, base)
		}
	})
	for n := range uint64(tortured) {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			for seed := base + n; run.goesOn(); seed += tortured {
				run.episode(t, seed)
			}
		})
	}
}

// tortured is how many databases are tortured at a time, if -parallel allows it.
const tortured = 4

type tortureRun struct {
	program string
	end     time.Time
	done    atomic.Int64

	claims, unknown, writes, sparse, missed atomic.Int64
}

func (run *tortureRun) goesOn() bool { return time.Now().Before(run.end) && run.missed.Load() == 0 }

// episodeLength is how long one database is tortured.
const episodeLength = 8 * time.Second

// episode is a tortured database.
type episode struct {
	*testing.T
	*tortureRun
	seed  uint64
	r     *rand.Rand
	w     workload
	ws    *writers
	f     *sqlite.Follower
	hold  bool
	peeks bool // there are some between the images
	slow  bool // images are far apart
	last  []byte
	print sqlite.Fingerprint
	trail []string
}

func (run *tortureRun) episode(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 2))
	e := &episode{T: t, tortureRun: run, seed: seed, r: r, w: newWorkload(r, filepath.Join(t.TempDir(), "db"))}
	e.hold, e.peeks, e.slow = r.IntN(4) > 0, r.IntN(2) == 0, r.IntN(3) == 0
	e.focus(*focus)
	e.w.modes = !e.hold && r.IntN(2) == 0
	e.w.create(t)
	e.f = sqlite.NewFollower(e.w.path, sqlite.FollowOptions{Hold: e.hold, BusyTimeout: 2 * time.Second})
	defer e.f.Close()
	e.probe()
	e.ws = &writers{t: t, w: e.w, r: r, program: run.program, done: &run.done}
	for range 1 + r.IntN(3) {
		e.ws.start()
	}
	defer e.ws.killAll()
	for end := time.Now().Add(episodeLength); time.Now().Before(end) && run.goesOn(); {
		e.nap()
		e.fault()
		e.peek()
		e.image()
	}
}

// focus makes a kind of workload more likely.
func (e *episode) focus(kind string) {
	size, big := e.w.pageSize, min(20, e.w.rows)
	switch kind {
	case "psow":
		e.w.noPSOW, e.w.sync, e.hold, e.w.pace, e.w.big = true, "FULL", true, 2, min(8, e.w.rows)
	case "limit":
		e.w.limit, e.w.checkpoint, e.w.pace, e.w.big, e.w.explicit = aligned(size, 5+e.r.IntN(100)), of(e.r, 20, 50, 100), 2, big, 2
	case "race":
		e.w.checkpoint, e.w.pace, e.w.explicit, e.hold = of(e.r, 5, 10, 20), 1, 20, true
	case "vacuum":
		e.w.vacuum, e.w.autoVacuum, e.w.checkpoint, e.w.pace = true, of(e.r, 0, 2), of(e.r, 100, 500, 2000), 2
	case "nohold":
		e.hold = false
	}
}

// probe makes the follower slow, and its reads torn; with -mutate it leaves out rules.
func (e *episode) probe() {
	nap := 1 + e.r.IntN(300)
	p := &follow.Probe{Torn: func() bool { return e.r.IntN(2) == 0 }, Pause: func() {
		switch p := e.r.IntN(400); {
		case p == 0:
			<-time.After(time.Duration(e.r.IntN(nap)*10) * time.Microsecond)
		case p < 10:
			<-time.After(time.Microsecond)
		}
	}}
	blind := false
	for name := range strings.SplitSeq(*mutate, ",") {
		switch {
		case name == "Identity":
			blind = true
		case name != "":
			reflect.ValueOf(&p.Without).Elem().FieldByName(name).SetBool(true)
		}
	}
	sqlite.Disturb(e.f, p, blind)
}

func (e *episode) note(format string, a ...any) {
	if e.trail = append(e.trail, fmt.Sprintf(format, a...)); len(e.trail) > 14 {
		e.trail = e.trail[1:]
	}
}

func (e *episode) nap() {
	nap := time.Duration(e.r.IntN(40)) * time.Millisecond
	switch half := e.r.IntN(2) == 0; {
	case e.slow && half:
		nap = time.Duration(e.r.IntN(1500)) * time.Millisecond
	case half:
		nap = time.Duration(e.r.IntN(6000)) * time.Microsecond
	}
	<-time.After(nap)
}

// fault kills writers now and then.
func (e *episode) fault() {
	switch p := e.r.IntN(150); {
	case p < 2:
		e.ws.kill()
		e.note("killed one")
	case p < 3:
		e.ws.killAll()
		e.note("killed all")
		if e.hold && e.r.IntN(3) > 0 {
			e.damage()
		}
	}
	if len(e.ws.cmds) == 0 || len(e.ws.cmds) < 3 && e.r.IntN(50) == 0 {
		e.ws.start()
	}
}

// damage makes the two copies of the WAL-index header differ, as a writer that is killed while it writes them: the next
// connection has to recover. It is done by another process: ours must not open a file that SQLite has locked.
func (e *episode) damage() {
	script := fmt.Sprintf(`printf '\125' | dd of="$0-shm" bs=1 seek=%d conv=notrunc 2>/dev/null`, 8+e.r.IntN(12))
	if err := exec.Command("sh", "-c", script, e.w.path).Run(); err == nil {
		e.note("damaged the WAL-index")
	}
}

func (e *episode) peek() {
	if !e.peeks {
		return
	}
	for range e.r.IntN(6) {
		if err := e.f.Peek(); err != nil {
			e.note("peek: %v", err)
		}
		e.note("peek %s", e.f.State().Rule)
		<-time.After(time.Duration(e.r.IntN(4000)) * time.Microsecond)
	}
}

// image takes an image, compares it, and mostly stores it.
func (e *episode) image() {
	for range e.r.IntN(4) {
		if _, err := e.f.Look(e.Context()); err != nil {
			e.note("look: %v", err)
		}
	}
	i, err := sqlite.Open(e.Context(), e.w.path, sqlite.Options{Follower: e.f, BusyTimeout: 2 * time.Second, TempDir: e.TempDir()})
	if err != nil {
		e.note("open: %v", err)
		return
	}
	defer i.Close()
	e.note("image by %s", e.f.State().Rule)
	whole := sqlite.WholeImage(e, i)
	e.compare(i, whole)
	e.written(i, whole)
	if e.r.IntN(4) == 0 {
		e.read(i, whole)
	}
	if e.r.IntN(4) > 0 {
		i.Stored()
		e.last, e.print = whole, i.Fingerprint()
	}
}

// compare compares the follower's claim with all pages.
func (e *episode) compare(i *sqlite.Image, whole []byte) {
	changed, unknown := sqlite.Claims(i)
	if unknown != "" {
		e.note("unknown: %s", unknown)
		e.unknown.Add(1)
		return
	}
	e.claims.Add(1)
	size, missed := i.Info().PageSize, 0
	for page := int64(1); page <= i.Info().PageCount; page++ {
		from, to := int(page-1)*size, int(page)*size
		if !changed(page) && (to > len(e.last) || !bytes.Equal(e.last[from:to], whole[from:to])) {
			missed++
			e.note("missed page %d", page)
		}
	}
	if missed > 0 {
		e.missed.Add(int64(missed))
		e.Logf("seed %d, hold %v, peeks %v: %d pages missed\n%+v\n  %s", e.seed, e.hold, e.peeks, missed, e.w, strings.Join(e.trail, "\n  "))
	}
}

// written compares what the image says of SQLite's writes with all pages: they may be known by the WAL alone.
func (e *episode) written(i *sqlite.Image, whole []byte) {
	if ranges, ok := i.Written(e.print); ok {
		e.writes.Add(1)
		if at := unwritten(e.last, whole, ranges); at >= 0 {
			e.missed.Add(1)
			e.Logf("seed %d, hold %v: a change at %d was not written\n%+v\n  %s", e.seed, e.hold, at, e.w, strings.Join(e.trail, "\n  "))
		}
	}
}

// read reads the image as a backup does.
func (e *episode) read(i *sqlite.Image, whole []byte) {
	ranges, ok := i.Changed(e.print)
	got := []byte(nil)
	if ok {
		e.sparse.Add(1)
		got = (&follower{last: e.last}).fill(e, i, ranges)
	} else {
		got = readAll(e, i)
	}
	if *mutate == "" {
		checkSame(e, fmt.Sprintf("image, sparse %v, seed %d", ok, e.seed), got, whole)
	}
}
