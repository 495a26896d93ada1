package config

import (
	"path/filepath"
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	t.Parallel()
	type values struct {
		every, confirm time.Duration
		limit          int64
		dir            string
	}
	for text, want := range map[string]values{
		"": {10 * time.Second, time.Minute, 256 << 20, ""},
		"[watch]\nevery = '1s'\nconfirm = 'round'\nspool_size = '1 GiB'\nspool_dir = 'spool'": {time.Second, 0, 1 << 30, "/conf/spool"},
		"[watch]\nevery = '1h'\nconfirm = '30s'\nspool_size = '5MB'\nspool_dir = '/s/.'":      {time.Hour, 30 * time.Second, 5_000_000, "/s"},
	} {
		conf, err := Parse(filepath.FromSlash("/conf/firn.toml"), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		w := conf.Watch
		if got := (values{w.Interval(), w.ConfirmEvery(), w.SpoolLimit(), filepath.ToSlash(w.SpoolDir)}); got != want {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
	}
}

func TestWatchedEnvironments(t *testing.T) {
	t.Parallel()
	conf, err := Parse("/f", []byte("[watch]\nevery = '5s'\n[env.a]\ndatabase = 'a'\n[env.b]\ndatabase = 'b'\nwatch = false\nhold = false\nevery = '30s'\n"+
		"[env.'c-*']\ndatabase = '/c/*.db'\nhold = false\nevery = '1m'"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		watched, held bool
		every         time.Duration
	}{"a": {true, true, 5 * time.Second}, "b": {false, false, 30 * time.Second}, "c-x": {true, false, time.Minute}} {
		env := conf.Lookup(name)
		if env.Watched() != want.watched || env.Held() != want.held || env.WatchInterval(conf) != want.every {
			t.Errorf("%s: got %t, %t, %s", name, env.Watched(), env.Held(), env.WatchInterval(conf))
		}
	}
}

func TestWatchErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[watch]\nevery = '500ms'":                 `[watch]: every: 500ms is not a time from 1s to 1h`,
		"[watch]\nevery = '2h'":                    `[watch]: every: 2h is not a time from 1s to 1h`,
		"[watch]\nevery = '0s'":                    `[watch]: every: 0s is not a time from 1s to 1h`,
		"[watch]\nevery = 10":                      `[watch]: every: parse duration "10": want a form like 90m, 2h, 7d or 4w`,
		"[watch]\nconfirm = 'always'":              `[watch]: confirm: parse duration "always": want a form like 90m, 2h, 7d or 4w, or "round"`,
		"[watch]\nconfirm = '2h'":                  `[watch]: confirm: 2h is not a time from 1s to 1h, or "round"`,
		"[watch]\nspool_size = '256'":              `[watch]: spool_size: "256" is less than 1 MiB`,
		"[watch]\nspool_size = 'much'":             `[watch]: spool_size: "much" is not a size like 500MB or 1GiB`,
		"[env.a]\ndatabase = 'a'\nevery = '100ms'": `[env.a]: every: 100ms is not a time from 1s to 1h`,
	} {
		if _, err := Parse("f", []byte(text)); err == nil || err.Error() != "configuration f: "+want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
