package cmd

import (
	"context"

	"firn/config"
	"firn/crypt"
	"firn/outcome"
	"firn/retention"
	"firn/session"
	"firn/snapshot"
)

// credential returns what finds the key of the target. That of the source is not
// taken for it unless it is named: they are apart for a reason.
func (o copyOptions) credential(c *session.Caller) session.CredentialFunc {
	return func(ctx context.Context, conf *config.Config) (crypt.Credential, config.KeySource, error) {
		k, err := config.FirstKey(config.KeySource{Origin: "the flags", KeyFile: o.keyFile, PasswordFile: o.passwordFile, PasswordCommand: o.passwordCommand}, conf.KeySource())
		switch {
		case err != nil:
			return crypt.Credential{}, k, err
		case k.Count() > 0:
			key, err := c.ReadKey(ctx, k)
			return key, k, err
		case c.AskPassword == nil:
			return crypt.Credential{}, k, outcome.Usage("Give --to-key-file, --to-password-file or --to-password-command, or a key in [copy].", "no key of the target is given")
		}
		password, err := c.AskPassword(ctx, "Password of the target: ")
		return crypt.Password(password), k, err
	}
}

// targetRules returns the retention of the target by environment, nil for none: what
// is configured for it, or with --prune that of backups.
func (o copyOptions) targetRules(conf *config.Config, chosen []*snapshot.Snapshot) (map[string]retention.Policy, error) {
	if !o.prune && o.rules == nil && !conf.Copy.Keep.HasRules() {
		return nil, nil
	}
	rules := make(map[string]retention.Policy)
	for _, name := range session.Environments(chosen) {
		var err error
		if rules[name], err = conf.CopyTarget().Policy(name, o.rules); err != nil {
			return nil, err
		}
	}
	return rules, nil
}
