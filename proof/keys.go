package proof

import (
	"context"
	"errors"

	"firn/btree/check"
	"firn/sqlite"
	"firn/sqlite/inspect"
)

// singleKeys returns the foreign keys that the check of all pages can look at. An image whose schema SQLite cannot read has none: what is
// wrong with it comes out later, in better words.
func (r Rules) singleKeys(ctx context.Context, image Image) (keys []check.ForeignKey, err error) {
	if r.NoForeignKeys {
		return nil, nil
	}
	i, err := inspect.Open(ctx, image.Reader, image.Size)
	if err != nil {
		return nil, ofReading(err)
	}
	list, err := i.SingleKeys()
	for _, k := range list {
		keys = append(keys, check.ForeignKey(k))
	}
	return keys, ofReading(errors.Join(i.Judge(err), i.Close()))
}

// ofReading returns an error of reading the image, and of no other kind.
func ofReading(err error) error {
	if errors.Is(err, sqlite.ErrIO) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// singleKeysOf returns keys as SQLite's inspection knows them.
func singleKeysOf(kept []check.ForeignKey) map[inspect.SingleKey]bool {
	keys := map[inspect.SingleKey]bool{}
	for _, k := range kept {
		keys[inspect.SingleKey(k)] = true
	}
	return keys
}
