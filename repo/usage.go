package repo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"firn/pack"
)

// Usage is the room that a repository takes up.
type Usage struct {
	Size    int64 // bytes of all objects
	Packs   int
	Objects int
	Pruned  time.Time // when this host pruned last, or any did that found something to free; zero for never
}

// Usage lists all objects of the store.
func (r *Repo) Usage(ctx context.Context) (*Usage, error) {
	v, err := r.listMetaToRead(ctx)
	if err != nil {
		return nil, err
	}
	u := &Usage{Pruned: r.prunedHere()}
	if v.sequence() > 0 && v.planned.After(u.Pruned) { // the first plan is there from the beginning
		u.Pruned = v.planned
	}
	for o, err := range listed(ctx, r.store, "") {
		if err != nil {
			return nil, fmt.Errorf("list repository: %w", err)
		}
		u.Objects++
		u.Size += o.Size
		if strings.HasPrefix(o.Name, pack.Prefix) {
			u.Packs++
		}
	}
	return u, nil
}
