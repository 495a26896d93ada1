package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"firn/config"
	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/site"
	"firn/snapshot"
)

// Catalog is the list of snapshots, with the records that cannot be read. Every command that is told latest, an
// environment or a time chooses here: an older snapshot must not pass for a newer one that cannot be read.
type Catalog struct {
	*Session
	All    []*snapshot.Snapshot // newest first
	Damage error                // joins the errors of all records and notes that cannot be read
	unread []*repo.UnreadError  // the records
}

// Catalog lists the snapshots. A record that cannot be read stops only the commands that may mean its snapshot.
func (s *Session) Catalog(ctx context.Context) (*Catalog, error) {
	all, damage := s.Repo.Snapshots(ctx)
	if all == nil && damage != nil {
		return nil, damage
	}
	return &Catalog{s, all, damage, repo.Unread(damage)}, nil
}

// Find finds the snapshot of the list that the user means. The words latest and latest-verified, and times, mean neither a snapshot
// that a restore took of its target, unless that is asked for, nor one that is later than now. Beside the references of
// [snapshot.Find] there is "ENV@TIME", and "@TIME" for any environment: the newest that is not after the time, see
// [Caller.ParseMoment] and [Catalog.At].
func (k *Catalog) Find(list []*snapshot.Snapshot, ref string, withPreRestore bool) (*snapshot.Snapshot, error) {
	if _, err := FindByID(list, ref); err == nil {
		return snapshot.Find(list, ref, k.Zone)
	}
	if environment, text, ok := SplitMoment(ref); ok {
		moment, err := k.ParseMoment(text)
		if err != nil {
			return nil, err
		}
		return k.findAt(list, ref, environment, moment, withPreRestore)
	}
	among := list
	if !withPreRestore || strings.HasPrefix(ref, snapshot.LatestVerified) {
		among = OfBackups(list)
	}
	s, err := k.findPast(among, func(list []*snapshot.Snapshot) (*snapshot.Snapshot, error) {
		return snapshot.Find(list, ref, k.Zone)
	})
	if err != nil && !errors.Is(err, snapshot.ErrNotFound) {
		return nil, err
	}
	may := func(t time.Time) bool { return t.IsZero() || snapshot.MayMean(ref, t, k.Zone) }
	if refusal := cmp.Or(k.Surely(s, ref, may), k.hidden(list, NamedEnvironment(ref), s, ref, may)); refusal != nil {
		return nil, refusal
	}
	if strings.HasPrefix(ref, snapshot.LatestVerified) {
		return s, errors.Join(err, unreadVerdict(among, s, ref))
	}
	if errors.Is(err, snapshot.ErrNotFound) && slices.Contains(Environments(k.All), ref) {
		return nil, outcome.Failed(fmt.Sprintf("%s is an environment: latest:%s is its newest snapshot.", ref, ref), "%w", err)
	}
	return s, err
}

// findPast finds a snapshot among those that are not later than now. If there is none, it looks among the later ones.
func (k *Catalog) findPast(list []*snapshot.Snapshot, find func([]*snapshot.Snapshot) (*snapshot.Snapshot, error)) (*snapshot.Snapshot, error) {
	past, ahead := snapshot.SplitAhead(list, k.Now())
	s, err := find(past)
	if later, e := find(ahead); e == nil {
		k.WarnAhead(ahead)
		if errors.Is(err, snapshot.ErrNotFound) {
			return later, nil
		}
	}
	return s, err
}

// Past leaves out the snapshots that are later than now, unless there are no others, and warns of them.
func (c *Caller) Past(list []*snapshot.Snapshot) []*snapshot.Snapshot {
	past, ahead := snapshot.SplitAhead(list, c.Now())
	c.WarnAhead(ahead)
	if len(past) == 0 {
		return ahead
	}
	return past
}

// Surely returns an error if a newer snapshot may be meant than the chosen one, nil for none: one whose record cannot be
// read, or one that this host has stored and that is gone. The function may reports whether a snapshot of a time can be
// meant; no more than the time is known of an unreadable record. The text says for the error what was asked for.
func (k *Catalog) Surely(chosen *snapshot.Snapshot, what string, may func(time.Time) bool) error {
	for _, u := range k.unread {
		t := u.Time()
		switch {
		case !may(t):
		case chosen != nil && !t.IsZero() && t.Before(chosen.Time):
			k.Warn("the record of an older snapshot, of %s, cannot be read: %v", k.When(t), u)
		default:
			return k.unsure(chosen, what, u)
		}
	}
	for _, b := range k.rollbacks {
		if chosen != nil && b.Series() == chosen.Series() && b.Time.After(chosen.Time) && may(b.Time) {
			return k.gone(what, b)
		}
	}
	return nil
}

// hidden is [Catalog.Surely] for a reference that may mean any series of a list, of one environment if it names one: a newer
// snapshot of one of them may be gone that this host has stored.
func (k *Catalog) hidden(list []*snapshot.Snapshot, environment string, chosen *snapshot.Snapshot, ref string, may func(time.Time) bool) error {
	for _, b := range k.rollbacks {
		listed := len(list) == len(k.All) || slices.ContainsFunc(list, func(s *snapshot.Snapshot) bool { return s.Series() == b.Series() })
		named := environment == "" || environment == b.Environment
		if listed && named && may(b.Time) && (chosen == nil || b.Time.After(chosen.Time)) {
			return k.gone(ref, b)
		}
	}
	return nil
}

