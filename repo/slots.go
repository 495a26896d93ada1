package repo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"firn/crypt"
	"firn/store"
)

// An attacker with write access to the store can plant key slots, which cost work before they
// turn out to open nothing (docs/format.md, section 2).
const (
	// maxSlots is how many slots a repository has at most.
	maxSlots = 64
	// maxListedSlots is how many slots a list for people has at most, so that they can see
	// which ones to remove.
	maxListedSlots = 1024
	// maxWork is the most work for trying slots. It is enough for maxSlots slots of
	// firn's own. Dearer slots are tried last, so that they keep none of these from its
	// turn.
	maxWork = maxSlots * crypt.SlotWork
	// slotEntry is the cache entry with the name of the slot that opened last. It is a
	// hint, and nothing is lost by a wrong one: a slot proves itself by opening.
	slotEntry = statePrefix + "slot"
)

// errCostly is the cause for slots that were not tried.
var errCostly = fmt.Errorf("%w: the key slots are too costly to try all of them", ErrTooMany)

// budget is the work that is left for trying slots.
type budget struct{ left int64 }

func newBudget() *budget { return &budget{maxWork} }

// spend reports whether there is enough for a slot, and takes it off.
func (b *budget) spend(s *crypt.Slot, c crypt.Credential) bool {
	if s.KDF != c.KDF() { // it is not tried
		return true
	}
	if b.left < s.Work() {
		return false
	}
	b.left -= s.Work()
	return true
}

// openSlots tries the credential on the slots of the listing. If none opens, but another
// listing shows others, a key was replaced meanwhile, as by [Repo.RotateKey], which stores the
// new slot before it deletes the old one: the first can have missed both.
func (r *Repo) openSlots(ctx context.Context, id crypt.RepositoryID, names []string, c crypt.Credential) (crypt.Secret, error) {
	for range maxListings {
		secret, err := r.tryListed(ctx, id, slices.Clone(names), c)
		if !errors.Is(err, crypt.ErrWrongKey) {
			return secret, err
		}
		again, listErr := collect(ctx, r.store, keyPrefix)
		if listErr != nil {
			return secret, errors.Join(err, listErr)
		}
		tried := names
		if names = slotNames(again); slices.Equal(names, tried) {
			return secret, err
		}
	}
	return crypt.Secret{}, fmt.Errorf("keys are replaced all the time: %w", ErrUnsettled)
}

// tryListed tries the credential on the listed slots: first on the one that opened last
// time, then on the cheapest. A damaged slot does not hide the others; it is reported
// only if none opens.
func (r *Repo) tryListed(ctx context.Context, id crypt.RepositoryID, names []string, c crypt.Credential) (crypt.Secret, error) {
	spending := newBudget()
	if last, _ := r.cache.Get(slotEntry); slices.Contains(names, string(last)) {
		if secret, err := r.openSlot(ctx, string(last), id, spending, c); err == nil {
			return secret, nil
		}
		names = slices.DeleteFunc(names, func(name string) bool { return name == string(last) })
	}
	if len(names) > maxSlots {
		return crypt.Secret{}, tooManySlots(len(names))
	}
	if c.KDF() == crypt.KDFPassword { // key files cost nothing to try
		r.sortByWork(ctx, names)
	}
	return r.openAny(ctx, names, id, spending, c)
}

func tooManySlots(n int) error {
	return fmt.Errorf("%w: %d key slots, want at most %d", ErrTooMany, n, maxSlots)
}

// slotNames returns the names of the slots among objects.
func slotNames(objects []store.Object) []string {
	var names []string
	for _, o := range objects {
		if isKeyName(o.Name) {
			names = append(names, o.Name)
		}
	}
	return names
}

// sortByWork orders slots by the cost of trying them. Slots that cannot be read cost
// nothing.
func (r *Repo) sortByWork(ctx context.Context, names []string) {
	work := make(map[string]int64, len(names))
	for _, name := range names {
		if slot, err := r.slot(ctx, name); err == nil {
			work[name] = slot.Work()
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(work[a], work[b]) })
}

// openAny opens the first slot that the credential opens, and remembers it.
func (r *Repo) openAny(ctx context.Context, names []string, id crypt.RepositoryID, spending *budget, c crypt.Credential) (crypt.Secret, error) {
	problem, unreachable := crypt.ErrWrongKey, false
	for _, name := range names {
		secret, err := r.openSlot(ctx, name, id, spending, c)
		if err == nil {
			r.cache.Put(slotEntry, []byte(name))
			return secret, nil
		}
		if errors.Is(err, errCostly) {
			return crypt.Secret{}, err // the key may be right
		}
		if errors.Is(err, crypt.ErrWrongKey) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if !isDamage(err) && !errors.Is(err, ErrVersion) && !unreachable {
			problem, unreachable = err, true // the key may be right
		} else {
			problem = errors.Join(problem, err)
		}
	}
	return crypt.Secret{}, problem
}

// openSlot tries the credential on one slot, if that does not cost too much.
func (r *Repo) openSlot(ctx context.Context, name string, id crypt.RepositoryID, spending *budget, c crypt.Credential) (crypt.Secret, error) {
	slot, err := r.slot(ctx, name)
	if err != nil {
		return crypt.Secret{}, err
	}
	secret, err := trySlot(slot, name, id, spending, c)
	if err == nil {
		r.setOpenedBy(name)
	}
	return secret, err
}

// trySlot is openSlot for a slot that was read.
func trySlot(slot *crypt.Slot, name string, id crypt.RepositoryID, spending *budget, c crypt.Credential) (crypt.Secret, error) {
	if !spending.spend(slot, c) {
		return crypt.Secret{}, fmt.Errorf("try key %s: %w", name, errCostly)
	}
	secret, err := slot.Open(id, c)
	if err != nil && !errors.Is(err, crypt.ErrWrongKey) {
		return crypt.Secret{}, damaged("key", name, err)
	}
	return secret, err
}

// opener returns the name of the slot that has opened the repository, "" for one that was just made.
func (r *Repo) opener() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.openedBy
}

func (r *Repo) setOpenedBy(slot string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.openedBy = slot
}
