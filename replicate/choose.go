package replicate

import (
	"context"
	"fmt"
	"strings"

	"firn/outcome"
	"firn/retention"
	"firn/session"
	"firn/snapshot"
)

// choose finds the snapshots to copy, and the rules of the target.
func (r *run) choose(ctx context.Context) (err error) {
	if r.sources, err = r.list(ctx, r.Session); err != nil {
		return err
	}
	if err := r.chooseByName(); err != nil {
		return err
	}
	r.rules, err = r.targetRules()
	return err
}

// list returns the snapshots of one of the repositories. Damage there stops nothing.
func (r *run) list(ctx context.Context, s *session.Session) ([]*snapshot.Snapshot, error) {
	list, damage, err := s.SnapshotsOf(ctx, "")
	if damage != nil {
		r.problems = append(r.problems, fmt.Errorf("repository %s: %w", s.Place, damage))
	}
	return list, err
}

// chooseByName finds what the names mean.
func (r *run) chooseByName() error {
	var ids []string
	for _, name := range r.options.Names {
		isEnvironment, err := r.NamesEnvironment(r.sources, []string{name})
		if err != nil {
			return err
		}
		if !isEnvironment {
			ids = append(ids, name)
			continue
		}
		r.chosen = append(r.chosen, session.Filter(r.sources, snapshot.Filter{Environment: name, Tags: r.options.Tags})...)
	}
	switch {
	case len(r.options.Names) == 0:
		r.chosen = session.Filter(r.sources, snapshot.Filter{Tags: r.options.Tags})
	case len(ids) > 0:
		return r.chooseByID(ids)
	}
	if r.options.Latest > 0 {
		r.chosen = session.Newest(r.Past(r.chosen), r.options.Latest)
	}
	return nil
}

// chooseByID takes exactly the snapshots that are named, whatever the rules are.
func (r *run) chooseByID(ids []string) error {
	if len(ids) < len(r.options.Names) {
		_, err := session.FindByID(r.sources, ids[0])
		return outcome.Usage("Give environments, or IDs.", "%s is no environment (%v)", strings.Join(ids, " "), err)
	}
	if r.options.Prune || r.options.Keep != nil || r.options.Latest > 0 || len(r.options.Tags) > 0 {
		return outcome.Usage("Give environments with --tag, --latest, --keep-... and --prune, or IDs without.", "%s is no environment", strings.Join(ids, " "))
	}
	for _, id := range ids {
		s, err := session.FindByID(r.sources, id)
		if err != nil {
			return err
		}
		r.chosen = append(r.chosen, s)
	}
	return nil
}

// targetRules returns the retention of the target by environment, nil for none: the rules that are configured for it, or
// with a prune those of backups.
func (r *run) targetRules() (map[string]retention.Policy, error) {
	o := r.options
	if !o.Prune && o.Keep == nil && !r.Conf.Copy.Keep.HasRules() {
		return nil, nil
	}
	rules := make(map[string]retention.Policy)
	for _, name := range session.Environments(r.chosen) {
		var err error
		if rules[name], err = r.Conf.CopyTarget().Policy(name, o.Keep); err != nil {
			return nil, err
		}
	}
	return rules, nil
}