// gone is the error for a snapshot that this host has stored and that is not there. It may be the one that was asked for.
func (k *Catalog) gone(what string, b *repo.Rollback) error {
	return outcome.New(fmt.Errorf("%s: %w: %s", what, outcome.ErrRolledBack, k.describeRollback(b)), outcome.CodeDamage, outcome.WayForward+" Or name a snapshot by its ID.")
}

// AnyTime is for [Catalog.Surely]: a snapshot of any time may be meant.
func AnyTime(time.Time) bool { return true }

// unsure is the error for a record that cannot be read, and may be of the snapshot that was asked for.
func (k *Catalog) unsure(chosen *snapshot.Snapshot, what string, u *repo.UnreadError) error {
	which := "a snapshot of an unknown time"
	if t := u.Time(); !t.IsZero() {
		which = fmt.Sprintf("one of a round of %s", k.When(t))
		if id, ok := snapshot.ParseObjectName(u.Name); ok {
			which = fmt.Sprintf("snapshot %s of %s", id.Short(), k.When(t))
		}
	}
	hint := `"firn check --repair" puts right what can be, or says that it is lost.`
	if errors.Is(u, repo.ErrVersion) {
		hint = "Update firn."
	}
	if chosen != nil {
		hint = fmt.Sprintf(`The newest that can be read is %s of %s, %s: name it by its ID if that will do. `,
			chosen.ID.Short(), chosen.Environment, k.WhenTaken(chosen)) + hint
	}
	return outcome.New(fmt.Errorf("%s: it may be %s, whose record cannot be read: %w", what, which, u), outcome.CodeDamage, hint)
}

// unreadVerdict refuses the newest snapshot that was found sound, nil for none, while a note cannot be read. That note may
// say that a newer snapshot is sound, or that this one is not.
func unreadVerdict(list []*snapshot.Snapshot, sound *snapshot.Snapshot, ref string) error {
	_, environment, _ := strings.Cut(ref, ":")
	for _, s := range Filter(list, snapshot.Filter{Environment: environment}) {
		if s.NoteUnread && (sound == nil || !s.Time.Before(sound.Time)) {
			return outcome.New(fmt.Errorf("%s: a note on snapshot %s of %s cannot be read, so its last verification is unknown", ref, s.ID.Short(), s.Environment),
				outcome.CodeDamage, fmt.Sprintf(`"firn verify --snapshot %s" looks again. Or name a snapshot by its ID.`, s.ID.Short()))
		}
	}
	return nil
}

// WayToSound says in a sentence how to restore the newest snapshot of the same environment that was found sound. It is ""
// if that is the same snapshot, or there is none.
func (k *Catalog) WayToSound(than *snapshot.Snapshot) string {
	for _, s := range snapshot.Sound(OfBackups(k.All)) {
		if s.Environment == than.Environment && s.ID != than.ID {
			return fmt.Sprintf(` "firn restore %s --snapshot %s" takes the newest that was found sound.`, report.QuoteWord(s.Environment), snapshot.LatestVerified)
		}
	}
	return ""
}

// WarnAhead warns of snapshots that are later than now, once of each.
func (c *Caller) WarnAhead(list []*snapshot.Snapshot) {
	if list = c.told.first(list); len(list) == 0 {
		return
	}
	var ids []string
	for _, s := range list {
		ids = append(ids, s.ID.Short())
	}
	c.Warn("%s of a time to come: %s: a clock was wrong, there or here. No rule counts such a snapshot, and latest does not mean it. "+
		`If the clock here is right: "firn forget %s".`, report.Plural(len(list), "snapshot"), c.ShortList(list), strings.Join(ids[:min(len(ids), maxHit)], " "))
}

// NothingYet reports whether a configured environment has no database and never had a snapshot, such as an environment that
// is to be made by a restore. If anything is known of a snapshot, a missing database is an error. So it is for a pattern: an
// environment of a pattern begins with its file, and a name without one is a mistake.
func (k *Catalog) NothingYet(ctx context.Context, environment string) bool {
	env := k.Conf.Lookup(environment)
	return k.Damage == nil && env != nil && env.Pattern == "" &&
		!slices.ContainsFunc(k.All, func(snap *snapshot.Snapshot) bool { return snap.Environment == environment }) &&
		!slices.ContainsFunc(k.rollbacks, func(b *repo.Rollback) bool { return b.Environment == environment }) &&
		k.MissingDatabase(ctx, env.Database)
}

// missingLimit is the time after which a file counts as there: its file server may be gone, and no answer is no answer.
const missingLimit = 5 * time.Second

// MissingDatabase reports whether a database is certain not to be there. It does not hang on a dead file server. Another host is
// not asked.
func (c *Caller) MissingDatabase(ctx context.Context, path string) bool {
	if config.IsRemote(path) {
		return false
	}
	limit := missingLimit
	if c.Silence > 0 {
		limit = min(limit, c.Silence)
	}
	missing := make(chan bool, 1)
	err := site.NewWatchdog(ctx, limit).Call(func() error { missing <- site.Missing(path); return nil }, site.Nothing)
	return err == nil && <-missing
}

// NothingYetText says it of an environment.
func (s *Session) NothingYetText(environment string) string {
	return fmt.Sprintf("%s: nothing yet: %s is not there, and never had a snapshot", environment, s.Conf.Lookup(environment).Database)
}
