package repo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"firn/crypt"
	"firn/pack"
	"firn/snapshot"
	"firn/store"
)

// tombstonePrefix begins the names of tombstones: meta/gone-<random, 32 hex>
// (docs/format.md, section 5).
const tombstonePrefix = metaPrefix + "gone-"

// tombstone names snapshots of rounds that were forgotten. A record in a round cannot be deleted by
// itself, and a round cannot be deleted while others need its blobs.
type tombstone struct {
	Version int        `json:"v"`
	Host    string     `json:"host,omitempty"`
	Rounds  []deceased `json:"rounds"`
}

// deceased is a round with snapshots that were forgotten.
type deceased struct {
	Round pack.ID `json:"round"`
	// Places are the places of the snapshots in the round, from 0 on; nil for all of them.
	Places []int `json:"places,omitempty"`
}

// senseless reports whether no tombstone says this: an empty list of places must not pass for all of them.
func (d deceased) senseless() bool {
	return !d.Round.IsRound() || d.Places != nil && len(d.Places) == 0 || slices.ContainsFunc(d.Places, func(at int) bool { return at < 0 })
}

// maxBuried is how many rounds and places of snapshots a tombstone names at most, so that it stays below
// maxSealed: a round takes 57 bytes, and a place 8 at most.
const maxBuried = 400_000

func newTombstoneName() string { return newName(tombstonePrefix, 16) }

// openTombstone decodes a tombstone.
func (r *Repo) openTombstone(_ *snapshot.Decoder, name string, object []byte) (*tombstone, error) {
	t := &tombstone{}
	err := openDocument(r.keys, crypt.ObjectTombstone, name, object, t)
	if err == nil && slices.ContainsFunc(t.Rounds, deceased.senseless) {
		err = errors.New("it names a pack that is no round, or no place in one")
	}
	if err != nil {
		return nil, damaged(kindOf(name), name, err)
	}
	return t, nil
}

// putTombstone stores a tombstone.
func (r *Repo) putTombstone(ctx context.Context, rounds []deceased) error {
	for _, part := range portions(rounds) {
		name := newTombstoneName()
		plain, err := json.Marshal(tombstone{Version: formatVersion, Host: r.opts.Host, Rounds: part})
		if err != nil {
			return fmt.Errorf("encode tombstone: %w", err)
		}
		object := r.keys.SealObject(crypt.ObjectTombstone, name, plain)
		r.dropOpening()
		if err := r.store.Put(ctx, name, object); err != nil {
			return fmt.Errorf("write tombstone: %w", err)
		}
		r.cache.Put(name, object)
		r.putDurable(buriedEntry(name), true)
	}
	return nil
}

// portions cuts a list of rounds into the lists of as many tombstones as are needed.
func portions(rounds []deceased) (parts [][]deceased) {
	from, weight := 0, 0
	for i, d := range rounds {
		if weight += 1 + len(d.Places); weight > maxBuried {
			parts = append(parts, rounds[from:i])
			from, weight = i, 1+len(d.Places)
		}
	}
	if from < len(rounds) {
		parts = append(parts, rounds[from:])
	}
	return parts
}

// graves tell which snapshots of rounds were forgotten: by the name of the round, their places, or
// nil for all of them.
type graves map[string]map[int]bool

// whole reports whether all snapshots of a round were forgotten by one word.
func (g graves) whole(round string) bool {
	places, dead := g[round]
	return dead && places == nil
}

// add takes in what a tombstone says.
func (g graves) add(t *tombstone) {
	for _, d := range t.Rounds {
		name := d.Round.Name()
		if places, known := g[name]; len(d.Places) == 0 || known && places == nil {
			g[name] = nil
			continue
		}
		if g[name] == nil {
			g[name] = make(map[int]bool)
		}
		for _, at := range d.Places {
			g[name][at] = true
		}
	}
}

// living returns copies of the snapshots of a round that were not forgotten.
func (g graves) living(round string, all []*snapshot.Snapshot) []*snapshot.Snapshot {
	list := make([]*snapshot.Snapshot, 0, len(all))
	for at, s := range all {
		if !g.whole(round) && !g[round][at] {
			c := *s
			list = append(list, &c)
		}
	}
	return list
}

// forgottenIn reads the tombstones of a listing. A tombstone that cannot be read forgets nothing: the
// error tells of it.
func (r *Repo) forgottenIn(ctx context.Context, v *listing) (graves, error) {
	dead := make(graves)
	var problems []error
	err := readAll(ctx, r, objectNames(v.tombstones), r.openTombstone, func(name string, t *tombstone, err error) {
		switch {
		case err == nil && v.unheeded[name]:
		case err == nil:
			dead.add(t)
		case !errors.Is(err, fs.ErrNotExist): // else its rounds are gone
			problems = append(problems, err)
		}
	})
	return dead, errors.Join(append(problems, err)...)
}

// distrust leaves out retention if a tombstone could not be read: snapshots that it has forgotten seem to be there, and
// would count in the place of older ones.
func (b *backup) distrust(ctx context.Context, problem error) {
	if problem == nil || b.opts.Keep == nil {
		return
	}
	if _, err := b.repo.forgottenIn(ctx, b.listing); err != nil {
		b.opts.Keep = nil
	}
}

// bury forgets snapshots in rounds: those of the IDs that the rounds of a listing have. It returns the
// IDs that it has found.
func (r *Repo) bury(ctx context.Context, v *listing, ids map[snapshot.ID]bool) (map[snapshot.ID]bool, error) {
	dead, err := r.forgottenIn(ctx, v)
	if err != nil && !isDamage(err) && !isVersion(err) { // else it is only not known that some are forgotten already
		return nil, err
	}
	found := make(map[snapshot.ID]bool)
	var rounds []deceased
	for _, o := range v.rounds {
		if dead.whole(o.Name) {
			continue
		}
		all, err := r.round(ctx, new(snapshot.Decoder), o)
		if errors.Is(err, fs.ErrNotExist) || isDamage(err) || isVersion(err) { // it shows no snapshot that could be meant
			continue
		}
		if err != nil {
			return nil, err
		}
		if d, any := dead.bury(o, all, ids, found); any {
			rounds = append(rounds, d)
		}
	}
	return found, r.putTombstone(ctx, rounds)
}

// bury returns what a tombstone has to say of a round, and adds the snapshots to found.
func (g graves) bury(o store.Object, all []*snapshot.Snapshot, ids, found map[snapshot.ID]bool) (d deceased, any bool) {
	d.Round, _ = pack.ParseName(o.Name)
	left := 0
	for at, s := range all {
		switch {
		case g[o.Name][at]: // before
			found[s.ID] = found[s.ID] || ids[s.ID]
		case ids[s.ID]:
			found[s.ID], any = true, true
			d.Places = append(d.Places, at)
		default:
			left++
		}
	}
	if left == 0 {
		d.Places = nil
	}
	return d, any
}

// isTombstone reports whether an object is a tombstone by its name.
func isTombstone(name string) bool { return strings.HasPrefix(name, tombstonePrefix) }
