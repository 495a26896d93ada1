package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newReplicator makes a contender with a daemon that only shows that it runs.
func newReplicator(name string) contender {
	c := newCopier(name)
	c.daemon = `sh -c 'trap "exit 0" INT; : >"$TMP/up"; while :; do sleep 0.02; done'`
	c.backup = `until test -e "$TMP/up"; do sleep 0.01; done; ` + c.backup
	return c
}

func TestReplicateRunsADaemon(t *testing.T) {
	t.Parallel()
	c, err := compare(newOptions(), filepath.Join(t.TempDir(), "work"), []contender{newReplicator("replicator")})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.results) != 0 || len(c.replicas) != 1 {
		t.Fatalf("got %d contenders that run and %d that replicate, want 0 and 1", len(c.results), len(c.replicas))
	}
	x := c.replicas[0]
	for op, want := range map[operation]int{firstBackup: 1, inPlace: 3, writes: 2, unchanged: 2, restoreNew: 2, clone: 0} {
		if got := len(x.costs[op]); got != want {
			t.Errorf("%s: got %d runs, want %d", op, got, want)
		}
	}
	if x.daemon.wall <= 0 {
		t.Error("got no time of the daemon's life")
	}
}

func TestReplicateTellsThatTheDaemonFailed(t *testing.T) {
	t.Parallel()
	c := newReplicator("broken")
	c.daemon = `sh -c 'trap "echo no replica; exit 3" INT; : >"$TMP/up"; while :; do sleep 0.02; done'`
	_, err := compare(newOptions(), t.TempDir(), []contender{c})
	if err == nil || !strings.Contains(err.Error(), "no replica") {
		t.Errorf("got %v, want what the daemon printed", err)
	}
}

func TestReportComparesReplicas(t *testing.T) {
	t.Parallel()
	c := newComparison(usualSize, 4)
	costs := []cost{{wall: 2 * time.Second, cpu: time.Second, rss: 40 << 20, added: 1 << 20}}
	r := result{contender: newReplicator("replicator"), costs: map[operation][]cost{writes: costs, restoreNew: costs}}
	c.replicas = []*replica{{result: r, daemon: cost{wall: time.Minute, cpu: 3 * time.Second, rss: 50 << 20}}}
	got := c.String()
	for _, want := range []string{
		"60.000 s, the daemon took 3.000 s of CPU and at most 50 MiB of memory",
		"| | replicator | firn |\n",
		"| backup after an application's writes: added | 1.0 MiB | 12 MiB |\n",
		"| first backup: added |  | 12 MiB |\n",
		"| restore into a new file: wall | 2.000 s | 2.500 s |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %q in:\n%s", want, got)
		}
	}
}

func TestLeaveOutSaysWhy(t *testing.T) {
	t.Parallel()
	there, missing, broken, unproven := newCopier("there"), newCopier("missing"), newCopier("broken"), newCopier("unproven")
	missing.tools = []string{"sh", "no-such-tool"}
	broken.unproven, broken.restore = true, "echo no such flag >&2; exit 2"
	unproven.unproven = true
	got, absent := leaveOut(t.TempDir(), []contender{missing, there, broken, unproven})
	if len(got) != 2 || got[0].name != "there" || got[1].name != "unproven" {
		t.Errorf("contenders: got %v, want there and unproven", got)
	}
	wants := []string{"left out: missing (missing: no-such-tool)", "no such flag"}
	if len(absent) != len(wants) {
		t.Fatalf("left out: got %q, want 2", absent)
	}
	for i, want := range wants {
		if !strings.Contains(absent[i], want) {
			t.Errorf("got %q, want it to say %q", absent[i], want)
		}
	}
}
