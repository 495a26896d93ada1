package repo

import (
	"context"
	"errors"
	"slices"
	"time"

	"firn/chunk"
	"firn/retention"
	"firn/snapshot"
	"firn/tags"
)

// BackupOptions says how to take a snapshot. Environment and Database are needed.
type BackupOptions struct {
	Environment string
	Database    string    // its name, not its path
	Tags        tags.Set  // beyond env_<environment> and db_<database>, which are added
	Time        time.Time // of the image; zero means now

	Keep      *retention.Policy // applied to the environment's snapshots of the database; nil forgets nothing
	ForceScan bool              // read all pages even if the fingerprint says that nothing changed, and list the packs
	IfChanged bool              // write no record if nothing changed
	DryRun    bool              // write nothing
	Pinned    bool              // no retention removes the snapshot
	Guard     *snapshot.Guard   // compares the image with the last good snapshot; nil for no comparison
	Prove     ProveFunc         // looks at the image, for the record; nil for no look
	Accept    bool              // take the image for good, whatever is suspect about it

	// ReplacedBy is for a snapshot that a restore takes of its target: the one
	// that is about to take its place.
	ReplacedBy snapshot.ID
	// Parent is the snapshot whose boundaries of chunks the image takes where their bytes
	// are the same; zero for the one that it most likely continues.
	Parent snapshot.ID

	// Progress is called now and then with the bytes that are done with; nil for none.
	Progress func(bytes int64)

	// HeldUp is called once if a [LiveImage] has to wait for the store: its bytes come faster
	// than the store takes them, and cannot be put into a file for the reason given. May be nil.
	HeldUp func(reason error)

	copied *copied // the image is another repository's; nil for a database's
}

// BackupResult is the outcome of [Repo.Backup].
type BackupResult struct {
	Snapshot  *snapshot.Snapshot   // as recorded; if Skipped, the one before
	Skipped   bool                 // nothing changed and IfChanged was asked for
	Forgotten []retention.Decision // the snapshots that retention removed
	Good      *snapshot.Snapshot   // that Guard has compared with; nil if there is none
	// Uncompared says which facts Guard could not compare with Good, "" if it could all.
	Uncompared string
	Scanned    int64 // bytes of the image that were read: all of them, if no fingerprint was relied on
	Tries      int   // more than 1 if prunes came in between
	// Ahead are the snapshots of the same series that are later than now: a clock was
	// wrong. The new one does not follow them, and retention does not count them.
	Ahead []*snapshot.Snapshot
	// Left says which objects are of no use any more and could not be removed, where the
	// store allows no deletes and retention was not asked for. It is no failure.
	Left error
	// Rollback is set if the store does not show the snapshot that this host stored last.
	Rollback *Rollback
}

const (
	// maxTries bounds how often a backup is taken again because of prunes.
	maxTries = 5
	// fullScanEvery bounds for how long fingerprints alone are relied on:
	// clocks that jump and disks that are set back could fool them.
	fullScanEvery = 24 * time.Hour
)

// Backup stores an image as a new snapshot. When it returns nil, the snapshot
// can be restored until it is forgotten, whatever other hosts do. The steps are
// named as in docs/format.md, section 6.
func (r *Repo) Backup(ctx context.Context, source Source, opts BackupOptions) (*BackupResult, error) {
	if err := opts.complete(); err != nil {
		return nil, err
	}
	var unconfirmed []snapshot.ID
	var partials []string
	for try := 1; try <= maxTries; try++ {
		b := &backup{repo: r, opts: opts, started: r.opts.now(), forgot: slices.Clone(unconfirmed)}
		confirmed, err := b.run(ctx, source)
		if b.packer != nil {
			partials = append(partials, b.packer.partials...)
		}
		unconfirmed = append(unconfirmed, b.replaced...)
		if err != nil {
			return nil, errors.Join(err, r.forget(ctx, unconfirmed, nil))
		}
		if confirmed {
			if b.inventory != nil {
				r.share(b.inventory)
			}
			b.result.Tries = try
			return &b.result, b.finish(ctx, partials)
		}
		unconfirmed = append(unconfirmed, b.record.ID)
	}
	return nil, errors.Join(ErrUnsettled, r.forget(ctx, unconfirmed, partials))
}

// complete checks the options and fills in the automatic tags.
func (o *BackupOptions) complete() error {
	if o.Environment == "" || o.Database == "" {
		return errors.New("back up: environment and database name are needed")
	}
	if o.Keep != nil {
		if err := o.Keep.Validate(); err != nil {
			return err
		}
	}
	var err error
	o.Tags, err = o.Tags.Add(tags.Environment(o.Environment), tags.Database(o.Database))
	return err
}

