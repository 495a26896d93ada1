package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"firn/crypt"
	"firn/pack"
	"firn/snapshot"
	"firn/store"
)

// NewKey is a credential that shall open a new repository.
type NewKey struct {
	Credential crypt.Credential
	Label      string
}

// Init makes a repository in opts.Store that each of the keys opens, and opens
// it with the first. The error matches [ErrExists] if one is there already: then
// nothing was written.
//
// The configuration is written last: it makes the store a repository. An Init
// that was interrupted leaves key slots and a plan, which the next one removes.
func Init(ctx context.Context, opts Options, keys ...NewKey) (*Repo, error) {
	if len(keys) == 0 {
		return nil, errors.New("make repository: no key given")
	}
	if err := refuseExisting(ctx, opts.Store); err != nil {
		return nil, err
	}
	secret, id := crypt.NewSecret(), crypt.NewRepositoryID()
	derived, sizes := crypt.Derive(secret, id), opts.chunkSizes()
	if _, err := sizes.params(derived); err != nil {
		return nil, fmt.Errorf("make repository: %w", err)
	}
	remains, err := listRemains(ctx, opts.Store)
	if err != nil {
		return nil, err
	}
	mine, err := putBeginnings(ctx, opts, secret, id, keys)
	if err != nil {
		return nil, err
	}
	conf, err := newConfig(id, opts.now(), sizes).marshal(derived)
	if err != nil {
		return nil, err
	}
	if err := opts.Store.Put(ctx, configName, conf); err != nil {
		if errors.Is(err, fs.ErrExist) { // another Init was faster
			return nil, errors.Join(ErrExists, opts.Store.Delete(ctx, mine...))
		}
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	if err := opts.Store.Delete(ctx, remains...); err != nil {
		return nil, fmt.Errorf("remove remains of an interrupted attempt: %w", err)
	}
	opts.Credential, opts.AcceptOther = keys[0].Credential, true
	return Open(ctx, opts)
}

// refuseExisting returns ErrExists if the store holds a repository, or data of
// one whose configuration is gone.
func refuseExisting(ctx context.Context, st store.Store) error {
	for _, prefix := range []string{configName, snapshot.Prefix, pack.RoundPrefix, pack.Prefix} {
		for _, err := range listed(ctx, st, prefix) {
			if err != nil {
				return fmt.Errorf("look for a repository: %w", err)
			}
			return ErrExists
		}
	}
	return nil
}

// putBeginnings writes the key slots and the first plan, and returns their names.
func putBeginnings(ctx context.Context, opts Options, secret crypt.Secret, id crypt.RepositoryID, keys []NewKey) ([]string, error) {
	var names []string
	for _, k := range keys {
		slot, err := putSlot(ctx, opts, secret, id, k.Credential, k.Label)
		if err != nil {
			return nil, err
		}
		names = append(names, keyPrefix+slot)
	}
	derived := crypt.Derive(secret, id)
	name := firstPlanName(derived, id)
	first := &plan{Version: formatVersion, Host: opts.Host, Condemned: []pack.ID{}}
	b, err := first.seal(derived, name)
	if err != nil {
		return nil, err
	}
	if err := opts.Store.Put(ctx, name, b); err != nil {
		return nil, fmt.Errorf("write first plan: %w", err)
	}
	return append(names, name), nil
}

// listRemains names the objects that interrupted attempts left behind. They are deleted only
// after the configuration was written. Of several attempts at once one gets that far, so
// that no attempt removes objects that another still needs.
func listRemains(ctx context.Context, st store.Store) ([]string, error) {
	objects, err := collect(ctx, st, metaPrefix)
	if err != nil {
		return nil, fmt.Errorf("look for remains: %w", err)
	}
	var remains []string
	for _, o := range objects {
		if isKeyName(o.Name) || strings.HasPrefix(o.Name, planPrefix) {
			remains = append(remains, o.Name)
		}
	}
	return remains, nil
}
