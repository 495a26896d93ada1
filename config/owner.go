package config

import (
	"firn/host"
)

// Owner returns the environment whose database is at a path, or nil. The path must have no symbolic links.
func (conf *Config) Owner(path string) *Environment {
	for _, name := range conf.Names() {
		if conf.Env[name].Owns(path) {
			return conf.Env[name]
		}
	}
	return nil
}

// Owns reports whether the environment's database is at a path. The path must have no symbolic links.
func (e *Environment) Owns(path string) bool { return path == RealPath(e.Database) }

// RealPath resolves the symbolic links of a path. The file itself may be missing. If a folder cannot be opened, the path is
// returned as it is.
func RealPath(path string) string {
	folder, name, err := host.Reach(path)
	if err != nil {
		return path
	}
	_ = folder.Close() // it was only read
	return folder.Path(name)
}
