package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/answer"
	"firn/internal/dbtest"
	"firn/outcome"
	"firn/upkeep"
)

const monthConfig = `repository = "repo"
[env.production]
database = "production.db"
name     = "app"
max_age  = "90m"
verify   = "SELECT k FROM t WHERE v = 'bad'"
[env.demo]
database = "demo.db"
name     = "app"
max_age  = "90m"
keep     = { last = 2, hourly = 0, daily = 1, weekly = 0, monthly = 0, yearly = 0 }
[copy]
repository = "offsite"
key_file   = "offsite.key"
keep       = { daily = 14 }
`

const (
	monthMaxAge = 90 * time.Minute
	monthTick   = 6 * time.Minute // a divisor of all times that "firn schedule" writes, except minute 17
)

// trouble is a fault that lasts from one time of the month to another.
type trouble struct {
	name       string
	from, to   string // "day hour", days from 0
	begin, end func(*month)
	noCron     bool // cron runs no job
	idle       bool // the application writes nothing
	code       int  // exit code of production's backups
	everywhere bool // the code also holds for demo's backups and for status
	state      upkeep.Condition
}

// month is a month of an operator, with the expected state.
type month struct {
	*operator
	jobs     []cronJob
	start    time.Time
	newest   map[string]time.Time // times of the newest snapshots, by environment
	suspect  map[string]bool      // whether the newest snapshot is suspect
	contents map[int64]string     // contents of production, by time of the snapshot
	others   map[string][]int     // exit codes of check, verify and copy
	turn     int
	broken   string // pack
}

