package config

import (
	"errors"
	"fmt"

	"firn/store"
)

// Copy is the table [copy]: the repository that snapshots are copied to.
type Copy struct {
	Repository      string  `toml:"repository"`
	KeyFile         string  `toml:"key_file"`
	PasswordFile    string  `toml:"password_file"`
	PasswordCommand string  `toml:"password_command"`
	Keep            Keep    `toml:"keep"`
	S3              *Bucket `toml:"s3"` // nil: as for the repository itself
}

// paths returns pointers to the values that are paths of files or folders.
func (t *Copy) paths() []*string {
	paths := []*string{&t.KeyFile, &t.PasswordFile}
	if !store.IsRemote(t.Repository) {
		paths = append(paths, &t.Repository)
	}
	if t.S3 != nil {
		paths = append(paths, t.S3.paths()...)
	}
	return paths
}

// validate returns all that is wrong with the values, nil if they can be used.
func (t *Copy) validate() error {
	_, err := t.Keep.policy()
	if err != nil {
		err = fmt.Errorf("keep: %w", err)
	}
	if t.S3 == nil {
		return err
	}
	return errors.Join(err, t.S3.validate())
}

// CopyTarget returns a configuration whose repository is the target of copies.
func (conf *Config) CopyTarget() *Config {
	t := &Config{
		Path: conf.Path, Repository: conf.Copy.Repository,
		KeyFile: conf.Copy.KeyFile, PasswordFile: conf.Copy.PasswordFile, PasswordCommand: conf.Copy.PasswordCommand,
		CacheSize: conf.CacheSize, S3: conf.S3, SSH: conf.SSH, Keep: conf.Keep, Env: conf.Env, patterns: conf.patterns,
	}
	if conf.Copy.S3 != nil {
		t.S3 = *conf.Copy.S3
	}
	if conf.Copy.Keep.HasRules() { // the rules of [copy] replace all other rules, as flags do
		t.Keep, t.Env, t.patterns = conf.Copy.Keep, nil, nil
		t.Keep.Timezone = either(t.Keep.Timezone, conf.Keep.Timezone)
		t.Keep.PreRestore = either(t.Keep.PreRestore, conf.Keep.PreRestore)
	}
	return t
}
