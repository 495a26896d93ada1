package repo

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"firn/snapshot"
)

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
		m.close()
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
	group.SetLimit(readAtOnce())
	for _, m := range t.members {
		group.Go(func() error {
			m.err = t.read(ctx, m)
			return ctx.Err()
		})
	}
	return errors.Join(group.Wait(), t.packer.failed)
}

// readAtOnce is how many images are read at once: while some wait for their disks, others are encoded.
func readAtOnce() int { return 2 * runtime.GOMAXPROCS(0) }

// prepare gives a member a backup of its own that goes by what the handle knows.
func (t *taking) prepare(ctx context.Context, m *member) error {
	w := t.rounds
	opts := m.of.Options
	opts.Keep, opts.DryRun, opts.Parent, opts.ReplacedBy = nil, false, snapshot.ID{}, snapshot.ID{}
	if err := opts.complete(); err != nil {
		return err
	}
	b := &backup{repo: w.repo, opts: opts, started: w.repo.opts.now(), listing: w.listing, inventory: w.inventory, packer: t.packer,
		beside: min(len(t.members), readAtOnce())}
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
		if err != nil {
			m.close() // it could hold up its source, or the images that are to be opened
		}
	}()
	if m.image, err = m.of.Source(ctx); err != nil {
		return err
	}
	if _, waits := m.image.(storedImage); !waits {
		defer m.close()
	}
	b := m.backup
	b.started = t.rounds.repo.opts.now()
	b.newRecord()
	b.record.ID = snapshot.NewID() // the packer is that of all members
	b.record.Forgot = slices.Clone(t.rounds.series[b.series()].gone)
	if m.unchanged() {
		b.tree = b.base
		b.reuse(ctx, m.image.Describe())
	} else if err := t.readPages(ctx, m); err != nil {
		return err
	}
	b.judge()
	if b.same && b.stands() {
		b.skipUnchanged()
	}
	b.record.Duration = max(0, t.rounds.repo.opts.now().Sub(b.started).Seconds())
	return nil
}

// readPages reads the pages of a member's image that may have changed. An image that was read whole since that is
// due is not the same: its record says when that was.
func (t *taking) readPages(ctx context.Context, m *member) error {
	b := m.backup
	p, err := b.read(ctx, t.rounds.workers, m.image)
	if err != nil {
		return err
	}
	b.record.Added = p.added
	b.same = b.sameRoot() && b.readLately(b.previous.Image())
	return nil
}

// storedImage is an image whose source wants to know that it was stored.
type storedImage interface{ Stored() }

func (m *member) close() {
	if m.image != nil {
		m.image.Close()
		m.image = nil
	}
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
		if stored, ok := m.image.(storedImage); ok {
			stored.Stored()
		}
	}
	t.rounds.repo.cache.Flush()
	return result
}
