package config

import (
	"firn/outcome"
)

// StandardInput is the path that stands for standard input.
const StandardInput = "-"

// KeySource is the place of a key. At most one field beside Origin is set.
type KeySource struct {
	Origin          string // names the place of these values in messages
	KeyFile         string
	PasswordFile    string
	PasswordCommand string
	Password        string
}

// Count returns how many of the sources are set.
func (k KeySource) Count() int {
	n := 0
	for _, s := range []string{k.KeyFile, k.PasswordFile, k.PasswordCommand, k.Password} {
		if s != "" {
			n++
		}
	}
	return n
}

// KeySource returns the place of the key that the configuration names. It is empty if the configuration names none.
func (conf *Config) KeySource() KeySource {
	return KeySource{Origin: "the configuration " + conf.Path, KeyFile: conf.KeyFile, PasswordFile: conf.PasswordFile, PasswordCommand: conf.PasswordCommand}
}

// FirstKey returns the first of the sources that names a key, or an empty source if none does. A source that names two keys
// is a usage error.
func FirstKey(sources ...KeySource) (KeySource, error) {
	for _, k := range sources {
		switch k.Count() {
		case 0:
			continue
		case 1:
			return k, nil
		}
		return k, outcome.Usage("Give one of key file, password file and password command.", "more than one key is named by %s", k.Origin)
	}
	return KeySource{}, nil
}

// String describes the key and its origin for messages.
func (k KeySource) String() string {
	what := "the password"
	switch {
	case k.KeyFile == StandardInput, k.PasswordFile == StandardInput:
		what = "the key on standard input"
	case k.KeyFile != "":
		what = "key file " + k.KeyFile
	case k.PasswordFile != "":
		what = "password file " + k.PasswordFile
	case k.PasswordCommand != "":
		what = "the password command"
	}
	if k.Origin == "" {
		return what
	}
	return what + " (from " + k.Origin + ")"
}
