package repo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"firn/chunk"
	"firn/pack"
	"firn/snapshot"
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
	checked  bool                 // for snapshots that an earlier run has left unconfirmed
	rollback *Rollback            // nil for none
}

// RoundMember is a database of a round.
type RoundMember struct {
	Source  Source
	Options BackupOptions // Environment and Database are needed; Keep, DryRun, IfChanged, Parent and ReplacedBy are not used
}

// MemberResult is the outcome for one database of a round.
type MemberResult struct {
	*BackupResult       // nil if there is an error; Skipped if the image is that of the newest snapshot
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
// The snapshots exist when it returns, and are acknowledged by a later [Rounds.Confirm]. A snapshot with
// the image of the newest one is left out. An error of a source is that of its member. An error of the
// store is that of the round, and then no member has a snapshot. An image that has a method Stored is told
// that it was stored before it is closed.
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

// taking is one round.
type taking struct {
	rounds  *Rounds
	packer  *packer
	members []*member
	object  string
	size    int64
}

// member is a database of a round that is taken.
type member struct {
	of     RoundMember
	backup *backup
	image  SourceImage // nil before it was opened
	err    error
}

func (t *taking) close() {
	for _, m := range t.members {
		if m.image != nil {
			m.image.Close()
		}
	}
}

// readAll reads the images of all members, several at once. All reads of the store for a member come before
// its image is opened.
func (t *taking) readAll(ctx context.Context) error {
	for _, m := range t.members { // they share what the handle knows
		if err := t.prepare(ctx, m); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.GOMAXPROCS(0))
	for _, m := range t.members {
		group.Go(func() error {
			m.err = t.read(ctx, m)
			return ctx.Err()
		})
	}
	return errors.Join(group.Wait(), t.packer.failed)
}

// prepare gives a member a backup of its own that goes by what the handle knows.
func (t *taking) prepare(ctx context.Context, m *member) error {
	w := t.rounds
	opts := m.of.Options
	opts.Keep, opts.DryRun, opts.IfChanged, opts.Parent, opts.ReplacedBy = nil, false, false, snapshot.ID{}, snapshot.ID{}
	if err := opts.complete(); err != nil {
		return err
	}
	b := &backup{repo: w.repo, opts: opts, started: w.repo.opts.now(), listing: w.listing, inventory: w.inventory, packer: t.packer}
	m.backup = b
	f := w.of(b.series())
	b.list = f.list
	if !f.checked {
		if err := w.look(ctx, b, f); err != nil {
			return err
		}
	}
	b.result.Rollback = f.rollback
	b.previous = snapshot.Latest(b.before(), opts.Environment, opts.Database)
	if b.previous == nil { // a clone shares its chunks with its origin
		b.list = w.all
	}
	b.parent = b.chooseParent()
	if b.parent != nil && f.of == b.parent.ID {
		b.base = f.tree
		return nil
	}
	return b.loadBase(ctx)
}

// look compares a series with what this host has stored, once: an earlier run may have been killed, and the store
// may have been set back.
func (w *Rounds) look(ctx context.Context, b *backup, f *followed) error {
	missing, err := w.repo.rollbacksIn(ctx, w.listing, b.list, w.repo.lastConfirmed(b.opts.Environment, b.opts.Database))
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		f.rollback = missing[0]
	}
	if err := b.dropUnconfirmed(ctx); err != nil {
		return err
	}
	w.unwanted = append(w.unwanted, b.forgot...)
	b.listing, b.forgot = w.listing, nil
	f.list, f.checked = b.list, true
	return nil
}

// read takes the image of a member. An error of the store makes the packer fail.
func (t *taking) read(ctx context.Context, m *member) (err error) {
	defer func() {
		if p := recover(); p != nil { // a fault of one database is not the others'
			err = fmt.Errorf("internal error: %v", p)
		}
	}()
	if m.image, err = m.of.Source(ctx); err != nil {
		return err
	}
	b := m.backup
	b.started = t.rounds.repo.opts.now()
	b.newRecord()
	b.record.ID = snapshot.NewID() // the packer is that of all members
	if m.unchanged() && b.stands() {
		b.reuse(m.image.Describe())
		b.skip()
		return nil
	}
	p, err := b.read(ctx, t.rounds.workers, m.image)
	if err != nil {
		return err
	}
	b.record.Added = p.added
	b.judge()
	b.record.Duration = max(0, t.rounds.repo.opts.now().Sub(b.started).Seconds())
	if b.sameRoot() && b.readLately(b.previous.Image()) && slices.Equal(b.record.Suspect, b.previous.Suspect) && b.stands() {
		b.skip()
	}
	return nil
}

// unchanged reports whether the fingerprint alone shows that the image is that of the newest snapshot, which
// must be known to be there.
func (m *member) unchanged() bool {
	b := m.backup
	if b.previous == nil || b.opts.ForceScan || b.base == nil || b.parent != b.previous {
		return false
	}
	old := b.previous.Image()
	return b.trusted(old, m.image) && m.image.Unchanged(old.Fingerprint) && b.inventory.available(b.base)
}

// skip leaves the record out: it would tell nothing new.
func (b *backup) skip() { b.same, b.result.Skipped, b.result.Snapshot = true, true, b.previous }

// taken returns the members that have a snapshot.
func (t *taking) taken() []*member {
	return slices.DeleteFunc(slices.Clone(t.members), func(m *member) bool { return m.err != nil || m.backup.result.Skipped })
}

// store is steps W2 and W3 at once: it stores the object with the blobs and the records.
func (t *taking) store(ctx context.Context) error {
	var records []*snapshot.Snapshot
	for _, m := range t.taken() {
		records = append(records, m.backup.record)
	}
	t.size = t.packer.added
	if len(records) == 0 {
		return nil
	}
	size, err := t.rounds.put(ctx, t.packer.open, records)
	if err != nil {
		return err
	}
	t.object = recordObject(records[0])
	t.size += size
	t.rounds.waiting = append(t.rounds.waiting, records...)
	for _, m := range t.taken() {
		t.rounds.remember(m.backup)
	}
	return nil
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
	if err := r.store.Put(ctx, id.Name(), object); err != nil {
		return 0, fmt.Errorf("write round: %w", err)
	}
	r.dropOpening()
	r.packs.PutPack(id, object[:pack.BlobsEnd(entries)])
	r.cache.put(id.Name(), encodeTail(int64(len(object)), object[len(object)-tail:]))
	r.cache.put(newestEntry, []byte(id.Name()))
	w.inventory.index.Add(id, entries)
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
	f.tree, f.of = b.tree, b.record.ID
}

// finish tells the images that they were stored, and returns the result.
func (t *taking) finish() *RoundResult {
	result := &RoundResult{Object: t.object, Size: t.size, Members: make([]MemberResult, len(t.members))}
	for i, m := range t.members {
		if m.err != nil {
			result.Members[i].Err = m.err
			continue
		}
		m.backup.result.Tries = 1
		result.Members[i].BackupResult = &m.backup.result
		if stored, ok := m.image.(interface{ Stored() }); ok {
			stored.Stored()
		}
	}
	t.rounds.repo.cache.flush()
	return result
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
