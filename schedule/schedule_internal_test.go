package schedule

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/config"
	"firn/internal/dbtest"
	"firn/session"
	"firn/store"
)

var update = flag.Bool("update", false, "write deploy/ anew")

// TestDeploy compares deploy/ with the output of schedule for the configuration there.
func TestDeploy(t *testing.T) {
	t.Parallel()
	const dir = "../deploy"
	b, err := os.ReadFile(filepath.Join(dir, "firn.toml"))
	if err != nil {
		t.Fatal(err)
	}
	conf, err := config.Parse(config.SystemFile, b)
	if err != nil {
		t.Fatal(err)
	}
	every, err := parseInterval(12 * time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	s := &Schedule{conf: conf, repository: session.Place{Folder: conf.Repository}, target: &session.Place{Location: conf.Copy.Repository}, program: "/usr/local/bin/firn"}
	for i, at := range every.spread(2) {
		name := conf.TableNames()[i]
		s.Backups = append(s.Backups, scheduled{name, conf.Env[name], at})
	}
	units, err := s.Units()
	if err != nil {
		t.Fatal(err)
	}
	crontab, err := s.Crontab()
	if err != nil {
		t.Fatal(err)
	}
	watch, err := s.WatchUnit()
	if err != nil {
		t.Fatal(err)
	}
	units = append(units, watch)
	var names []string
	for _, u := range append(units, Unit{"crontab", crontab}, Unit{"firn.toml", string(b)}) {
		path := filepath.Join(dir, u.Name)
		if *update {
			if err := os.WriteFile(path, []byte(u.Text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != u.Text {
			t.Errorf("%s differs from what schedule writes, %v: go test ./schedule -run TestDeploy -update", path, err)
		}
		names = append(names, u.Name)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !slices.Contains(append(names, handWritten()...), f.Name()) {
			t.Errorf("%s is not written by schedule", f.Name())
		}
	}
}

// TestUnitsAreConfined lets systemd rate the exposure of the services on its scale from 0
// to 10: for root, and for another user, whose services need none of root's rights.
func TestUnitsAreConfined(t *testing.T) {
	t.Parallel()
	tool := dbtest.Tool(t, "systemd-analyze")
	for _, tt := range []struct{ user, threshold string }{{"", "30"}, {"root", "30"}, {"app", "20"}} { // in tenths
		t.Run("User="+tt.user, func(t *testing.T) {
			t.Parallel()
			v := (&Schedule{conf: &config.Config{KeyFile: "/etc/key"}, repository: session.Place{Folder: "/mnt/backup"}, User: tt.user}).
				service("firn-a", "a", []*config.Environment{{Database: "/srv/a.db"}}, "/bin/true")
			units, err := v.pair("daily")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), units[0].Name)
			if err := os.WriteFile(path, []byte(units[0].Text), 0o644); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(tool, "security", "--no-pager", "--offline=true", "--threshold="+tt.threshold, path).CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestUnits lets systemd verify the units of a configuration that is full of odd
// characters.
func TestUnits(t *testing.T) {
	t.Parallel()
	tool := dbtest.Tool(t, "systemd-analyze")
	dir := t.TempDir()
	program, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	odd := filepath.Join(dir, `it's "50 %" \ $HOME`)
	if err := os.Mkdir(odd, 0o700); err != nil {
		t.Fatal(err)
	}
	const name = `../it's "50 %" \ $HOME`
	conf := &config.Config{Path: filepath.Join(odd, "firn.toml"), KeyFile: filepath.Join(odd, "key"), Env: map[string]*config.Environment{
		name: {Name: name, Database: filepath.Join(odd, "app.db")},
	}}
	conf.Copy.KeyFile = conf.KeyFile
	s := &Schedule{conf: conf, repository: session.Place{Folder: odd}, target: &session.Place{Folder: odd}, program: program, User: "root"}
	for _, every := range []time.Duration{time.Minute, 12 * time.Minute, time.Hour, 90 * time.Minute, 6 * time.Hour, 24 * time.Hour} {
		at, err := parseInterval(every)
		if err != nil {
			t.Fatal(err)
		}
		s.Backups = []scheduled{{name, conf.Env[name], at.spread(2)[1]}}
		units, err := s.Units()
		if err != nil {
			t.Fatal(err)
		}
		args := []string{"verify", "--man=no"}
		for _, u := range units {
			path := filepath.Join(dir, u.Name)
			if err := os.WriteFile(path, []byte(u.Text), 0o644); err != nil {
				t.Fatal(err)
			}
			args = append(args, path)
		}
		if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil || strings.Contains(string(out), dir) {
			t.Errorf("every %s: %v\n%s", every, err, out)
		}
	}
}

func TestUnitName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"production": "firn-production", "eu-1.app_2": "firn-eu-1.app_2", "../x": `firn-..\x2fx`, "a b%": `firn-a\x20b\x25`, "Ü": `firn-\xc3\x9c`,
	} {
		if got := unitName(name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}

func TestInterval(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		every          time.Duration
		cron, calendar string // of the second of two environments
	}{
		{time.Minute, "*/1 * * * *", "*:00/1"},
		{12 * time.Minute, "6-59/12 * * * *", "*:06/12"},
		{time.Hour, "30 * * * *", "*:30"},
		{3 * time.Hour, "30 1-23/3 * * *", "*-*-* 01/3:30"},
		{24 * time.Hour, "0 12 * * *", "*-*-* 12:00"},
		{288 * time.Minute, "0 12 * * *\n12 7 * * *\n24 2 * * *\n36 21 * * *\n48 16 * * *", "*-*-* 12:00\n*-*-* 07:12\n*-*-* 02:24\n*-*-* 21:36\n*-*-* 16:48"},
		{90 * time.Minute, "15 2-23/3 * * *\n45 0-23/3 * * *", "*-*-* 02/3:15\n*-*-* 00/3:45"},
		{45 * time.Minute, "7 1-23/3 * * *\n22 0-23/3 * * *\n37 2-23/3 * * *\n52 1-23/3 * * *", "*-*-* 01/3:07\n*-*-* 00/3:22\n*-*-* 02/3:37\n*-*-* 01/3:52"},
		{0, "", ""}, {7 * time.Minute, "", ""}, {100 * time.Minute, "", ""}, {5 * time.Hour, "", ""}, {48 * time.Hour, "", ""},
		{90 * time.Second, "", ""}, {-time.Hour, "", ""},
	} {
		i, err := parseInterval(tt.every)
		if (err == nil) != (tt.cron != "") {
			t.Errorf("%s: %v", tt.every, err)
		}
		if err != nil {
			continue
		}
		at := i.spread(2)[1]
		if got := strings.Join(at.cron(), "\n"); got != tt.cron {
			t.Errorf("%s: cron %q, want %q", tt.every, got, tt.cron)
		}
		if got := strings.Join(at.calendar(), "\n"); got != tt.calendar {
			t.Errorf("%s: calendar %q, want %q", tt.every, got, tt.calendar)
		}
	}
}

func TestCronCommand(t *testing.T) {
	t.Parallel()
	s := &Schedule{conf: &config.Config{Path: "/etc/my firn/100%.toml"}, program: "/opt/firn"}
	if got, want := s.Command("backup", "demo"), `/opt/firn backup demo --config '/etc/my firn/100\%.toml'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestProgramsAtHome has services start ssh and rclone, whose configuration is in the home folder.
func TestProgramsAtHome(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]string{
		"sftp:host:/srv/firn": "read-only", "ssh://host/srv/firn": "read-only", "rclone:disk:firn": "read-only", "s3:https://host/bucket": "yes",
	} {
		s := &Schedule{repository: session.Place{Location: location, Kind: farKind{}}, conf: &config.Config{}}
		if got := s.service("firn-a", "a", nil, "/bin/true").ProtectHome; got != want {
			t.Errorf("%s: ProtectHome=%s, want %s", location, got, want)
		}
	}
	s := &Schedule{repository: session.Place{Folder: "/srv/firn"}, conf: &config.Config{}}
	v := s.service("firn-a", "a", []*config.Environment{{Database: "ssh://app@db1/srv/app.db"}}, "/bin/true")
	if v.ProtectHome != "read-only" || v.Writable != "/srv/firn" {
		t.Errorf("a database on another host: got ProtectHome=%s, ReadWritePaths=%s", v.ProtectHome, v.Writable)
	}
}

// farKind is a kind of place on another host.
type farKind struct{ store.Kind }
