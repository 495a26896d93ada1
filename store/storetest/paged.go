package storetest

import (
	"context"
	"iter"

	"firn/store"
)

// Paged is a [store.Store] whose listings arrive in pages, as those of S3 do.
// Each page is a new listing of the inner store, made when the page before is
// used up. So a listing shows an object put or deleted meanwhile if its name
// sorts after the pages already read. Make one with [NewPaged].
type Paged struct {
	store.Store // the inner store, for all but listings
	size        int
}

var _ store.Store = (*Paged)(nil)

// NewPaged returns inner with listings in pages of size objects. Over a [Hooked]
// or a [Faulty], each page is a call.
func NewPaged(inner store.Store, size int) *Paged { return &Paged{inner, size} }

// List lists page by page.
func (p *Paged) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		for last := ""; ; {
			page, err := p.page(ctx, prefix, last)
			for _, o := range page {
				if !yield(o, nil) {
					return
				}
				last = o.Name
			}
			if err != nil {
				yield(store.Object{}, err)
			}
			if err != nil || len(page) < p.size {
				return
			}
		}
	}
}

// page returns the objects that follow the last one. A page arrives whole or not
// at all.
func (p *Paged) page(ctx context.Context, prefix, last string) ([]store.Object, error) {
	var page []store.Object
	for o, err := range p.Store.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		if o.Name > last && len(page) < p.size {
			page = append(page, o)
		}
	}
	return page, nil
}
