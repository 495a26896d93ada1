package config

import (
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"firn/outcome"
	"firn/retention"
)

func TestConfigOfHelp(t *testing.T) {
	t.Parallel()
	conf, err := Parse("/etc/firn/firn.toml", []byte(Help))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := conf.Policy("production", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := policy.String(), "last 10, hourly 24, daily 30, weekly 4, monthly 6, yearly all (UTC)"; got != want {
		t.Errorf("policy of production: got %q, want %q", got, want)
	}
	bare, err := (&Config{}).Policy("production", nil)
	if err != nil {
		t.Fatal(err)
	}
	demo, err := conf.Policy("demo", nil)
	if got, want := demo.String(), bare.String(); err != nil || got != want {
		t.Errorf("the help's defaults: got %q, want %q (%v)", got, want, err)
	}
}

// TestHelpNamesKeys looks for every key in the help. It may stand behind a #.
func TestHelpNamesKeys(t *testing.T) {
	t.Parallel()
	for _, table := range []any{Config{}, Environment{}, Keep{}, Bucket{}, Copy{}, Watch{}} {
		for field := range reflect.TypeOf(table).Fields() {
			key := field.Tag.Get("toml")
			if key != "" && key != "-" && !regexp.MustCompile(`(?m)^#?(\[`+key+`[.\]]|`+key+` *= )`).MatchString(Help) && !strings.Contains(Help, " or "+key) {
				t.Errorf("%s is not in the help", key)
			}
		}
	}
}

// TestConfigKeys checks that every documented key is accepted.
func TestConfigKeys(t *testing.T) {
	t.Parallel()
	const all = `
repository = "repo"
password_command = "pass firn"
[keep]
last = 1
minutely = 90
yearly = "all"
within = "2h"
pre_restore = "1w"
timezone = "Europe/Amsterdam"
[env.a]
database = "data/a.sqlite3"
name = "app"
tags = ["x"]
export = "compact"
max_age = "30m"
stop = "s"
start = "s"
before = "b"
after = "a"
on_failure = "f"
ping = "https://hc.example/uuid"
scrub = "scrub.sql"
verify = "SELECT 1"
keep = { last = "all", daily = 30 }
[env.b]
database = "/b/./b.db"
[s3]
endpoint = "e"
region = "r"
access_key_file = "k"
secret_key_file = "/s"
ca_file = "c"
path_style = true
[copy]
repository = "s3://offsite/firn"
key_file = "off.key"
keep = { last = 3 }
s3 = { access_key_file = "c", secret_key_file = "/s" }
`
	conf, err := Parse(filepath.FromSlash("/conf/firn.toml"), []byte(all))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ what, got, want string }{
		{"repository", conf.Repository, "/conf/repo"},
		{"database of a", conf.Env["a"].Database, "/conf/data/a.sqlite3"},
		{"name of a", conf.Env["a"].DatabaseName, "app"},
		{"scrub of a", conf.Env["a"].Scrub, "/conf/scrub.sql"},
		{"database of b", conf.Env["b"].Database, "/b/b.db"},
		{"name of b", conf.Env["b"].DatabaseName, "b"},
		{"access key file", conf.S3.AccessKeyFile, "/conf/k"},
		{"secret key file", conf.S3.SecretKeyFile, "/s"},
		{"target", conf.Copy.Repository, "s3://offsite/firn"},
		{"key of the target", conf.Copy.KeyFile, "/conf/off.key"},
		{"access key file of the target", conf.CopyTarget().S3.AccessKeyFile, "/conf/c"},
	} {
		if c.got != filepath.FromSlash(c.want) {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}
	p, err := conf.Policy("a", nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Last != retention.All || p.Minutely != 90 || p.Daily != 30 || p.Yearly != retention.All || p.Within != 2*time.Hour ||
		p.PreRestore != 7*24*time.Hour || p.Location.String() != "Europe/Amsterdam" {
		t.Errorf("policy of a: got %+v", p)
	}
}

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"UnknownKey", "repositry = 'x'", `configuration f, line 1: unknown key "repositry"`},
		{"UnknownTable", "[env.a]\ndatabase = 'x'\n[evn.b]\ndatabase = 'y'", `configuration f, line 3: unknown key "evn.b"`},
		{"UnknownEnvironmentKey", "[env.a]\ndatabase = 'x'\nfoo = 1", `configuration f, line 3: unknown key "env.a.foo"`},
		{"NotString", "[env.a]\ndatabase = ['x']", `configuration f, line 2, column 12: env.a.database: want a string, not a value of type array`},
		{"NotBoolean", "[env.a]\nguard = 1", `configuration f, line 2, column 9: env.a.guard: want true or false, not a value of type integer`},
		{"NotList", "[env.a]\ntags = 1", `configuration f, line 2, column 8: env.a.tags: want a list of strings, not a value of type integer`},
		{"NotCount", "[keep]\nlast = []", `configuration f, line 2, column 8: keep.last: want a number or "all", not a value of type array`},
		{"NotTime", "[watch]\nevery = ['1m']", `configuration f, line 2, column 9: watch.every: want a time such as "30m", not a value of type array`},
		{"NotTable", "[env]\na = 1", `configuration f, line 2, column 5: env.a: want a table, not a value of type integer`},
		{"NoDatabase", "[env.a]\nname = 'x'", `configuration f: [env.a]: database is missing`},
		{"Export", "[env.a]\ndatabase = 'x'\nexport = 'zip'", `configuration f: [env.a]: export is "zip", not "pages" or "compact"`},
		{"Count", "[keep]\nlast = 1.5", `configuration f: [keep]: last: parse count "1.5": want a number or "all"`},
		{"Timezone", "[keep]\ntimezone = 'Mars'", `configuration f: [keep]: timezone: unknown time zone Mars`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("f", []byte(c.text))
			if err == nil {
				t.Fatal("no error")
			}
			if got := err.Error(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if got, _ := outcome.Classify(err); got != outcome.CodeUsage {
				t.Errorf("exit code: got %d, want %d", got, outcome.CodeUsage)
			}
		})
	}
}

