package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"firn/snapshot"
)

// Copier copies snapshots of one repository into another, which has its own key and
// may be anywhere. A copy is a snapshot like any other there. Its record names the original,
// so that a copy is recognised, whatever way it came.
//
// Every byte goes through both repositories: it is read and verified here, and backed
// up there, by the protocol of any backup. But if the copy's parent is a copy, too, and the
// parent's original still here, only the differences between the two originals are read.
//
// A Copier is for one goroutine. Others may use both repositories meanwhile.
type Copier struct {
	from, to *Repo
	sources  map[snapshot.ID]*snapshot.Snapshot
	origins  map[snapshot.Origin]*snapshot.Snapshot // of sources
	targets  []*snapshot.Snapshot
	copies   map[snapshot.Origin]*snapshot.Snapshot // of targets
	opened   []openedImage
	begun    bool // a copy was made, so that the packs of the target were listed
}

// openedImage is an image of the source.
type openedImage struct {
	id    snapshot.ID
	image *ImageReader
}

// keptImages is how many images stay open, with their lists of chunks: the one that is
// copied, and those before it of some environments.
const keptImages = 4

// NewCopier returns a copier. The lists come from [Repo.Snapshots] of each repository. The
// error matches [ErrSameRepository] if both are one.
func NewCopier(from *Repo, sources []*snapshot.Snapshot, to *Repo, targets []*snapshot.Snapshot) (*Copier, error) {
	if from.id == to.id {
		return nil, ErrSameRepository
	}
	c := &Copier{from: from, to: to, targets: slices.Clone(targets),
		sources: make(map[snapshot.ID]*snapshot.Snapshot, len(sources)),
		origins: make(map[snapshot.Origin]*snapshot.Snapshot, len(sources)),
		copies:  make(map[snapshot.Origin]*snapshot.Snapshot, len(targets)),
	}
	for _, s := range sources {
		c.sources[s.ID], c.origins[c.origin(s)] = s, s
	}
	for _, s := range targets {
		c.copies[s.Origin(to.id.String())] = s
	}
	return c, nil
}

// origin returns where a snapshot of the source was first taken.
func (c *Copier) origin(s *snapshot.Snapshot) snapshot.Origin { return s.Origin(c.from.id.String()) }

// copyOf returns the copy of a snapshot of the source, nil if there is none.
func (c *Copier) copyOf(s *snapshot.Snapshot) *snapshot.Snapshot { return c.copies[c.origin(s)] }

// Copy copies a snapshot of the source that is not in the target; see [Repo.Backup].
// Older ones should be copied before newer ones, which are differences to them. The
// error matches [ErrUnreadable] if the source is damaged there, snapshot.ErrNotFound if
// it was forgotten since it was listed.
func (c *Copier) Copy(ctx context.Context, s *snapshot.Snapshot, progress func(bytes int64)) (*BackupResult, error) {
	open := func(ctx context.Context) (SourceImage, error) { return c.open(ctx, s) }
	result, err := c.to.Backup(ctx, open, BackupOptions{
		Environment: s.Environment, Database: s.Database, Tags: s.Tags, Time: s.Time, Pinned: s.Pinned,
		ReplacedBy: c.replacedBy(s), Progress: progress, copied: &copied{c, s},
	})
	if result != nil {
		c.targets = append(c.targets, result.Snapshot)
		c.copies[c.origin(s)] = result.Snapshot
	}
	if errors.Is(err, ErrUnreadable) && c.forgotten(ctx, s) {
		err = fmt.Errorf("%w: it was forgotten meanwhile", snapshot.ErrNotFound)
	}
	if err != nil {
		return result, fmt.Errorf("copy snapshot %s of %s: %w", s.ID.Short(), s.Environment, err)
	}
	return result, nil
}

