package session

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"firn/config"
	"firn/outcome"
	"firn/repo"
	"firn/snapshot"
)

// Databases returns the names of the databases that have snapshots, sorted.
func Databases(list []*snapshot.Snapshot) []string {
	return namesOf(list, func(s *snapshot.Snapshot) string { return s.Database })
}

// Environments returns the names of the environments that have snapshots, sorted.
func Environments(list []*snapshot.Snapshot) []string {
	return namesOf(list, func(s *snapshot.Snapshot) string { return s.Environment })
}

// namesOf returns one name of each snapshot, sorted, each once.
func namesOf(list []*snapshot.Snapshot, name func(*snapshot.Snapshot) string) []string {
	var names []string
	for _, s := range list {
		names = append(names, name(s))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// OfBackups leaves out the snapshots that restores took of their targets.
func OfBackups(list []*snapshot.Snapshot) []*snapshot.Snapshot {
	return slices.DeleteFunc(slices.Clone(list), PreRestore)
}

// ByID returns the snapshots by the texts of their IDs, by which decisions of retention name them.
func ByID(list []*snapshot.Snapshot) map[string]*snapshot.Snapshot {
	known := make(map[string]*snapshot.Snapshot, len(list))
	for _, s := range list {
		known[s.ID.String()] = s
	}
	return known
}

// NamesEnvironment reports whether arguments name one environment, or none at all, rather than snapshots by their IDs. A
// word that could be either is refused, because the caller removes what it names.
func (s *Session) NamesEnvironment(list []*snapshot.Snapshot, args []string) (bool, error) {
	if len(args) != 1 {
		return len(args) == 0, nil
	}
	environment := s.Conf.Knows(args[0]) || slices.Contains(Environments(list), args[0])
	_, err := FindByID(list, args[0])
	if environment && err == nil {
		return false, outcome.Usage("Give more digits of the ID.", "%q is an environment, and the beginning of an ID", args[0])
	}
	return environment, nil
}

// FindByID finds a snapshot by the beginning of its ID alone. Commands that remove snapshots take nothing else: "latest" or
// "2026" is too easily written by mistake.
func FindByID(list []*snapshot.Snapshot, ref string) (*snapshot.Snapshot, error) {
	if !IsID(ref) {
		return nil, outcome.Failed("Give an environment, or at least 4 digits of an ID.", "%q: %w", ref, snapshot.ErrNotFound)
	}
	matching := slices.DeleteFunc(slices.Clone(list), func(s *snapshot.Snapshot) bool {
		return !strings.HasPrefix(s.ID.String(), strings.ToLower(ref))
	})
	switch len(matching) {
	case 0:
		return nil, fmt.Errorf("snapshot %q: %w", ref, snapshot.ErrNotFound)
	case 1:
		return matching[0], nil
	}
	return nil, &snapshot.AmbiguousError{Ref: ref, Candidates: matching}
}

// IsID reports whether a word can be the beginning of an ID.
func IsID(ref string) bool {
	return len(ref) >= 4 && strings.Trim(strings.ToLower(ref), "0123456789abcdef") == ""
}

// PreRestore reports whether a restore took the snapshot of what it replaced.
func PreRestore(s *snapshot.Snapshot) bool { return s.Tags.Has(repo.PreRestoreTag) }

// SnapshotsOf returns all snapshots. An environment that is neither configured nor in the repository is an error; "" is
// for all. Records and notes that cannot be read are damage, and no error.
func (s *Session) SnapshotsOf(ctx context.Context, environment string) (all []*snapshot.Snapshot, damage, err error) {
	all, damage = s.Repo.Snapshots(ctx)
	if all == nil && damage != nil {
		return nil, nil, damage
	}
	return all, damage, s.KnownEnvironment(all, environment)
}

// KnownEnvironment returns an error for an environment that is neither configured nor in the repository.
func (s *Session) KnownEnvironment(list []*snapshot.Snapshot, name string) error {
	known := Environments(list)
	if name == "" || slices.Contains(known, name) || s.Conf.Knows(name) {
		return nil
	}
	return outcome.Failed("There are snapshots of: "+cmp.Or(strings.Join(known, ", "), "none")+".",
		"environment %q: %w", name, snapshot.ErrNotFound)
}

// Filter returns the snapshots that match, in a new slice.
func Filter(list []*snapshot.Snapshot, f snapshot.Filter) []*snapshot.Snapshot {
	var matching []*snapshot.Snapshot
	for _, s := range list {
		if f.Match(s) {
			matching = append(matching, s)
		}
	}
	return matching
}

// Newest returns the first n of each environment and database.
func Newest(list []*snapshot.Snapshot, n int) []*snapshot.Snapshot {
	seen := make(map[snapshot.Series]int)
	return slices.DeleteFunc(list, func(s *snapshot.Snapshot) bool {
		seen[s.Series()]++
		return seen[s.Series()] > n
	})
}

// Configured lists the configured environments, or one of them by its name, if it is known.
func (s *Session) Configured(environment string) *config.Listing {
	switch {
	case environment == "":
		return s.Conf.All()
	case s.Conf.Knows(environment):
		return &config.Listing{Environments: []*config.Environment{s.Conf.Lookup(environment)}}
	}
	return &config.Listing{}
}

// BackedUp returns the series of some histories together with those of configured environments, sorted.
func BackedUp(histories map[snapshot.Series][]*snapshot.Snapshot, configured []*config.Environment) []snapshot.Series {
	all := slices.Collect(maps.Keys(histories))
	for _, env := range configured {
		all = append(all, snapshot.Series{Environment: env.Name, Database: env.DatabaseName})
	}
	slices.SortFunc(all, snapshot.Series.Compare)
	return slices.Compact(all)
}

// WithoutStreams leaves out the snapshots that are of no database.
func WithoutStreams(list []*snapshot.Snapshot) []*snapshot.Snapshot {
	return slices.DeleteFunc(slices.Clone(list), (*snapshot.Snapshot).IsStream)
}

// RefuseStream is the error for a snapshot that holds no database, where one is needed.
func RefuseStream(s *snapshot.Snapshot) error {
	return outcome.Failed(fmt.Sprintf(`"firn dump %s -o FILE" writes it.`, s.ID.Short()), "snapshot %s is of a stream, not of a database", s.ID.Short())
}