func TestKeepOverrides(t *testing.T) {
	t.Parallel()
	conf, err := Parse("f", []byte("[keep]\nlast = 3\n[env.a]\ndatabase = 'a'\nkeep = { last = 0 }"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conf.Policy("a", nil); !outcome.Is(retention.ErrKeepsNothing)(err) {
		t.Errorf("a policy of zeros: got %v, want ErrKeepsNothing", err)
	}
	p, err := conf.Policy("other", nil)
	if got, want := p.String(), "last 3 (UTC)"; err != nil || got != want {
		t.Errorf("got %q (%v), want %q: rules that are given replace the defaults", got, err, want)
	}
}

// TestWatchPolicy checks that a watch adds to the rules that count without it, and only what is not configured.
func TestWatchPolicy(t *testing.T) {
	t.Parallel()
	const defaults = "last 10, minutely 1440, hourly 24, daily 7, weekly 4, monthly 6, yearly all, within 1h (UTC)"
	for name, tt := range map[string]struct{ config, want string }{
		"Default":          {"", defaults},
		"OnlyTimezone":     {"[keep]\ntimezone = 'UTC'", defaults},
		"Rules":            {"[keep]\ndaily = 5", "minutely 1440, daily 5, within 1h (UTC)"},
		"OwnRules":         {"[keep]\ndaily = 5\n[env.a]\ndatabase = 'a'\nkeep = { daily = 0, minutely = 60 }", "minutely 60, within 1h (UTC)"},
		"Within":           {"[keep]\nwithin = '3h'", "minutely 1440, within 3h (UTC)"},
		"ZerosAreRules":    {"[keep]\nlast = 3\nminutely = 0\nwithin = '0s'", "last 3 (UTC)"},
		"NothingOfOnesOwn": {"[keep]\nlast = 0", "minutely 1440, within 1h (UTC)"},
	} {
		t.Run(name, func(t *testing.T) {
			conf, err := Parse("f", []byte(tt.config))
			if err != nil {
				t.Fatal(err)
			}
			if p, err := conf.WatchPolicyOf(&Environment{Name: "a"}); err != nil || p.String() != tt.want {
				t.Errorf("got %s, %v, want %s", p, err, tt.want)
			}
			if p, err := conf.Policy("a", nil); err == nil && p.String() == tt.want && name != "ZerosAreRules" {
				t.Errorf("without a watch: got %s, too", p)
			}
		})
	}
	conf := &Config{}
	if _, err := conf.WatchPolicyOf(&Environment{Name: "a", Keep: *NewKeep(retention.Policy{})}); !outcome.Is(retention.ErrKeepsNothing)(err) {
		t.Errorf("zeros alone: got %v, want ErrKeepsNothing", err)
	}
}

// TestTargetPolicy checks that the rules of [copy] replace all other rules for the
// target of copies.
func TestTargetPolicy(t *testing.T) {
	t.Parallel()
	const environments = "[keep]\nhourly = 5\ntimezone = \"Europe/Amsterdam\"\n[env.a]\ndatabase = \"a.db\"\nkeep = { daily = 30 }\n"
	for _, tt := range []struct{ config, want string }{
		{environments, "hourly 5, daily 30 (Europe/Amsterdam)"},
		{environments + "[copy]\nkeep = { monthly = 3 }", "monthly 3 (Europe/Amsterdam)"},
		{environments + "[copy]\nkeep = { monthly = 3, timezone = \"UTC\" }", "monthly 3 (UTC)"},
	} {
		conf, err := Parse("firn.toml", []byte(tt.config))
		if err != nil {
			t.Fatal(err)
		}
		if p, err := conf.CopyTarget().Policy("a", nil); err != nil || p.String() != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.config, p, err, tt.want)
		}
	}
	if _, err := Parse("firn.toml", []byte("[copy]\ns3 = { access_key_file = \"a\" }")); err == nil || !strings.Contains(err.Error(), "[copy]: access_key_file") {
		t.Errorf("half a pair of keys: got %v", err)
	}
}
