package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"firn/crypt"
	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store"
)

// copyConfig is the table [copy]: the repository that snapshots are copied to.
type copyConfig struct {
	Repository      string        `toml:"repository"`
	KeyFile         string        `toml:"key_file"`
	PasswordFile    string        `toml:"password_file"`
	PasswordCommand string        `toml:"password_command"`
	Keep            keep          `toml:"keep"`
	S3              *bucketConfig `toml:"s3"` // nil: as for the repository itself
}

// paths are the values that name files or folders.
func (t *copyConfig) paths() []*string {
	paths := []*string{&t.KeyFile, &t.PasswordFile}
	if !store.IsRemote(t.Repository) {
		paths = append(paths, &t.Repository)
	}
	if t.S3 != nil {
		paths = append(paths, t.S3.paths()...)
	}
	return paths
}

func (t *copyConfig) validate() error {
	_, err := t.Keep.policy()
	if err != nil {
		err = fmt.Errorf("keep: %w", err)
	}
	if t.S3 == nil {
		return err
	}
	return errors.Join(err, t.S3.validate())
}

// target returns the configuration as it would be if the target of copies were the
// repository.
func (conf *config) target() *config {
	t := &config{
		path: conf.path, Repository: conf.Copy.Repository,
		KeyFile: conf.Copy.KeyFile, PasswordFile: conf.Copy.PasswordFile, PasswordCommand: conf.Copy.PasswordCommand,
		CacheSize: conf.CacheSize, S3: conf.S3, Keep: conf.Keep, Env: conf.Env,
	}
	if conf.Copy.S3 != nil {
		t.S3 = *conf.Copy.S3
	}
	if conf.Copy.Keep.hasRules() { // they make the whole policy, as flags do
		t.Keep, t.Env = conf.Copy.Keep, nil
		t.Keep.Timezone = either(t.Keep.Timezone, conf.Keep.Timezone)
		t.Keep.PreRestore = either(t.Keep.PreRestore, conf.Keep.PreRestore)
	}
	return t
}

// openTarget opens the repository to copy to: at a location, "" for the configured one, with a key that is asked for
// once it is there.
func (s *session) openTarget(ctx context.Context, location string, credential credentialFunc) (*session, error) {
	conf := s.conf.target()
	location = cmp.Or(location, conf.Repository)
	if location == "" {
		return nil, usage("Give --to, or repository of [copy] in the configuration.", "nothing is given to copy to")
	}
	to := &session{caller: s.caller, conf: conf}
	var err error
	if to.place, err = s.parsePlace(location, s.endpoint(conf)); err != nil {
		return nil, err
	}
	if to.place.String() == s.place.String() { // before a key is asked for
		return nil, fmt.Errorf("copy from %s to %s: %w", s.place, to.place, repo.ErrSameRepository)
	}
	if err := to.openWith(ctx, credential); err != nil {
		return nil, err
	}
	return to, nil
}

// credential returns what finds the key of the target. That of the source is not
// taken for it unless it is named: they are apart for a reason.
func (o copyOptions) credential(c *caller) credentialFunc {
	return func(ctx context.Context, conf *config) (crypt.Credential, keySource, error) {
		k, err := firstKey(keySource{origin: "the flags", keyFile: o.keyFile, passwordFile: o.passwordFile, passwordCommand: o.passwordCommand}, conf.keySource())
		switch {
		case err != nil:
			return crypt.Credential{}, k, err
		case k.count() > 0:
			key, err := c.readKey(ctx, k)
			return key, k, err
		case c.askPassword == nil:
			return crypt.Credential{}, k, usage("Give --to-key-file, --to-password-file or --to-password-command, or a key in [copy].", "no key of the target is given")
		}
		password, err := c.askPassword(ctx, "Password of the target: ")
		return crypt.Password(password), k, err
	}
}

// targetRules returns the retention of the target by environment, nil for none: what
// is configured for it, or with --prune that of backups.
func (o copyOptions) targetRules(conf *config, chosen []*snapshot.Snapshot) (map[string]retention.Policy, error) {
	if !o.prune && o.rules == nil && !conf.Copy.Keep.hasRules() {
		return nil, nil
	}
	rules := make(map[string]retention.Policy)
	for _, name := range environments(chosen) {
		var err error
		if rules[name], err = conf.target().policy(name, o.rules); err != nil {
			return nil, err
		}
	}
	return rules, nil
}
