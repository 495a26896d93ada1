package config

import (
	"firn/host"
)

// Owner returns an environment whose database is at a path without symbolic links, or nil.
func (conf *Config) Owner(path string) *Environment {
	for _, name := range conf.Names() {
		if conf.Env[name].Owns(path) {
			return conf.Env[name]
		}
	}
	return nil
}

// Owns reports whether a path, without symbolic links, is that of the environment's database.
func (e *Environment) Owns(path string) bool { return path == realPath(e.Database) }

// realPath returns a path without symbolic links. The file itself may be missing.
func realPath(path string) string {
	folder, name, err := host.Reach(path)
	if err != nil {
		return path
	}
	_ = folder.Close() // it was only read
	return folder.Path(name)
}
