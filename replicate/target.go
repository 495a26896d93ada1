package replicate

import (
	"context"

	"firn/config"
	"firn/crypt"
	"firn/outcome"
	"firn/session"
)

// Target says which repository to copy to. The zero value is the one of [copy] in the configuration.
type Target struct {
	Repository string           // its location
	Key        config.KeySource // its key
}

// OpenTarget opens the repository to copy to; the caller closes it. The key of the source is not taken for it unless it is
// named: they are apart for a reason.
func OpenTarget(ctx context.Context, from *session.Session, t Target) (*session.Session, error) {
	return from.OpenTarget(ctx, t.Repository, func(ctx context.Context, conf *config.Config) (crypt.Credential, config.KeySource, error) {
		k, err := config.FirstKey(t.Key, conf.KeySource())
		switch {
		case err != nil:
			return crypt.Credential{}, k, err
		case k.Count() > 0:
			key, err := from.ReadKey(ctx, k)
			return key, k, err
		case from.AskPassword == nil:
			return crypt.Credential{}, k, outcome.Usage("Give --to-key-file, --to-password-file or --to-password-command, or a key in [copy].", "no key of the target is given")
		}
		password, err := from.AskPassword(ctx, "Password of the target: ")
		return crypt.Password(password), k, err
	})
}