// backup is one try to take a snapshot.
type backup struct {
	repo    *Repo
	opts    BackupOptions
	started time.Time

	listing   *listing
	list      []*snapshot.Snapshot // all that can be read, newest first
	previous  *snapshot.Snapshot   // of the same environment and database; may be nil
	parent    *snapshot.Snapshot   // whose bytes the image most likely continues; may be nil
	base      *chunk.Tree          // of the parent; nil for none
	packer    *packer
	beside    int         // how many images are read at once; 0 for one
	inventory *inventory  // of the packs that the new snapshot may rely on; nil until they matter
	tree      *chunk.Tree // of the new image; nil if no step has needed it
	compared  bool        // all bytes of the image were compared with the parent's
	same      bool        // the image is the previous snapshot's
	unwritten []string    // what has changed since the parent without a write by the database's engine
	record    *snapshot.Snapshot
	forgot    []snapshot.ID // to delete once the new snapshot is confirmed
	replaced  []snapshot.ID // of them, its own records that it has recorded once more
	result    BackupResult
}

// run takes the snapshot and reports whether it is confirmed.
func (b *backup) run(ctx context.Context, source Source) (bool, error) {
	if err := b.prepare(ctx); err != nil {
		return false, err
	}
	if err := b.takeImage(ctx, source); err != nil {
		return false, err
	}
	if b.opts.DryRun || b.result.Skipped {
		return true, nil
	}
	if err := b.repo.putRecord(ctx, b.record); err != nil { // W3
		return false, err
	}
	return b.confirm(ctx)
}

// prepare is the first part of step W1: it looks at the repository. The packs are asked
// for by [backup.loadInventory], where they matter.
func (b *backup) prepare(ctx context.Context) error {
	var err error
	if b.listing, err = b.repo.listMeta(ctx); err != nil {
		return err
	}
	// Records and notes that cannot be read do not stop a backup: check reports them.
	if b.list, err = b.repo.readSnapshots(ctx, b.listing); err != nil && b.list == nil {
		return err
	}
	b.distrust(ctx, err)
	missing, err := b.repo.rollbacksIn(ctx, b.listing, b.list, b.repo.lastConfirmed(b.opts.Environment, b.opts.Database))
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		b.result.Rollback = missing[0]
	}
	b.leaveOut(b.forgot...) // records of earlier tries: retention must not count them
	if err := b.dropUnconfirmed(ctx); err != nil {
		return err
	}
	b.previous = snapshot.Latest(b.before(), b.opts.Environment, b.opts.Database)
	b.parent = b.chooseParent()
	b.packer = newPacker(b.repo, b.listing, snapshot.NewID(), b.opts.DryRun)
	return nil
}

// loadInventory is the rest of step W1: it finds the blobs that the new snapshot may
// rely on.
func (b *backup) loadInventory(ctx context.Context) (err error) {
	if b.inventory != nil {
		return nil
	}
	load := b.repo.loadInventory
	// A scan shall heal lost packs, so no cache may claim that they exist. A copy that
	// was killed has left packs that no cache knows of.
	if b.opts.ForceScan || b.opts.copied.first() {
		load = b.repo.listInventory
	}
	b.inventory, err = load(ctx, b.listing)
	return err
}

// nodes returns the reader of the trees of other snapshots.
func (b *backup) nodes() *blobReader { return b.repo.newReader(b.inventory) }

// bases returns the reader of the bases of deltas. It remembers little, but finds the nodes
// that were read before.
func (b *backup) bases() *blobReader {
	return &blobReader{repo: b.repo, inventory: b.inventory, recent: newPlaintexts(basesBytes), others: b.repo.recent, waiting: b.packer.waiting}
}

// leaveOut takes snapshots off the list that the new one is appended to.
func (b *backup) leaveOut(ids ...snapshot.ID) {
	b.list = slices.DeleteFunc(b.list, func(s *snapshot.Snapshot) bool { return slices.Contains(ids, s.ID) })
}

// takeImage is step W2: it stores the new blobs of the image and fills in the record.
func (b *backup) takeImage(ctx context.Context, source Source) error {
	b.newRecord()
	unchanged, err := b.unchanged(ctx, source)
	if err != nil {
		return err
	}
	if !unchanged {
		if err := b.store(ctx, source); err != nil {
			return err
		}
	}
	b.judge()
	b.skipUnchanged()
	b.expire()
	b.record.Duration = max(0, b.repo.opts.now().Sub(b.started).Seconds()) // a clock may be set back meanwhile
	return nil
}

func (b *backup) newRecord() {
	when := b.opts.Time
	if when.IsZero() {
		when = b.started
	}
	b.record = &snapshot.Snapshot{
		ID:          b.packer.id,
		Environment: b.opts.Environment,
		Database:    b.opts.Database,
		Host:        b.repo.opts.Host,
		Tags:        b.opts.Tags,
		Time:        when.UTC().Truncate(time.Microsecond),
		Tool:        b.repo.opts.Tool,
		ReplacedBy:  b.opts.ReplacedBy,
		Token:       b.listing.token,
		Pinned:      b.opts.Pinned,
		Sequence:    1,
	}
	if b.previous != nil {
		b.record.Previous, b.record.Sequence = b.previous.ID, b.previous.Sequence+1
	}
	if b.opts.copied == nil {
		b.record.Sequence = b.series().LastSequence(b.list) + 1
	}
	b.opts.copied.sign(b.record)
	b.result.Snapshot = b.record
}

