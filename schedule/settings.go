package schedule

import (
	"path/filepath"

	"firn/config"
	"firn/outcome"
	"firn/session"
)

// settings are the settings of this run that are not in the configuration. The scheduled runs need them, too.
type settings struct {
	flags   []string // the flags for every command
	key     []string // the flag of the key, if the key is in a file that systemd can hand on
	keyFile string   // that file; "" if the configuration names the key, or the key is of another kind
	other   bool     // the key is of another kind: a key file of the configuration does not count
	cache   string   // the folder for caches, if a flag names it
}

// newSettings returns the settings of the flags and the environment variables. It makes paths absolute, since cron and systemd
// run firn in other folders.
func newSettings(c *session.Caller, conf *config.Config, repository session.Place) (s settings, err error) {
	if configured, err := c.ParsePlace(conf.Repository, c.Endpoint(conf)); conf.Repository == "" || err != nil || configured.String() != repository.String() {
		s.flags = append(s.flags, "--repository", repository.String())
	}
	if s.cache, err = absolute(c.Settings.CacheDir); err != nil {
		return s, err
	}
	for _, flag := range []struct{ name, value string }{
		{"--cache-dir", s.cache}, {"--cache-size", c.Settings.CacheSize},
		{"--limit-upload", c.Settings.LimitUpload}, {"--limit-download", c.Settings.LimitDownload},
	} {
		if flag.value != "" {
			s.flags = append(s.flags, flag.name, flag.value)
		}
	}
	if c.Settings.NoCache {
		s.flags = append(s.flags, "--no-cache")
	}
	return s, s.addKey(c, conf)
}

// addKey adds the key, unless the configuration names it.
func (s *settings) addKey(c *session.Caller, conf *config.Config) error {
	k, err := c.KeySource(conf)
	if err != nil || k == conf.KeySource() {
		return err
	}
	if k.KeyFile == config.StandardInput || k.PasswordFile == config.StandardInput {
		return outcome.Usage("Name a file.", "schedule: nothing hands a key to the standard input of cron or systemd")
	}
	switch {
	case k.KeyFile != "":
		s.keyFile, err = absolute(k.KeyFile)
		s.key = []string{"--key-file", s.keyFile}
	case k.PasswordFile != "":
		var path string
		path, err = absolute(k.PasswordFile)
		s.flags, s.other = append(s.flags, "--password-file", path), true
	case k.PasswordCommand != "":
		s.flags, s.other = append(s.flags, "--password-command", k.PasswordCommand), true
	case k.Password != "":
		c.Warn("the password of FIRN_PASSWORD is not written into the schedule: name a password_file in %s, or a key_file", conf.Path)
	}
	return err
}

// absolute makes a path absolute. The empty path stays empty.
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}
