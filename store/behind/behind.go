// Package behind goes on to accept puts while a store is away. Objects that the store does not take wait in a spool, a
// bounded private folder of this host, and are put into the store in their order when it is back.
//
// An object is in the store, or on this host's disk, before its Put returns nil. Objects are write-once and sealed, so
// the spool needs no keys, and an object that is put twice does no harm.
package behind

import "errors"

// ErrInUse is returned by [Open] if another process, or another Store of this process, has the spool open.
var ErrInUse = errors.New("another process uses the spool")