// store reads the image, stores its new blobs, and describes it. All reads of the store come
// before the image is opened, as an open image may hold its source up.
func (b *backup) store(ctx context.Context, source Source) error {
	if err := b.loadInventory(ctx); err != nil {
		return err
	}
	if err := b.loadBase(ctx); err != nil {
		return err
	}
	workers, err := newWorkers()
	if err != nil {
		return err
	}
	image, err := source(ctx)
	if err != nil {
		return err
	}
	defer image.Close()
	if _, err := b.read(ctx, workers, image); err != nil {
		return err
	}
	if err := b.packer.flush(ctx); err != nil {
		return err
	}
	b.record.Added = b.packer.added
	for _, id := range b.packer.ids() {
		b.record.Packs = append(b.record.Packs, id.String())
	}
	// The source could not tell by its fingerprint, but nothing had to be stored.
	b.same = b.sameRoot() && len(b.record.Packs) == 0
	b.record.Unchanged = b.same && b.opts.copied != nil
	return nil
}

// sameRoot reports whether the new image is that of the previous snapshot.
func (b *backup) sameRoot() bool {
	return b.previous != nil && b.record.Image().Root == b.previous.Image().Root
}

// loadBase reads the parent's tree. Without a parent, the snapshot only takes more space.
func (b *backup) loadBase(ctx context.Context) error {
	if b.parent == nil {
		return nil
	}
	var err error
	if b.base, err = b.loadParent(ctx); err != nil {
		return ctx.Err()
	}
	return nil
}

// read reads the image, hands its new blobs to the packer, and describes it in the record. It returns the
// pipeline that it has used.
func (b *backup) read(ctx context.Context, workers chan *worker, image SourceImage) (*pipeline, error) {
	p, err := newPipeline(b.repo, workers, b.packer, b.bases(), b.base, b.opts)
	if err != nil {
		return nil, err
	}
	defer p.close()
	p.observer = b.observe(image)
	defer p.observer.release() // its timer must not meet the caller's Close
	if p.known, err = b.known(ctx, image, b.base); err != nil {
		return nil, err
	}
	p.trace = b.trace(image)
	if b.tree, err = p.run(ctx, image); err != nil {
		return nil, err
	}
	b.unwritten = p.findings(ctx, b.started)
	b.result.Scanned = p.scanned
	described := image.Describe()
	if b.compared {
		b.result.Scanned = described.Size
	}
	if named, ok := image.(DistantImage); ok {
		named.Named(b.tree.Root())
	}
	described.Root, described.Levels = b.tree.Root(), b.tree.Height()
	described.Size = int64(b.tree.Chunks().Size())
	switch {
	case b.opts.copied != nil: // its record says when the database was read
	case p.known != nil && !b.compared: // not all pages were read: the day until that must be done goes on
		described.ReadAt = b.parent.Image().ReadAt
	default:
		described.ReadAt = b.started
	}
	b.record.Images = []snapshot.Image{described}
	b.record.Chunks, b.record.ChunksNew = b.tree.Chunks().Len(), p.chunksNew
	if b.base != nil {
		b.record.Parent = b.parent.ID
	}
	b.prove(ctx, p.observer)
	return p, nil
}

// skipUnchanged leaves the record out, if that was asked for and the record would tell
// nothing new: the image is the previous snapshot's, its blobs can be relied on, and no
// user has accepted what was suspect about it.
func (b *backup) skipUnchanged() {
	if b.same && b.opts.IfChanged && slices.Equal(b.record.Suspect, b.previous.Suspect) {
		b.result.Skipped, b.result.Snapshot = true, b.previous
	}
}

// expire lists the snapshots that retention removes, for the record and for step W5. The
// new one itself always stays.
func (b *backup) expire() {
	if b.opts.Keep != nil && !b.result.Skipped {
		group := []*snapshot.Snapshot{b.record}
		for _, s := range b.list {
			if s.Series() == b.record.Series() {
				group = append(group, s)
			}
		}
		b.result.Forgotten = slices.DeleteFunc(expired(group, *b.opts.Keep, b.started),
			func(d retention.Decision) bool { return d.ID == b.record.ID.String() })
	}
	for _, d := range b.result.Forgotten {
		if id, err := snapshot.ParseID(d.ID); err == nil {
			b.forgot = append(b.forgot, id)
		}
	}
	b.record.Forgot = b.forgot
}