// forgotten reports whether the source has no record of a snapshot any more: then it
// is no damage that prunes have taken its chunks.
func (c *Copier) forgotten(ctx context.Context, s *snapshot.Snapshot) bool {
	c.from.dropOpening()
	v, err := c.from.listMetaToRead(ctx)
	return err == nil && len(c.from.recorded(ctx, v, []*snapshot.Snapshot{s})) == 0
}

// replacedBy returns the copy of the snapshot that was restored over this one's database.
// Without such a copy it returns the original's ID, which names nothing in the target, like
// that of a forgotten snapshot.
func (c *Copier) replacedBy(s *snapshot.Snapshot) snapshot.ID {
	if by := c.sources[s.ReplacedBy]; by != nil && c.copyOf(by) != nil {
		return c.copyOf(by).ID
	}
	return s.ReplacedBy
}

// image opens an image of the source.
func (c *Copier) image(ctx context.Context, s *snapshot.Snapshot) (*ImageReader, error) {
	for _, o := range c.opened {
		if o.id == s.ID {
			return o.image, nil
		}
	}
	image, err := c.from.OpenImage(ctx, s)
	if err != nil {
		return nil, unreadable(err)
	}
	c.opened = append(c.opened[max(0, len(c.opened)+1-keptImages):], openedImage{s.ID, image})
	return image, nil
}

// unreadable marks damage of the source.
func unreadable(err error) error {
	if isDamage(err) {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return err
}

// CarryNotes copies the notes that an undo needs from some snapshots of the source to their
// copies. A note that a snapshot was verified is not copied: it says that the source has
// given the snapshot back, which says nothing of the target.
func (c *Copier) CarryNotes(ctx context.Context, list []*snapshot.Snapshot) error {
	for _, s := range list {
		to := c.copyOf(s)
		if s.NoUndo == nil || to == nil || to.NoUndo != nil && !to.NoUndo.Time.Before(s.NoUndo.Time) {
			continue
		}
		if err := c.to.Note(ctx, snapshot.Note{Snapshot: to.ID, NoUndo: s.NoUndo}); err != nil {
			return err
		}
	}
	return nil
}

// copied is the origin of an image that a [Copier] brings; nil for any other image.
type copied struct {
	copier   *Copier
	original *snapshot.Snapshot
}

// first reports whether this is the first copy of a run, and that only once.
func (c *copied) first() bool {
	if c == nil || c.copier.begun {
		return false
	}
	c.copier.begun = true
	return true
}

// earlier returns the snapshots that are older than the original: its copy may be made after
// that of a newer one.
func (c *copied) earlier(list []*snapshot.Snapshot) []*snapshot.Snapshot {
	return slices.DeleteFunc(slices.Clone(list), func(s *snapshot.Snapshot) bool { return s.Time.After(c.original.Time) })
}

// newest reports whether the list has none of the same database that is newer.
func (c *copied) newest(list []*snapshot.Snapshot) bool {
	if c == nil {
		return true
	}
	last := snapshot.Latest(list, c.original.Environment, c.original.Database)
	return last == nil || !last.Time.After(c.original.Time)
}

// parent returns the copy of the original's parent, or else of that one's parent, and so on,
// as far as the source knows them; nil if none of the copies is on the list.
func (c *copied) parent(list []*snapshot.Snapshot) *snapshot.Snapshot {
	if c == nil {
		return nil
	}
	s := c.original
	for range c.copier.sources {
		if s = c.copier.sources[s.Parent]; s == nil {
			return nil
		}
		if to := c.copier.copyOf(s); to != nil && slices.ContainsFunc(list, func(l *snapshot.Snapshot) bool { return l.ID == to.ID }) {
			return to
		}
	}
	return nil
}

// sign makes the record that of a copy.
func (c *copied) sign(record *snapshot.Snapshot) {
	if c == nil {
		return
	}
	origin := c.copier.origin(c.original)
	record.Original, record.CopiedBy, record.Host = &origin, record.Host, c.original.Host
	record.Suspect = c.original.Suspect
	record.SetProof(c.proof())
}
