package schedule

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"firn/config"
	"firn/internal/dbtest"
	"firn/session"
)

// watchOf returns the unit of a watch for the text of a configuration, and the configuration.
func watchOf(t *testing.T, dir, program, text string, names ...string) Unit {
	t.Helper()
	conf, err := config.Parse(filepath.Join(dir, "firn.toml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c := &session.Caller{Getenv: func(string) string { return "" }}
	s, err := New(c, conf, Options{Environments: names, Program: program})
	if err != nil {
		t.Fatal(err)
	}
	unit, err := s.WatchUnit()
	if err != nil {
		t.Fatal(err)
	}
	return unit
}

func TestWatchUnit(t *testing.T) {
	t.Parallel()
	const text = `repository = "/mnt/firn"
key_file = "/etc/key"
[env.own]
database = "/srv/own/app.db"
[env."tenant-*"]
database = "/srv/tenants/*.db"
[copy]
repository = "/mnt/off"
key_file = "/etc/off.key"
[watch]
spool_dir = "/var/spool/firn"
`
	all := watchOf(t, "/etc/firn", "/opt/firn", text)
	if all.Name != "firn-watch.service" {
		t.Errorf("got the name %s", all.Name)
	}
	for _, want := range []string{
		"Type=notify\n", "ExecStart=/opt/firn watch --all --to-key-file %d/copy.key\n", "LoadCredential=firn.key:/etc/key\n", "LoadCredential=copy.key:/etc/off.key\n",
		"ReadWritePaths=/mnt/firn /srv/own /srv/tenants /mnt/off /var/spool/firn\n", "RequiresMountsFor=/mnt/firn /mnt/off\n", "ExecReload=/bin/kill -HUP $MAINPID\n",
		"Restart=always\n", "RestartPreventExitStatus=2\n", "LimitNOFILE=32000\n", "ProtectSystem=strict\n", "WantedBy=multi-user.target\n",
	} {
		if !strings.Contains(all.Text, want) {
			t.Errorf("the unit lacks %q:\n%s", want, all.Text)
		}
	}
	some := watchOf(t, "/etc/firn", "/opt/firn", text, "own", "tenant-*")
	if want := "ExecStart=/opt/firn watch own tenant-* --to-key-file"; !strings.Contains(some.Text, want) {
		t.Errorf("the unit lacks %q:\n%s", want, some.Text)
	}
}

// TestWatchUnitIsValid lets systemd verify the unit, and rate its exposure.
func TestWatchUnitIsValid(t *testing.T) {
	t.Parallel()
	tool := dbtest.Tool(t, "systemd-analyze")
	program, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	unit := watchOf(t, dir, program, "repository = \"repo\"\nkey_file = \"key\"\n[env.\"50 % *\"]\ndatabase = \"/srv/50 % '/*.db\"\n")
	path := filepath.Join(dir, unit.Name)
	if err := os.WriteFile(path, []byte(unit.Text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool, "verify", "--man=no", path).CombinedOutput(); err != nil || strings.Contains(string(out), dir) {
		t.Errorf("%v\n%s\n%s", err, out, unit.Text)
	}
	if out, err := exec.Command(tool, "security", "--no-pager", "--offline=true", "--threshold=30", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
