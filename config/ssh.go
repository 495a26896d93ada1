package config

import "firn/store"

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
