package repo

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"firn/crypt"
	"firn/pack"
	"firn/snapshot"
)

// partialPrefix begins the names of partial records:
// meta/part-<inverse time, 16 hex>-<id, 32 hex> (docs/format.md, section 5).
const partialPrefix = metaPrefix + "part-"

const (
	// A long upload writes a partial record this often, so that its packs are
	// not taken for orphans.
	partialEvery = time.Hour
	// A partial record protects its packs this long, by the store's clock.
	partialLife = 7 * 24 * time.Hour
)

// partial names the packs that an upload under way has stored so far.
type partial struct {
	Version int         `json:"v"`
	ID      snapshot.ID `json:"id"`
	Host    string      `json:"host,omitempty"`
	Packs   []pack.ID   `json:"packs"`
}

func partialName(id snapshot.ID, now time.Time) string {
	return fmt.Sprintf("%s%016x-%s", partialPrefix, math.MaxUint64-uint64(max(0, now.UnixMicro())), id)
}

// putPartial writes a partial record and returns its name.
func (r *Repo) putPartial(ctx context.Context, p *partial) (string, error) {
	if len(p.Packs) > maxNamed { // the last ones, which no earlier partial record names
		p.Packs = p.Packs[len(p.Packs)-maxNamed:]
	}
	plain, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("encode partial record: %w", err)
	}
	name := partialName(p.ID, r.opts.now())
	object := r.keys.SealObject(crypt.ObjectPartial, name, plain)
	if err := r.store.Put(ctx, name, object); err != nil {
		return "", fmt.Errorf("write partial record: %w", err)
	}
	return name, nil
}

// readPartial reads a partial record.
func (r *Repo) readPartial(ctx context.Context, name string) (*partial, error) {
	b, err := whole(ctx, r.store, name)
	if err != nil {
		return nil, fmt.Errorf("read partial record %s: %w", name, err)
	}
	p := &partial{}
	if err := openDocument(r.keys, crypt.ObjectPartial, name, b, p); err != nil {
		return nil, damaged("record", name, err)
	}
	if !strings.HasSuffix(name, "-"+p.ID.String()) {
		return nil, damaged("record", name, fmt.Errorf("it is a partial record of %s", p.ID))
	}
	return p, nil
}