// TestMonth runs the jobs of a schedule for a month. Each part is broken once, and after
// every six-minute step the output of status must be true.
func TestMonth(t *testing.T) {
	if testing.Short() {
		t.Skip("a month is one goroutine, and slow under the race detector")
	}
	t.Parallel()
	const days = 30
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // a Monday
	m := &month{
		operator: newOperator(t, start, monthConfig), start: start,
		newest: make(map[string]time.Time), suspect: make(map[string]bool), contents: make(map[int64]string), others: make(map[string][]int),
	}
	for _, name := range []string{"production.db", "demo.db"} {
		m.exec(name, "PRAGMA journal_mode = wal; CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)")
		m.exec(name, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t SELECT i, hex(randomblob(30)) FROM n")
	}
	m.want(outcome.CodeDone, "init")
	m.want(outcome.CodeDone, "init"+m.offsite())
	crontab, _ := m.want(outcome.CodeDone, "schedule")
	m.jobs = parseCrontab(t, crontab)
	for end := start.AddDate(0, 0, days); m.now.Before(end); m.now = m.now.Add(monthTick) {
		if m.counts() {
			m.step(active(m.now.Sub(start)))
		}
	}
	m.checkEnd(days)
}

// troubles lists the faults of the month. Sundays are the days 6, 13, 20 and 27.
var troubles = []trouble{
	{name: "cron stops", from: "1 10", to: "1 13", noCron: true, state: upkeep.Stale},
	{name: "the database is gone", from: "2 10", to: "2 12", code: outcome.CodeSource, state: upkeep.Stale,
		begin: func(m *month) { m.rename("production.db", "elsewhere.db") }, end: func(m *month) { m.rename("elsewhere.db", "production.db") }},
	{name: "a user deletes everything", from: "3 8", to: "3 20", code: outcome.CodeFailed, idle: true, state: upkeep.Suspect,
		begin: func(m *month) { m.exec("production.db", "DELETE FROM t") }, end: (*month).restoreLastGood},
	{name: "the disk of the repository is not there", from: "4 8", to: "4 10", code: outcome.CodeNoRepository, everywhere: true,
		begin: func(m *month) { m.rename("repo", "unmounted") }, end: func(m *month) { m.rename("unmounted", "repo") }},
	{name: "another key", from: "5 8", to: "5 10", code: outcome.CodeWrongKey, everywhere: true,
		begin: (*month).changeKey, end: func(m *month) { m.rename("right.key", "firn.key") }},
	{name: "nothing is written", from: "8 0", to: "9 12", idle: true, state: upkeep.OK},
	{name: "the other repository is not there", from: "10 3", to: "10 4", state: upkeep.OK,
		begin: func(m *month) { m.rename("offsite", "unmounted") }, end: func(m *month) { m.rename("unmounted", "offsite") }},
	{name: "data that must not be", from: "13 0", to: "13 12", state: upkeep.Unsound,
		begin: func(m *month) { m.exec("production.db", "UPDATE t SET v = 'bad' WHERE k = 500") },
		end:   func(m *month) { m.exec("production.db", "UPDATE t SET v = 'good' WHERE k = 500") }},
	{name: "a clock goes back", from: "16 8", to: "16 9", idle: true, begin: (*month).setClockBack, state: upkeep.Unsound}, // until the next verification
	{name: "a disk loses a bit", from: "20 4", to: "20 5", begin: (*month).flipBit, end: (*month).flipBit, state: upkeep.Unsound},
}

func moment(text string) time.Duration {
	var day, hour int
	if _, err := fmt.Sscan(text, &day, &hour); err != nil {
		panic(err)
	}
	return time.Duration(24*day+hour) * time.Hour
}

// active returns the trouble at a time, or an empty one.
func active(at time.Duration) trouble {
	for _, tr := range troubles {
		if at >= moment(tr.from) && at <= moment(tr.to) {
			return tr
		}
	}
	return trouble{}
}

// counts reports whether the test runs the step at this time. It skips most steps that
// resemble others. It runs all steps from eight to ten, on Sundays also from four to six,
// the first steps of every other hour, and the daily copy.
func (m *month) counts() bool {
	h := m.now.Hour()
	return h == 8 || h == 9 || h == 3 && m.now.Minute() == 36 || m.now.Weekday() == time.Sunday && (h == 4 || h == 5) || m.now.Minute() < 12
}

// step runs the jobs that are due until the next step.
func (m *month) step(tr trouble) {
	at := m.now.Sub(m.start)
	if tr.name != "" && at == moment(tr.from) && tr.begin != nil {
		m.t.Logf("%s: %s", m.now.Format(time.DateTime), tr.name)
		tr.begin(m)
	}
	if tr.name != "" && at == moment(tr.to) {
		if got := m.state("production"); tr.state != "" && got != tr.state {
			m.t.Errorf("%s: %s: status says %s in the end, want %s", m.now.Format(time.DateTime), tr.name, got, tr.state)
		}
		if tr.end != nil {
			tr.end(m)
		}
		tr = trouble{}
	}
	if !tr.idle && tr.code != outcome.CodeSource {
		m.turn++
		m.exec("production.db", "UPDATE t SET v = hex(randomblob(30)) WHERE k = ?", 1+m.turn%499)
	}
	for minute := range int(monthTick / time.Minute) {
		for _, job := range m.jobs {
			if when := m.now.Add(time.Duration(minute) * time.Minute); !tr.noCron && job.due(when) {
				m.run(job, tr)
			}
		}
	}
	m.checkStatus(tr)
}

func (m *month) run(job cronJob, tr trouble) {
	code, stdout, stderr := m.firn(job.line)
	env := strings.Fields(job.line)[1]
	if strings.HasPrefix(job.line, "backup ") {
		want := 0
		if env == "production" || tr.everywhere {
			want = tr.code
		}
		if code != want || stdout != "" || (code == 0) != (stderr == "") {
			m.t.Fatalf("%s: %s: firn %s: exit code %d, want %d\n%s%s", m.now.Format(time.DateTime), tr.name, job.line, code, want, stdout, stderr)
		}
		if code == outcome.CodeDone || code == outcome.CodeFailed {
			m.newest[env], m.suspect[env] = m.now, code == outcome.CodeFailed
			if env == "production" {
				m.contents[m.now.Unix()] = m.content("production.db")
			}
		}
		return
	}
	command, _, _ := strings.Cut(job.line, " ")
	m.others[command] = append(m.others[command], code)
}

// checkStatus compares the output of status with the expected state.
func (m *month) checkStatus(tr trouble) {
	states, code := m.status("")
	if tr.everywhere {
		if code != tr.code {
			m.t.Fatalf("%s: %s: status: exit code %d, want %d", m.now.Format(time.DateTime), tr.name, code, tr.code)
		}
		return
	}
	wantCode := outcome.CodeDone
	for env, taken := range m.newest {
		want := upkeep.OK
		switch {
		case m.now.Sub(taken) > monthMaxAge:
			want = upkeep.Stale
		case m.suspect[env]:
			want = upkeep.Suspect
		case states[env] != nil && states[env].Verified != nil && !states[env].Verified.Sound: // until the next verification
			want = upkeep.Unsound
		}
		if want != upkeep.OK {
			wantCode = outcome.CodeFailed
		}
		if st := states[env]; st == nil || st.State != want || !st.Time.Equal(taken) || st.Age != m.now.Sub(taken).Seconds() {
			m.t.Fatalf("%s: %s: status of %s: got %+v, want %s, of %s", m.now.Format(time.DateTime), tr.name, env, st, want, taken.Format(time.DateTime))
		}
	}
	if len(m.newest) == 2 && code != wantCode {
		m.t.Fatalf("%s: %s: status: exit code %d, want %d", m.now.Format(time.DateTime), tr.name, code, wantCode)
	}
}

func (m *month) state(env string) upkeep.Condition {
	states, _ := m.status("")
	if states[env] == nil {
		return ""
	}
	return states[env].State
}

// offsite returns the flags that name the other repository.
func (m *month) offsite() string {
	return " --repository " + m.path("offsite") + " --key-file " + m.path("offsite.key")
}

// list returns the snapshots of an environment, oldest first.
func (m *month) list(env string) []answer.Snapshot {
	m.t.Helper()
	return m.listWith(env)
}

func (m *month) listWith(arguments string) []answer.Snapshot {
	m.t.Helper()
	stdout, _ := m.want(outcome.CodeDone, "snapshots "+arguments+" --json")
	var list []answer.Snapshot
	if err := json.Unmarshal([]byte(stdout), &list); err != nil {
		m.t.Fatal(err)
	}
	return list
}

func (m *month) restoreLastGood() {
	list := m.list("production")
	i := len(list) - 1
	for len(list[i].Suspect) > 0 {
		i--
	}
	if age := m.now.Sub(list[i].Time); age < 11*time.Hour {
		m.t.Errorf("the last good snapshot is %s old, want it from before the disaster", age)
	}
	m.want(outcome.CodeDone, "restore production --snapshot "+list[i].ID+" --yes")
	if got := m.content("production.db"); got != m.contents[list[i].Time.Unix()] {
		m.t.Error("the restored database is not what it was")
	}
}

func (m *month) changeKey() {
	key, _ := m.want(outcome.CodeDone, "key generate")
	m.rename("firn.key", "right.key")
	m.write("firn.key", key)
}

// setClockBack makes one run at a wrong, earlier time. Seen from there, existing
// snapshots are in the future, and the run must remove none.
func (m *month) setClockBack() {
	right := m.now
	m.now = right.Add(-3 * time.Hour)
	before := len(m.list("production"))
	m.want(outcome.CodeDone, "backup production --prune")
	if after := len(m.list("production")); after != before+1 {
		m.t.Errorf("with the clock set back: %d snapshots, want %d", after, before+1)
	}
	m.contents[m.now.Unix()] = m.content("production.db")
	states, code := m.status(" production")
	if st := states["production"]; code != outcome.CodeFailed || len(st.Ahead) == 0 {
		m.t.Errorf("with the clock set back: status %s, exit code %d, want some ahead and %d", st.State, code, outcome.CodeFailed)
	}
	m.now = right
}

// flipBit flips a bit of the largest pack. The second call flips it back.
func (m *month) flipBit() {
	m.t.Helper()
	if m.broken == "" {
		m.broken = m.largestPack()
	}
	b, err := os.ReadFile(m.broken)
	if err != nil {
		m.t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := errors.Join(os.Chmod(m.broken, 0o600), os.WriteFile(m.broken, b, 0o600)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *month) largestPack() string {
	m.t.Helper()
	packs, err := filepath.Glob(m.path("repo/packs/*/*"))
	if err != nil || len(packs) == 0 {
		m.t.Fatalf("packs: %v, %v", packs, err)
	}
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			m.t.Fatal(err)
		}
		return info.Size()
	}
	return slices.MaxFunc(packs, func(a, b string) int { return int(size(a) - size(b)) })
}

// checkEnd checks the exit codes and the snapshots at the end of the month.
func (m *month) checkEnd(days int) {
	wantCheck, wantVerify := []int{0, 0, outcome.CodeDamage, 0}, []int{0, outcome.CodePartly, 0, 0}
	if got := m.others["check"]; !slices.Equal(got, wantCheck) {
		m.t.Errorf("exit codes of check: got %v, want %v", got, wantCheck)
	}
	if got := m.others["verify"]; !slices.Equal(got, wantVerify) {
		m.t.Errorf("exit codes of verify: got %v, want %v", got, wantVerify)
	}
	list := m.list("production")
	if oldest := m.now.Sub(list[0].Time); len(list) < 30 || len(list) > 60 || oldest < time.Duration(days-6)*24*time.Hour {
		m.t.Errorf("%d snapshots are left, the oldest of %s ago", len(list), oldest)
	}
	m.checkContents(list, "")
	m.checkCopies(days)
}

// checkContents compares snapshots with the contents that were backed up, and checks
// every byte of the repository.
func (m *month) checkContents(list []answer.Snapshot, flags string) {
	m.t.Helper()
	for _, s := range list {
		if slices.Contains(s.Tags, "pre-restore") {
			continue
		}
		m.want(outcome.CodeDone, "dump "+s.ID+" --output "+m.path("dump.db")+flags)
		dbtest.Integrity(m.t, m.path("dump.db"))
		if got := m.content("dump.db"); got != m.contents[s.Time.Unix()] {
			m.t.Errorf("snapshot %s of %s is not what was backed up then", s.ShortID, s.Time.Format(time.DateTime))
		}
		if err := os.Remove(m.path("dump.db")); err != nil {
			m.t.Fatal(err)
		}
	}
	m.want(outcome.CodeDone, "check --read-data"+flags)
}

// checkCopies checks that the other repository has all copies that its own rules keep,
// including those that the day without it has missed.
func (m *month) checkCopies(days int) {
	want := make([]int, days)
	if days > 10 {
		want[10] = outcome.CodeNoRepository
	}
	if got := m.others["copy"]; !slices.Equal(got, want) {
		m.t.Errorf("exit codes of copy: got %v, want %v", got, want)
	}
	list := m.listWith("production" + m.offsite())
	dates := make(map[string]bool)
	replaced := 0
	for _, s := range list {
		if slices.Contains(s.Tags, "pre-restore") {
			replaced++
		} else {
			dates[s.Time.Format(time.DateOnly)] = true
		}
	}
	if want := min(days, 14); len(dates) != want || len(list) != want+1 || replaced != 1 {
		m.t.Errorf("%d copies of %d days, %d of them of what was replaced, want one of each of %d days, and one", len(list), len(dates), replaced, want)
	}
	m.checkContents(list, m.offsite())
}
