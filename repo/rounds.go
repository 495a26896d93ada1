package repo

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"firn/chunk"
	"firn/pack"
	"firn/snapshot"
	"firn/store"
)

// Rounds takes snapshots of databases again and again, for as long as a process watches them. The snapshots
// of one round are stored by one request, whatever their number. Its methods are for one goroutine at a time.
//
// The steps are those of [Repo.Backup], but that many rounds share W1 and W4: the plans as of the last look
// are those that a round goes by, so that it lists nothing; and one later look acknowledges all rounds since.
type Rounds struct {
	repo      *Repo
	listing   *listing   // G0 of all rounds that wait
	inventory *inventory // of the packs that a new snapshot may rely on, this handle's rounds included
	workers   chan *worker
	series    map[snapshot.Series]*followed
	all       []*snapshot.Snapshot // as the last listing showed them, newest first
	waiting   []*snapshot.Snapshot // not acknowledged yet, oldest first
	unsettled bool                 // some of these went by plans of before the listing
	unwanted  []snapshot.ID        // records to forget once all that wait is acknowledged
	partials  []string             // names of partial records to delete then
}

// followed is what is known of a series.
type followed struct {
	list     []*snapshot.Snapshot // newest first
	tree     *chunk.Tree          // of the image of one of them; nil for none
	of       snapshot.ID          // whose tree it is
	gone     []snapshot.ID        // were forgotten: the next record says so
	checked  bool                 // for snapshots that an earlier run has left unconfirmed
	rollback *Rollback            // nil for none
}

// RoundMember is a database of a round.
type RoundMember struct {
	Source  Source
	Options BackupOptions // Environment and Database are needed; Keep, DryRun, Parent and ReplacedBy are not used
}

// MemberResult is the outcome for one database of a round.
type MemberResult struct {
	*BackupResult       // nil if there is an error
	Err           error // of the source: it keeps no other database from its snapshot
}

// RoundResult is the outcome of [Rounds.Take].
type RoundResult struct {
	Members []MemberResult // in the order of the members
	Object  string         // the name of the round's object; "" if no database had to be stored
	Size    int64          // of the object and of packs that were stored before it, in bytes
}

// NewRounds begins to take rounds: it lists the repository once.
func (r *Repo) NewRounds(ctx context.Context) (*Rounds, error) {
	workers, err := newWorkers()
	if err != nil {
		return nil, err
	}
	w := &Rounds{repo: r, workers: workers}
	return w, w.begin(ctx)
}

// begin is step W1 of the rounds to come. After an error the handle goes by the listing before: the plans of one listing
// and the packs of another would let a round rely on condemned packs. Records that cannot be read do not stop a watch:
// check reports them.
func (w *Rounds) begin(ctx context.Context) error {
	l, err := w.repo.listMeta(ctx)
	if err != nil {
		return err
	}
	inv, err := w.repo.listInventory(ctx, l)
	if err != nil {
		return err
	}
	list, err := w.repo.readSnapshots(ctx, l)
	if list == nil && err != nil {
		return err
	}
	w.listing, w.inventory = l, inv
	w.unsettled = len(w.waiting) > 0
	w.know(list)
	return nil
}

// know takes a list of all snapshots, newest first, for the one to go by.
func (w *Rounds) know(list []*snapshot.Snapshot) {
	known := w.series
	w.all, w.series = list, make(map[snapshot.Series]*followed)
	for series, all := range snapshot.BySeries(list) {
		f := known[series]
		if f == nil {
			f = &followed{}
		}
		f.list = all
		w.series[series] = f
	}
}

// of returns what is known of a series.
func (w *Rounds) of(s snapshot.Series) *followed {
	f := w.series[s]
	if f == nil {
		f = &followed{}
		w.series[s] = f
	}
	return f
}

// Latest returns the newest snapshot of a series that this handle knows; nil for none.
func (w *Rounds) Latest(s snapshot.Series) *snapshot.Snapshot {
	if f := w.series[s]; f != nil && len(f.list) > 0 {
		return f.list[0]
	}
	return nil
}

// Take takes snapshots of all members and stores them by one request; a large round stores packs before.
// The snapshots exist when it returns, and are acknowledged by a later [Rounds.Confirm]. An error of a source
// is that of its member. An error of the store is that of the round, and then no member has a snapshot. An
// image that has a method Stored is told that it was stored before it is closed; others are closed as soon
// as they were read.
func (w *Rounds) Take(ctx context.Context, members []RoundMember) (*RoundResult, error) {
	packer := newPacker(w.repo, w.listing, snapshot.NewID(), false)
	t := &taking{rounds: w, packer: packer, members: make([]*member, len(members))}
	for i, m := range members {
		t.members[i] = &member{of: m}
	}
	defer t.close()
	err := t.readAll(ctx)
	if err == nil {
		err = t.store(ctx)
	}
	w.keepPacks(packer)
	if err != nil {
		return nil, fmt.Errorf("take round: %w", err)
	}
	return t.finish(), nil
}

// keepPacks makes the packs that a round has stored before its object known to later rounds, whatever came of
// the round.
func (w *Rounds) keepPacks(p *packer) {
	p.addTo(w.inventory.index)
	w.partials = append(w.partials, p.partials...)
}

// put stores a round with the blobs that a writer has gathered, and fills in the round of the records.
func (w *Rounds) put(ctx context.Context, blobs *pack.Writer, records []*snapshot.Snapshot) (size int64, err error) {
	r := w.repo
	plain, err := snapshot.MarshalRound(records)
	if err != nil {
		return 0, fmt.Errorf("make round: %w", err)
	}
	id := pack.NewRoundID(latest(r.opts.now(), records))
	blobs.MakeRound(id, plain)
	object, entries, tail, err := blobs.Finish()
	if err != nil {
		return 0, err
	}
	if len(object) > pack.MaxSize {
		return 0, fmt.Errorf("make round: %d bytes, at most %d", len(object), pack.MaxSize)
	}
	r.dropOpening()
	if err := r.store.Put(ctx, id.Name(), object); err != nil {
		return 0, fmt.Errorf("write round: %w", err)
	}
	r.packs.PutPack(id, object[:pack.BlobsEnd(entries)])
	r.cache.Put(id.Name(), encodeTail(int64(len(object)), object[len(object)-tail:]))
	r.cache.Put(newestEntry, []byte(id.Name()))
	w.inventory.index.Add(id, entries)
	r.sawRound(store.Object{Name: id.Name(), Size: int64(len(object)), Time: r.opts.now()})
	for _, s := range records {
		s.Round = roundID(id)
	}
	return int64(len(object)), nil
}

// remember makes a snapshot the newest of its series.
func (w *Rounds) remember(b *backup) {
	f := w.of(b.series())
	f.list = slices.Insert(f.list, 0, b.record)
	snapshot.Sort(f.list) // a clock may have been set back
	f.tree, f.of, f.gone = b.tree, b.record.ID, nil
}

// newestOf returns the newest of some snapshots of each series.
func newestOf(list []*snapshot.Snapshot) map[snapshot.Series]*snapshot.Snapshot {
	newest := make(map[snapshot.Series]*snapshot.Snapshot)
	for _, s := range list {
		if n := newest[s.Series()]; n == nil || cmp.Compare(s.Sequence, n.Sequence) > 0 {
			newest[s.Series()] = s
		}
	}
	return newest
}
