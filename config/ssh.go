package config

import (
	"errors"
	"fmt"
	"strings"

	"firn/store"
)

// SSH is the table [ssh]: how to run the ssh program for places and databases on other hosts.
type SSH struct {
	Program string   `toml:"program"`
	Options []string `toml:"options"`
	Firn    string   `toml:"firn"` // the command that runs firn on the other host
}

// Access returns the table as a place takes it.
func (s *SSH) Access() store.SSH {
	return store.SSH{Program: s.Program, Options: s.Options, Firn: s.Firn}
}

// paths returns pointers to the values that are paths of files. A program without a slash is looked for where programs are.
func (s *SSH) paths() []*string {
	if !strings.Contains(s.Program, "/") {
		return nil
	}
	return []*string{&s.Program}
}

// validate returns the first thing that is wrong with the values, nil if they can be used. The options come before the name
// of the host, so one that looks like a name would take its place.
func (s *SSH) validate() error {
	for i, option := range s.Options {
		switch {
		case option == "" || strings.ContainsAny(option, "\x00\r\n"):
			return fmt.Errorf("options has %q, which is no option of ssh", option)
		case option == "--":
			return errors.New(`options has "--", which ends the options: the host stands in the location`)
		case i == 0 && option[0] != '-':
			return fmt.Errorf("options begins with %q: an option begins with -", option)
		}
	}
	if strings.ContainsAny(s.Program+s.Firn, "\x00\r\n") {
		return errors.New("program and firn are one line each")
	}
	return nil
}
