package repo

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"firn/crypt"
	"firn/pack"
)

// planPrefix begins the names of garbage collection plans:
// meta/gc-<sequence, 12 hex>-<random, 16 hex><tag, 16 hex> (docs/format.md, section 6).
//
// The tag tells true plans from objects that an attacker without a key has put beside them.
// Backups must not go on while there is a plan that they cannot read, so without the tag
// any object of such a name would stop them all.
const planPrefix = metaPrefix + "gc-"

// planTagLen is the length of a tag at the end of a name, in hex digits.
const planTagLen = 16

// plan condemns packs: no new snapshot may rely on them, and a later prune may
// delete them. A plan is replaced only by one with a larger sequence number that
// names every pack of it that still exists.
type plan struct {
	Version   int       `json:"v"`
	Sequence  uint64    `json:"sequence"`
	Host      string    `json:"host,omitempty"`
	Condemned []pack.ID `json:"condemned"`
	Seen      []byte    `json:"seen,omitzero"` // see seenIn; nil if it does not tell
}

// newPlanName returns a name that no plan ever had.
func newPlanName(keys *crypt.Keys, sequence uint64) string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, see its documentation
	return planName(keys, sequence, random[:])
}

func planName(keys *crypt.Keys, sequence uint64, random []byte) string {
	name := fmt.Sprintf("%s%012x-%x", planPrefix, sequence, random)
	tag := keys.NameTag(name)
	return name + hex.EncodeToString(tag[:])
}

// firstPlanName returns the name of the plan that a repository is made with. The plans of
// other attempts to make one at the same place have other names.
func firstPlanName(keys *crypt.Keys, id crypt.RepositoryID) string {
	return planName(keys, 0, id[:8])
}

// isPlan reports whether an object is a plan of this repository, by its name alone.
// Attempts to make it that were interrupted, or lost a race, may have left a first plan.
func (r *Repo) isPlan(name string) bool {
	sequence, ok := planSequence(name)
	if !ok || sequence == 0 {
		return name == firstPlanName(r.keys, r.id)
	}
	tag := r.keys.NameTag(name[:len(name)-planTagLen])
	return subtle.ConstantTimeCompare([]byte(name[len(name)-planTagLen:]), []byte(hex.EncodeToString(tag[:]))) == 1
}

// isForgedPlan reports whether an object was named like a plan without a key. That is not so
// for the prefix alone, which stands for all plans in errors, nor for the first plans of other
// attempts to make the repository.
func (r *Repo) isForgedPlan(name string) bool {
	sequence, ok := planSequence(name)
	return strings.HasPrefix(name, planPrefix) && name != planPrefix && (!ok || sequence > 0) && !r.isPlan(name)
}

// errForged is the cause in a CorruptError for such an object.
var errForged = errors.New("no holder of a key has chosen this name: the object is a forgery")

// planSequence reads the sequence number in a plan's name.
func planSequence(name string) (uint64, bool) {
	digits, random, ok := strings.Cut(strings.TrimPrefix(name, planPrefix), "-")
	sequence, err := strconv.ParseUint(digits, 16, 48)
	return sequence, ok && err == nil && len(digits) == 12 && len(random) == 16+planTagLen
}

func (p *plan) seal(keys *crypt.Keys, name string) ([]byte, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode plan: %w", err)
	}
	return keys.SealObject(crypt.ObjectPlan, name, plain), nil
}

func openPlan(keys *crypt.Keys, name string, object []byte) (*plan, error) {
	p := &plan{}
	if err := openDocument(keys, crypt.ObjectPlan, name, object, p); err != nil {
		return nil, err
	}
	if sequence, ok := planSequence(name); !ok || sequence != p.Sequence {
		return nil, fmt.Errorf("sequence number %d does not fit the name", p.Sequence)
	}
	return p, nil
}

// token stands for a set of plans: two listings with equal tokens mean that no
// plan was published between them, because names are never used twice.
func token(plans []string) string {
	sorted := slices.Clone(plans)
	slices.Sort(sorted)
	sum := sha256.Sum256([]byte(strings.Join(sorted, "\n")))
	return hex.EncodeToString(sum[:16])
}
