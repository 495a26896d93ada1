package firn

import (
	"context"
	"errors"

	"firn/repo"
	"firn/upkeep"
)

// Key is one of the keys that open a repository, as its list shows it: without the secret.
type Key = repo.Key

// NewKey says which key a repository gets: a key file, which is made if it is missing, or the password in the first line of a file.
type NewKey = upkeep.NewKey

// KeyChange says what was done with the keys of a repository.
type KeyChange = upkeep.KeyChange

// Keys lists the keys of the repository. A key whose slot is damaged has an Err.
func (r *Repository) Keys(ctx context.Context) ([]Key, error) { return r.session.Repo.Keys(ctx) }

// AddKey adds a key.
func (r *Repository) AddKey(ctx context.Context, k NewKey) (*KeyChange, error) {
	if k.KeyFile == "" && k.PasswordFile == "" && k.Ask == nil {
		return nil, errNoKey
	}
	return upkeep.AddKey(ctx, r.with(), k)
}

// RotateKey replaces the key that has opened the repository: by another one, or for the zero NewKey by the same one with
// a new salt. Programs that have the repository open go on.
func (r *Repository) RotateKey(ctx context.Context, k NewKey) (*KeyChange, error) {
	return upkeep.RotateKey(ctx, r.with(), k)
}

// RemoveKey removes a key by the beginning of its ID. The key that has opened the repository stays, so that one is left
// that is proven to open it.
func (r *Repository) RemoveKey(ctx context.Context, id string) (*KeyChange, error) {
	return upkeep.RemoveKey(ctx, r.with(), id)
}

// errNoKey is the error of an AddKey without a key.
var errNoKey = errors.New("no new key is given")
