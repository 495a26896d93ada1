package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"firn/crypt"
	"firn/pack"
	"firn/snapshot"
	"firn/store"
)

// metadataScan is the state of meta/ in a store in which any object may be damaged.
type metadataScan struct {
	repo   *Repo
	copies copies

	listing *listing                  // its plans are those listed ones of which the content is known
	dead    graves                    // by the tombstones that can be read, or put back
	list    []*snapshot.Snapshot      // that can be read, or put back; newest first
	damaged map[string]*damagedObject // damaged or missing objects, by name
	opens   bool                      // a key slot in the store opens with our credential
}

// damagedObject is one damaged or missing object.
type damagedObject struct {
	err   error
	sound []byte // the true bytes of the object; nil if they are not known here
	whole bool   // of a round: none of these blobs is damaged
}

// scanMetadata looks at everything below meta/. Objects that a check has just read past the
// cache may come from the cache.
func (r *Repo) scanMetadata(ctx context.Context, c copies) (*metadataScan, error) {
	for range maxListings {
		s := &metadataScan{repo: r, copies: c, dead: make(graves), damaged: make(map[string]*damagedObject)}
		began := r.cache.Tick()
		objects, err := collect(ctx, r.store, metaPrefix)
		if err != nil {
			return nil, fmt.Errorf("list repository: %w", err)
		}
		s.listing = r.newListing(objects, began)
		if err = s.read(ctx); err == nil {
			return s, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("list repository: plans are replaced all the time: %w", ErrUnsettled)
}

// read tries every object. The error matches fs.ErrNotExist if a plan was replaced
// since the listing.
func (s *metadataScan) read(ctx context.Context) error {
	if err := s.readPlans(ctx); err != nil {
		return err
	}
	if err := s.noteDamage(ctx, configName, s.repo.storedConfig(ctx)); err != nil {
		return err
	}
	if err := s.readTombstones(ctx); err != nil {
		return err
	}
	if err := s.readRounds(ctx); err != nil {
		return err
	}
	if err := s.readRecords(ctx); err != nil {
		return err
	}
	for _, o := range slices.Concat(s.listing.partials, s.listing.notes, s.listing.alives) {
		if err := s.noteDamage(ctx, o.Name, s.tryOther(ctx, o.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return s.readKeys(ctx)
}

// tryOther reads an object that the scan needs no content of.
func (s *metadataScan) tryOther(ctx context.Context, name string) (err error) {
	switch {
	case strings.HasPrefix(name, partialPrefix):
		_, err = s.repo.readPartial(ctx, name)
	case isAlive(name):
		_, err = read(ctx, s.repo, name, func(b []byte) (*Alive, error) { return s.repo.openAlive(nil, name, b) })
	default:
		_, err = s.repo.note(ctx, name)
	}
	return err
}

// noteDamage takes note of an object if err tells of damage, and returns any other error. An
// object of a later version cannot be judged, unless a sound copy shows that it is one of
// this version with a damaged header.
func (s *metadataScan) noteDamage(ctx context.Context, name string, err error) error {
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	if !isDamage(err) && !isVersion(err) {
		return err
	}
	w := &damagedObject{err: err}
	var unread error
	if id, round := pack.ParseName(name); round {
		w.sound, w.whole, unread = s.repo.roundCopy(ctx, s.copies, id)
	} else {
		w.sound, unread = s.repo.soundCopy(ctx, s.copies, name)
	}
	if unread != nil {
		return unread
	}
	if isVersion(err) && w.sound == nil {
		return err
	}
	s.damaged[name] = w
	return nil
}

// readPlans reads the plans. In place of a damaged one it takes a sound copy, or else a plan
// of the same number without packs. Where no plan is left, all that were ever seen count:
// condemnation is for ever.
func (s *metadataScan) readPlans(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(s.listing.plans)) {
		p, err := s.repo.plan(ctx, name)
		if err := s.noteDamage(ctx, name, err); err != nil {
			return err
		}
		if w := s.damaged[name]; w != nil && w.sound != nil {
			p, err = openPlan(s.repo.keys, name, w.sound)
			if err != nil {
				return err
			}
		} else if w != nil {
			number, _ := planSequence(name)
			p = &plan{Sequence: number}
		}
		s.listing.plans[name] = p
	}
	for _, name := range s.listing.forged {
		s.damaged[name] = &damagedObject{err: &CorruptError{Kind: "plan", Name: name, Err: errForged}}
	}
	if len(s.listing.plans) == 0 {
		s.damaged[planPrefix] = &damagedObject{err: &CorruptError{Kind: "plan", Name: planPrefix, Err: errNoPlan}}
		s.listing.plans = s.copies.plans(s.repo.keys)
	}
	return nil
}

// withReturning returns the names of objects, and of those that a repair has not put back.
func (s *metadataScan) withReturning(ctx context.Context, prefix string, objects []store.Object) ([]string, error) {
	names := objectNames(objects)
	for _, name := range s.copies.returning() {
		if strings.HasPrefix(name, prefix) && !slices.Contains(names, name) {
			err := &CorruptError{Kind: kindOf(name), Name: name, Err: errors.New("a repair ended before it was put back")}
			if err := s.noteDamage(ctx, name, err); err != nil {
				return nil, err
			}
			names = append(names, name)
		}
	}
	return names, nil
}

// readRecords reads the records, and adds the records that can be put back.
func (s *metadataScan) readRecords(ctx context.Context) error {
	names, err := s.withReturning(ctx, snapshot.Prefix, s.listing.records)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.readRecord(ctx, name); err != nil {
			return err
		}
	}
	snapshot.Sort(s.list)
	return nil
}

func (s *metadataScan) readRecord(ctx context.Context, name string) error {
	record, err := s.repo.record(ctx, name)
	if errors.Is(err, fs.ErrNotExist) && s.damaged[name] == nil {
		return nil // forgotten since the listing
	}
	if s.damaged[name] == nil {
		if err := s.noteDamage(ctx, name, err); err != nil {
			return err
		}
	}
	if w := s.damaged[name]; w != nil && w.sound != nil {
		record, err = s.repo.openRecord(new(snapshot.Decoder), name, w.sound)
	}
	if err == nil {
		s.list = append(s.list, record)
	}
	return nil
}

// readKeys tries our credential on every slot, past the cache: it keeps sound
// copies of damaged ones.
func (s *metadataScan) readKeys(ctx context.Context) error {
	objects, err := collect(ctx, s.repo.store, keyPrefix)
	if err != nil {
		return fmt.Errorf("list keys: %w", err)
	}
	spending := newBudget()
	for _, o := range objects {
		b, err := whole(ctx, s.repo.store, o.Name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil && !isDamage(err) {
			return fmt.Errorf("read %s: %w", o.Name, err)
		}
		if err == nil {
			err = s.trySlot(o.Name, b, spending)
		}
		if s.opens = s.opens || err == nil; err == nil || errors.Is(err, crypt.ErrWrongKey) {
			continue
		}
		if err := s.noteDamage(ctx, o.Name, damaged("key", o.Name, err)); err != nil {
			return err
		}
	}
	return nil
}

// trySlot tries our credential on a slot. It is not another credential's if we have opened it before.
func (s *metadataScan) trySlot(name string, b []byte, spending *budget) error {
	_, err := s.repo.verifySlot(b, spending)
	if !errors.Is(err, crypt.ErrWrongKey) {
		return err
	}
	for _, copied := range s.copies.of(name) {
		if _, opens := s.repo.verifySlot(copied, newBudget()); opens == nil && !bytes.Equal(copied, b) {
			return errReplaced
		}
	}
	return err
}

// names returns the names of the damaged objects, in order.
func (s *metadataScan) names() []string { return slices.Sorted(maps.Keys(s.damaged)) }
