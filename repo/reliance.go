package repo

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"firn/chunk"
	"firn/crypt"
	"firn/pack"
)

// reliancePrefix begins the names of the cache entries that tell, of the last
// image of each database, which packs it relies on.
const reliancePrefix = statePrefix + "reliance/"

// reliance is what such an entry seals: the packs that made every blob of a tree
// available under a set of plans. As long as these are the plans and those the packs,
// nobody need read the tree to know that it can be relied on again: what a plan does
// not name is not deleted, and what was lost by accident is not listed.
type reliance struct {
	Root  chunk.ID         `json:"root"`
	Token string           `json:"token"`
	Packs map[string]int64 `json:"packs"` // sizes by name
}

// relianceEntry is keyed for the same reason as [Repo.confirmedEntry].
func (r *Repo) relianceEntry(environment, database string) string {
	id := r.keys.BlobID(crypt.Node, fmt.Appendf(nil, "reliance %q %q", environment, database))
	return reliancePrefix + hex.EncodeToString(id[:16])
}

// rely remembers what the new image relies on, if that was found out. Where the cache
// is believed about packs, its token says as much.
func (b *backup) rely() {
	if b.tree == nil || b.opts.copied != nil || b.repo.opts.TrustCache {
		return
	}
	packs, ok := b.repo.index.Carriers(b.tree.IDs())
	if !ok {
		return
	}
	rel := reliance{Root: b.tree.Root(), Token: b.view.token, Packs: make(map[string]int64, len(packs))}
	for _, id := range packs {
		rel.Packs[id.Name()] = pack.Size(b.repo.index.Entries(id))
	}
	if plain, err := json.Marshal(rel); err == nil { // else it is not remembered: it is only a cache
		entry := b.repo.relianceEntry(b.opts.Environment, b.opts.Database)
		b.repo.cache.put(entry, b.repo.keys.SealObject(crypt.ObjectSnapshot, entry, plain))
	}
}

// reliable reports whether all that the tree of this root relied on is still there. It
// reads no footer and no node.
func (b *backup) reliable(ctx context.Context, root chunk.ID) (bool, error) {
	entry := b.repo.relianceEntry(b.opts.Environment, b.opts.Database)
	sealed, _ := b.repo.cache.get(entry)
	plain, err := b.repo.keys.OpenObject(crypt.ObjectSnapshot, entry, sealed)
	var rel reliance
	if err != nil || json.Unmarshal(plain, &rel) != nil || rel.Root != root || rel.Token != b.view.token {
		return false, nil
	}
	for o, err := range b.repo.store.List(ctx, pack.Prefix) {
		if err != nil {
			return false, fmt.Errorf("list packs: %w", err)
		}
		if size, ok := rel.Packs[o.Name]; ok && size == o.Size {
			delete(rel.Packs, o.Name)
		}
	}
	return len(rel.Packs) == 0, nil
}
