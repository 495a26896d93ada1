package repo

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"firn/crypt"
)

// stateEntry names the cache entry with what this host remembers of a database. It is
// keyed, as thieves of the cache must not learn names, nor have guesses at them
// confirmed. No node begins so: it is the ID of no blob.
func (r *Repo) stateEntry(what, environment, database string) string {
	id := r.keys.BlobID(crypt.Node, fmt.Appendf(nil, "%s %q %q", what, environment, database))
	return statePrefix + what + "/" + hex.EncodeToString(id[:16])
}

// putState seals what is to be remembered. What cannot be is not: it is only a cache.
func (r *Repo) putState(entry string, state any) {
	if plain, err := json.Marshal(state); err == nil {
		r.cache.put(entry, r.keys.SealObject(crypt.ObjectSnapshot, entry, plain))
	}
}

// getState opens such an entry, and reports whether there is a sound one.
func (r *Repo) getState(entry string, state any) bool {
	sealed, _ := r.cache.get(entry)
	plain, err := r.keys.OpenObject(crypt.ObjectSnapshot, entry, sealed)
	return err == nil && json.Unmarshal(plain, state) == nil
}
