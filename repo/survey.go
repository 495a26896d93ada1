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
	"firn/snapshot"
)

// survey is what a repair finds below meta/ of a store in which anything may be
// damaged.
type survey struct {
	repo   *Repo
	copies copies

	view   *view                // its plans are all that are known of those listed
	list   []*snapshot.Snapshot // that can be read, or put back; newest first
	wounds map[string]*wound    // what is damaged or missing, by name
	opens  bool                 // a key slot in the store opens with our credential
}

// wound is one damaged or missing object.
type wound struct {
	err   error
	sound []byte // what the object must be; nil if nobody here knows
}

// survey looks at everything below meta/. What a check has just read past the
// cache may come from the cache.
func (r *Repo) survey(ctx context.Context, c copies) (*survey, error) {
	for range maxListings {
		s := &survey{repo: r, copies: c, wounds: make(map[string]*wound)}
		objects, err := collect(ctx, r.store, metaPrefix)
		if err != nil {
			return nil, fmt.Errorf("list repository: %w", err)
		}
		s.view = r.newView(objects)
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
func (s *survey) read(ctx context.Context) error {
	if err := s.readPlans(ctx); err != nil {
		return err
	}
	if err := s.wounded(ctx, configName, s.repo.storedConfig(ctx)); err != nil {
		return err
	}
	if err := s.readRecords(ctx); err != nil {
		return err
	}
	for _, o := range s.view.partials {
		_, err := s.repo.readPartial(ctx, o.Name)
		if err := s.wounded(ctx, o.Name, err); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, o := range s.view.notes {
		_, err := s.repo.note(ctx, o.Name)
		if err := s.wounded(ctx, o.Name, err); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return s.readKeys(ctx)
}

// wounded takes note of an object if err tells of damage; another error it
// returns. Nobody can tell what a later version has written, unless it is ours
// with a damaged header.
func (s *survey) wounded(ctx context.Context, name string, err error) error {
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	if !isDamage(err) && !isVersion(err) {
		return err
	}
	sound, unread := s.repo.soundCopy(ctx, s.copies, name)
	if unread != nil {
		return unread
	}
	if isVersion(err) && sound == nil {
		return err
	}
	s.wounds[name] = &wound{err: err, sound: sound}
	return nil
}

// readPlans keeps of a damaged plan what its copy says, or else its number alone.
// Where no plan is left, all that were ever seen count: condemnation is for ever.
func (s *survey) readPlans(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(s.view.plans)) {
		p, err := s.repo.plan(ctx, name)
		if err := s.wounded(ctx, name, err); err != nil {
			return err
		}
		if w := s.wounds[name]; w != nil && w.sound != nil {
			p, err = openPlan(s.repo.keys, name, w.sound)
			if err != nil {
				return err
			}
		} else if w != nil {
			number, _ := planSequence(name)
			p = &plan{Sequence: number}
		}
		s.view.plans[name] = p
	}
	for _, name := range s.view.forged {
		s.wounds[name] = &wound{err: &CorruptError{Kind: "plan", Name: name, Err: errForged}}
	}
	if len(s.view.plans) == 0 {
		s.wounds[planPrefix] = &wound{err: &CorruptError{Kind: "plan", Name: planPrefix, Err: errNoPlan}}
		s.view.plans = s.copies.plans(s.repo.keys)
	}
	return nil
}

// readRecords reads the records, and adds those that can be put back.
func (s *survey) readRecords(ctx context.Context) error {
	names := objectNames(s.view.records)
	for _, name := range s.copies.returning() {
		if strings.HasPrefix(name, snapshot.Prefix) && !slices.Contains(names, name) {
			err := &CorruptError{Kind: "record", Name: name, Err: errors.New("a repair ended before it was put back")}
			if err := s.wounded(ctx, name, err); err != nil {
				return err
			}
			names = append(names, name)
		}
	}
	for _, name := range names {
		if err := s.readRecord(ctx, name); err != nil {
			return err
		}
	}
	snapshot.Sort(s.list)
	return nil
}

func (s *survey) readRecord(ctx context.Context, name string) error {
	record, err := s.repo.record(ctx, name)
	if errors.Is(err, fs.ErrNotExist) && s.wounds[name] == nil {
		return nil // forgotten since the listing
	}
	if s.wounds[name] == nil {
		if err := s.wounded(ctx, name, err); err != nil {
			return err
		}
	}
	if w := s.wounds[name]; w != nil && w.sound != nil {
		record, err = s.repo.openRecord(new(snapshot.Decoder), name, w.sound)
	}
	if err == nil {
		s.list = append(s.list, record)
	}
	return nil
}

// readKeys tries our credential on every slot, past the cache: it keeps sound
// copies of damaged ones.
func (s *survey) readKeys(ctx context.Context) error {
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
		if err := s.wounded(ctx, o.Name, damaged("key", o.Name, err)); err != nil {
			return err
		}
	}
	return nil
}

// trySlot tries our credential on a slot. It is not another credential's if we have opened it before.
func (s *survey) trySlot(name string, b []byte, spending *budget) error {
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

// names returns what is wounded, in the order of the names.
func (s *survey) names() []string { return slices.Sorted(maps.Keys(s.wounds)) }
