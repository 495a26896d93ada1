package upkeep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"firn/config"
	"firn/crypt"
	"firn/outcome"
	"firn/repo"
	"firn/session"
	"firn/site"
)

// NewKey says which key a repository gets: a key file, or a password that stands in a file or is asked for.
type NewKey struct {
	KeyFile      string // made if it does not exist; - for standard input
	PasswordFile string // has the password in its first line
	Label        string // for the list of keys; "" for a usual one
	// Ask asks a person for a new password if no file is named. It is nil where no person can be asked.
	Ask func(ctx context.Context) (string, error)
}

// KeyChange says what was done with the keys of a repository.
type KeyChange struct {
	Added   string // ID of the new key; "" for none
	Label   string // of the new key; "" if it has that of the key that it replaces
	Removed []repo.Key
	// LockedOut says why runs that are told no key would fail from now on, or that it is not known whether they would. It
	// is "" if they go on.
	LockedOut string
}

// AddKey adds a key to the repository.
func AddKey(ctx context.Context, s *session.Session, k NewKey) (*KeyChange, error) {
	credential, label, err := k.credential(ctx, s)
	if err != nil {
		return nil, err
	}
	label = cmp.Or(k.Label, label)
	id, err := s.Repo.AddKey(ctx, credential, label)
	if err != nil {
		return nil, err
	}
	return &KeyChange{Added: id, Label: label}, nil
}

// credential returns the key, and its usual label.
func (k NewKey) credential(ctx context.Context, s *session.Session) (crypt.Credential, string, error) {
	switch {
	case k.KeyFile == config.StandardInput:
		credential, err := s.ReadKeyFile(ctx, k.KeyFile)
		return credential, session.KeyLabel("key file", ""), err
	case k.KeyFile != "":
		if site.Missing(k.KeyFile) {
			if err := session.WriteKeyFile(k.KeyFile, crypt.NewKeyFile(), s.Now().UTC().Format(time.DateOnly)); err != nil {
				return crypt.Credential{}, "", err
			}
			s.Note("Made key file %s.", k.KeyFile)
		}
		credential, err := s.ReadKeyFile(ctx, k.KeyFile)
		return credential, session.KeyLabel("key file", filepath.Base(k.KeyFile)), err
	case k.PasswordFile != "":
		credential, err := s.ReadPasswordFile(ctx, k.PasswordFile)
		if err == nil {
			err = credential.CheckStrength()
		}
		return credential, session.KeyLabel("password", ""), err
	case k.Ask == nil:
		return crypt.Credential{}, "", outcome.Usage("Give --new-key-file or --new-password-file.", "no new key is given")
	}
	text, err := k.Ask(ctx)
	return crypt.Password(text), session.KeyLabel("password", ""), err
}

// RotateKey replaces the key that has opened the repository: by a new one, or, if no file is named, by the same one with a
// new salt and the costs of this version. Other keys stay.
func RotateKey(ctx context.Context, s *session.Session, k NewKey) (*KeyChange, error) {
	var credential crypt.Credential // none: the same
	label := k.Label
	if k.KeyFile != "" || k.PasswordFile != "" {
		var usual string
		var err error
		if credential, usual, err = k.credential(ctx, s); err != nil {
			return nil, err
		}
		label = cmp.Or(label, usual)
	}
	id, removed, err := s.Repo.RotateKey(ctx, credential, label)
	if err != nil {
		return nil, err
	}
	return &KeyChange{Added: id, Label: label, Removed: removed, LockedOut: lockedOut(ctx, s)}, nil
}

// RemoveKey removes a key, which is named by the beginning of its ID. The key that has opened the repository stays, unless
// it is there twice.
func RemoveKey(ctx context.Context, s *session.Session, prefix string) (*KeyChange, error) {
	key, err := s.Repo.RemoveKey(ctx, prefix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, outcome.Failed(`"firn key list" lists them.`, "key %q: no such key", prefix)
	}
	if err != nil {
		return nil, err
	}
	return &KeyChange{Removed: []repo.Key{key}, LockedOut: lockedOut(ctx, s)}, nil
}

// lockedOut tries the key that runs without flags use. If it opens nothing any more, backups would fail from now on.
func lockedOut(ctx context.Context, s *session.Session) string {
	k, err := config.FirstKey(s.EnvironmentKey(), s.Conf.KeySource())
	if err == nil && k.Count() == 0 {
		k = config.KeySource{KeyFile: session.DefaultKeyFile(s.Conf)}
	}
	if err != nil || k.Count() == 0 || k.KeyFile == config.StandardInput || k.PasswordFile == config.StandardInput {
		return ""
	}
	credential, err := s.ReadKey(ctx, k)
	opens := false
	if err == nil {
		opens, err = s.Repo.Opens(ctx, credential)
	}
	switch {
	case err != nil:
		return fmt.Sprintf("%s cannot be tried: %v", k, err)
	case !opens:
		return fmt.Sprintf("%s opens nothing any more: runs that use it will fail until the new key is named in its place", k)
	}
	return ""
}

// KindOf returns "password" or "key file", and "" for a key that is damaged.
func KindOf(k repo.Key) string {
	switch k.KDF {
	case crypt.KDFPassword:
		return "password"
	case crypt.KDFKeyFile:
		return "key file"
	}
	return ""
}
