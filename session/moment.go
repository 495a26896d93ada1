package session

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/retention"
	"firn/snapshot"
)

// ParseMoment reads a moment: a time as [snapshot.ParseTime] takes it, in the zone of the program, or how long ago it was:
// "-90s", "10m ago". The units of a duration are those of [retention.ParseDuration].
func (c *Caller) ParseMoment(text string) (time.Time, error) {
	span, isSpan := strings.CutPrefix(text, "-")
	if before, ago := strings.CutSuffix(text, "ago"); ago && !isSpan {
		span, isSpan = strings.TrimSpace(before), true
	}
	if isSpan {
		d, err := retention.ParseDuration(span)
		if err != nil {
			return time.Time{}, wrongMoment(text)
		}
		return c.Now().Add(-d), nil
	}
	t, err := snapshot.ParseTime(text, c.Zone)
	if err != nil {
		return time.Time{}, wrongMoment(text)
	}
	return t, nil
}

// wrongMoment is the error for a text that is no moment.
func wrongMoment(text string) error {
	return outcome.Usage("Write 2026-11-21T03:12:05, or a part such as 2026-11-21, or how long ago it was: -90s, -10m, -2h.", "%q is not a time", text)
}

// ParseBackupTime reads the time of --time for a backup, which must not be in the future. It is written out, so that none is dated by
// a mistake. The empty text is the zero time.
func (c *Caller) ParseBackupTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t, err = time.ParseInLocation(time.DateTime, text, c.Zone)
	}
	if err != nil {
		return t, outcome.Usage(`Write 2026-11-21T03:12:00Z, or "2026-11-21 03:12:00" for local time.`, "--time %q is not a time", text)
	}
	if t.After(c.Now().Add(snapshot.ClockTolerance)) {
		return t, outcome.Usage("", "--time %s is in the future: until then, no other snapshot would be the latest", text)
	}
	return t, nil
}

// momentMark stands before the time in a reference to the newest snapshot that is not after that time: production@2026-11-21.
const momentMark = "@"

// AtMoment returns the reference to the newest snapshot of an environment, "" for any, that is not after a moment.
func AtMoment(environment, moment string) string { return environment + momentMark + moment }

// Flag returns the flag with which a person names a snapshot by a reference: --snapshot latest, or --at -90s.
func Flag(ref string) string {
	if environment, moment, ok := SplitMoment(ref); ok && environment == "" {
		return "--at " + report.QuoteWord(moment)
	}
	return "--snapshot " + report.QuoteWord(ref)
}

// WithMoments returns the arguments of a command with references to some moments in front, in the place of snapshots. The number of
// all arguments that the command needs is takes. With one more than that, the first of args is the environment that is meant. The
// caller refuses any other number.
func WithMoments(moments, args []string, takes int) []string {
	environment := ""
	if len(moments) > 0 && len(args) > 0 && len(moments)+len(args) == takes+1 {
		environment, args = args[0], args[1:]
	}
	var all []string
	for _, m := range moments {
		all = append(all, AtMoment(environment, m))
	}
	return append(all, args...)
}

// SplitMoment divides a reference that [AtMoment] has made. The result ok is false for other words, also for names with the
// same mark in them.
func SplitMoment(ref string) (environment, moment string, ok bool) {
	i := strings.LastIndex(ref, momentMark)
	if i < 0 || namedByWord(ref) != "" {
		return "", "", false
	}
	environment, moment = ref[:i], ref[i+len(momentMark):]
	never := Caller{Now: func() time.Time { return time.Time{} }, Zone: time.UTC} // whether it is a moment depends on no clock
	_, err := never.ParseMoment(moment)
	return environment, moment, err == nil
}

// At finds the newest of the snapshots that a filter lets through, and that are not after a moment. In all else it chooses as
// [Catalog.Find] does for "latest". If snapshots of several environments are left, it fails with a
// [*snapshot.AmbiguousError].
func (k *Catalog) At(f snapshot.Filter, moment time.Time) (*snapshot.Snapshot, error) {
	ref := AtMoment(f.Environment, moment.Format(time.RFC3339Nano))
	return k.findAt(Filter(k.All, f), ref, f.Environment, moment, wantsPreRestore(f))
}

// wantsPreRestore reports whether a filter asks for snapshots that restores took of their targets.
func wantsPreRestore(f snapshot.Filter) bool {
	for _, all := range f.Tags {
		if all.Has(repo.PreRestoreTag) {
			return true
		}
	}
	return false
}

// NewestAt returns the newest n snapshots of each environment and database that a filter lets through and that are not after
// a moment, newest first, as the list is. If there are none, the error is that of [snapshot.NotAfter]. In all else it chooses
// as [Catalog.At] does.
func (c *Caller) NewestAt(list []*snapshot.Snapshot, f snapshot.Filter, moment time.Time, n int) ([]*snapshot.Snapshot, error) {
	list = Filter(list, f)
	if !wantsPreRestore(f) {
		list = OfBackups(list)
	}
	found, err := snapshot.NotAfter(c.Past(list), moment, c.Zone)
	return Newest(found, n), err
}

// findAt is [Catalog.Find] for a reference to a moment.
func (k *Catalog) findAt(list []*snapshot.Snapshot, ref, environment string, moment time.Time, withPreRestore bool) (*snapshot.Snapshot, error) {
	may := func(t time.Time) bool { return !t.After(moment) }
	if err := k.KnownEnvironment(k.All, environment); err != nil {
		return nil, cmp.Or(k.Surely(nil, ref, may), err)
	}
	own := Filter(list, snapshot.Filter{Environment: environment})
	if !withPreRestore {
		own = OfBackups(own)
	}
	s, err := k.findPast(own, func(list []*snapshot.Snapshot) (*snapshot.Snapshot, error) {
		return snapshot.At(list, moment, k.Zone, ref)
	})
	if several, ok := errors.AsType[*snapshot.AmbiguousError](err); ok {
		return nil, outcome.Failed(fmt.Sprintf("Name the environment: %s.", strings.Join(Environments(several.Candidates), " or ")), "%w", err)
	}
	if err := cmp.Or(k.Surely(s, ref, may), k.hidden(list, environment, s, ref, may), err); err != nil {
		return nil, err
	}
	return s, nil
}

// WhenFolded returns the times of the first and the last snapshot of a fold for people, which are of one day: down to the
// second if they are of one minute.
func (c *Caller) WhenFolded(f snapshot.Fold) string {
	from, to, clock := f.Oldest().Time.In(c.Zone), f.Newest().Time.In(c.Zone), "15:04"
	if to.Sub(from) < time.Minute {
		clock = time.TimeOnly
	}
	start := from.Format("2006-01-02 " + clock + " MST")
	return strings.TrimSuffix(start, to.Format(" MST")) + " - " + to.Format(clock+" MST")
}
