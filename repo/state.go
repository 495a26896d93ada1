package repo

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"firn/crypt"
)

// stateEntry names the cache entry with a fact that this host remembers of a database. It is
// keyed, as thieves of the cache must not learn names, nor have guesses at them
// confirmed. No node begins so: it is the ID of no blob.
func (r *Repo) stateEntry(what, environment, database string) string {
	id := r.keys.BlobID(crypt.Node, fmt.Appendf(nil, "%s %q %q", what, environment, database))
	return statePrefix + what + "/" + hex.EncodeToString(id[:stateIDLen/2])
}

const stateIDLen = 32 // digits

// putState remembers a fact, sealed, in the cache. An error does not matter there.
func (r *Repo) putState(entry string, state any) {
	if sealed := r.sealState(entry, state); sealed != nil {
		r.cache.Put(entry, sealed)
	}
}

// getState opens such an entry, and reports whether there is a sound one.
func (r *Repo) getState(entry string, state any) bool {
	sealed, _ := r.cache.Get(entry)
	return r.openState(entry, sealed, state)
}

// sealState binds a state to its entry and to the repository; nil if it has no JSON.
func (r *Repo) sealState(entry string, state any) []byte {
	plain, err := json.Marshal(state)
	if err != nil {
		return nil
	}
	return r.keys.SealObject(crypt.ObjectSnapshot, entry, plain)
}

func (r *Repo) openState(entry string, sealed []byte, state any) bool {
	plain, err := r.keys.OpenObject(crypt.ObjectSnapshot, entry, sealed)
	return err == nil && json.Unmarshal(plain, state) == nil
}
