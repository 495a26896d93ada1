package config

import (
	"firn/host"
)

// Owners returns the environments whose database is at a path, sorted by name. The path must have no symbolic links. The
// database of a pattern may have vanished.
func (conf *Config) Owners(path string) (owners []*Environment) {
	for _, name := range conf.ownNames() {
		if env := conf.Env[name]; env.Owns(path) {
			owners = append(owners, env)
		}
	}
	if len(owners) > 0 || len(conf.patterns) == 0 {
		return owners
	}
	for _, p := range conf.patterns {
		if env := p.at(path); env != nil && conf.Env[env.Name] == nil {
			owners = append(owners, env)
		}
	}
	if len(owners) > 0 {
		return owners
	}
	// A link among the files may lead to the path.
	return filter(conf.All().Environments, func(env *Environment) bool { return env.real == path })
}

// Owner returns the first of [Config.Owners], or nil.
func (conf *Config) Owner(path string) *Environment {
	if owners := conf.Owners(path); len(owners) > 0 {
		return owners[0]
	}
	return nil
}

// Owns reports whether the environment's database is at a path. The path must have no symbolic links.
func (e *Environment) Owns(path string) bool { return path == RealPath(e.Database) }

// RealPath resolves the symbolic links of a path. The file itself may be missing. If a folder cannot be opened, or the path is on
// another host, it is returned as it is.
func RealPath(path string) string {
	if IsRemote(path) {
		return path
	}
	folder, name, err := host.Reach(path)
	if err != nil {
		return path
	}
	_ = folder.Close() // it was only read
	return folder.Path(name)
}
