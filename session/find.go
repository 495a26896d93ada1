package session

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"firn/outcome"
	"firn/repo"
	"firn/snapshot"
)

// Databases returns the names of the databases that have snapshots, sorted.
func Databases(list []*snapshot.Snapshot) []string {
	var names []string
	for _, s := range list {
		names = append(names, s.Database)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// OfBackups leaves out what restores have put aside.
func OfBackups(list []*snapshot.Snapshot) []*snapshot.Snapshot {
	return slices.DeleteFunc(slices.Clone(list), PreRestore)
}

// ByID returns the snapshots by what decisions, which are made of them, call them.
func ByID(list []*snapshot.Snapshot) map[string]*snapshot.Snapshot {
	known := make(map[string]*snapshot.Snapshot, len(list))
	for _, s := range list {
		known[s.ID.String()] = s
	}
	return known
}

// NamesEnvironment tells an environment from IDs. What could be either is refused:
// it is about what will be removed.
func (s *Session) NamesEnvironment(list []*snapshot.Snapshot, args []string) (bool, error) {
	if len(args) != 1 {
		return len(args) == 0, nil
	}
	environment := s.Conf.Env[args[0]] != nil || slices.Contains(Environments(list), args[0])
	_, err := FindByID(list, args[0])
	if environment && err == nil {
		return false, outcome.Usage("Give more digits of the ID.", "%q is an environment, and the beginning of an ID", args[0])
	}
	return environment, nil
}

// FindByID finds a snapshot by the beginning of its ID alone: whoever removes
// "latest" or "2026" by mistake would be sorry.
func FindByID(list []*snapshot.Snapshot, ref string) (*snapshot.Snapshot, error) {
	if len(ref) < 4 || strings.Trim(strings.ToLower(ref), "0123456789abcdef") != "" {
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

// PreRestore reports whether a restore took the snapshot of what it replaced.
func PreRestore(s *snapshot.Snapshot) bool { return s.Tags.Has(repo.PreRestoreTag) }

// SnapshotsOf returns all snapshots, unless nobody knows the environment that is to be
// chosen of them, "" for all. What cannot be read is damage, and stops nothing.
func (s *Session) SnapshotsOf(ctx context.Context, environment string) (all []*snapshot.Snapshot, damage, err error) {
	all, damage = s.Repo.Snapshots(ctx)
	if all == nil && damage != nil {
		return nil, nil, damage
	}
	return all, damage, s.KnownEnvironment(all, environment)
}

// KnownEnvironment reports a name that is neither configured nor in the repository.
func (s *Session) KnownEnvironment(list []*snapshot.Snapshot, name string) error {
	if name == "" || s.Conf.Env[name] != nil {
		return nil
	}
	known := Environments(list)
	if slices.Contains(known, name) {
		return nil
	}
	return outcome.Failed("There are snapshots of: "+cmp.Or(strings.Join(known, ", "), "none")+".",
		"environment %q: %w", name, snapshot.ErrNotFound)
}

// Environments returns the names of the environments that have snapshots, sorted.
func Environments(list []*snapshot.Snapshot) []string {
	var names []string
	for _, s := range list {
		names = append(names, s.Environment)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Filter returns what matches, in a new slice.
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

// BackedUp returns the series of some histories, and those that are configured, sorted.
func (s *Session) BackedUp(histories map[snapshot.Series][]*snapshot.Snapshot, environment string) []snapshot.Series {
	all := slices.Collect(maps.Keys(histories))
	for name, env := range s.Conf.Env {
		if environment == "" || environment == name {
			all = append(all, snapshot.Series{Environment: name, Database: env.DatabaseName})
		}
	}
	slices.SortFunc(all, snapshot.Series.Compare)
	return slices.Compact(all)
}

// WithoutStreams leaves out what cannot be restored into a database.
func WithoutStreams(list []*snapshot.Snapshot) []*snapshot.Snapshot {
	return slices.DeleteFunc(slices.Clone(list), (*snapshot.Snapshot).IsStream)
}

// RefuseStream is the error for a snapshot that holds no database, where one is needed.
func RefuseStream(s *snapshot.Snapshot) error {
	return outcome.Failed(fmt.Sprintf(`"firn dump %s -o FILE" writes it.`, s.ID.Short()), "snapshot %s is of a stream, not of a database", s.ID.Short())
}
