package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/retention"
	"firn/session"
	"firn/snapshot"
	"firn/store"
	"firn/tags"
)

// copyRun is one run of copy.
type copyRun struct {
	*opened
	to      *opened
	options copyOptions
	started time.Time

	sources []*snapshot.Snapshot
	chosen  []*snapshot.Snapshot
	rules   map[string]retention.Policy
	copier  *repo.Copier
	plan    *repo.CopyPlan

	problems []error // that stop nothing
	message  copyMessage
}

func (r *copyRun) run(ctx context.Context, args []string, byTag tags.Filter) error {
	var err error
	if r.sources, err = r.list(ctx, r.Session); err != nil {
		return err
	}
	if err := r.choose(args, byTag); err != nil {
		return err
	}
	if r.rules, err = r.options.targetRules(r.Conf, r.chosen); err != nil {
		return err
	}
	r.message = copyMessage{Type: "summary", Repository: r.to.Place.String(), DryRun: r.options.dryRun, Copied: []snapshotMessage{}, Forgotten: []string{}}
	if r.options.dryRun {
		if err := r.look(ctx); err != nil {
			return err
		}
		return r.end(r.showPlan())
	}
	l, err := r.to.Lock("copy")
	if err != nil {
		return fmt.Errorf("copy to %s: %w", r.to.Place, err)
	}
	defer l.Release()
	return r.end(r.copyAll(ctx))
}

// list returns the snapshots of one of the repositories. Damage there stops nothing.
func (r *copyRun) list(ctx context.Context, s *session.Session) ([]*snapshot.Snapshot, error) {
	list, damage, err := s.SnapshotsOf(ctx, "")
	if damage != nil {
		r.problems = append(r.problems, fmt.Errorf("repository %s: %w", s.Place, damage))
	}
	return list, err
}

// choose finds what the arguments name.
func (r *copyRun) choose(args []string, byTag tags.Filter) error {
	var ids []string
	for _, arg := range args {
		isEnvironment, err := r.NamesEnvironment(r.sources, []string{arg})
		if err != nil {
			return err
		}
		if !isEnvironment {
			ids = append(ids, arg)
			continue
		}
		r.chosen = append(r.chosen, session.Filter(r.sources, snapshot.Filter{Environment: arg, Tags: byTag})...)
	}
	switch {
	case len(args) == 0:
		r.chosen = session.Filter(r.sources, snapshot.Filter{Tags: byTag})
	case len(ids) > 0:
		return r.chooseByID(args, ids)
	}
	if r.options.latest > 0 {
		r.chosen = session.Newest(r.Past(r.chosen), r.options.latest)
	}
	return nil
}

// chooseByID takes exactly what is named: no rule has a say in that.
func (r *copyRun) chooseByID(args, ids []string) error {
	if len(ids) < len(args) {
		_, err := session.FindByID(r.sources, ids[0])
		return outcome.Usage("Give environments, or IDs.", "%s is no environment (%v)", strings.Join(ids, " "), err)
	}
	if r.options.prune || r.options.rules != nil || r.options.latest > 0 || len(r.options.tags) > 0 {
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

// look finds out what there is to do.
func (r *copyRun) look(ctx context.Context) error {
	targets, err := r.list(ctx, r.to.Session)
	if err != nil {
		return err
	}
	if r.copier, err = repo.NewCopier(r.Repo, r.sources, r.to.Repo, targets); err != nil {
		return fmt.Errorf("copy from %s to %s: %w", r.Place, r.to.Place, err)
	}
	r.plan = r.copier.Plan(r.chosen, r.rules, r.Now())
	if len(r.rules) > 0 {
		_, ahead := snapshot.SplitAhead(slices.Concat(r.chosen, targets), r.Now())
		r.WarnAhead(ahead)
	}
	return nil
}

// copyAll copies what is missing. A snapshot that cannot be read does not stop the
// others; but then nothing is forgotten, as the rules counted on it.
func (r *copyRun) copyAll(ctx context.Context) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	r.problems = append(r.problems, r.plan.Conflicts...)
	for i, s := range r.plan.Copy {
		err := r.one(ctx, s, i+1)
		switch {
		case errors.Is(err, snapshot.ErrNotFound): // by a retention that went on meanwhile
			r.detail("%v", err)
			r.drop(s)
		case errors.Is(err, repo.ErrUnreadable):
			r.message.Failed++
			r.problems = append(r.problems, err)
		case r.options.prune && errors.Is(err, store.ErrNoSpace):
			return errors.Join(err, r.to.pruneFull(ctx, false))
		case err != nil:
			return err
		}
	}
	if err := r.copier.CarryNotes(ctx, r.chosen); err != nil {
		return err
	}
	if r.message.Failed == 0 && len(r.message.Copied) > 0 { // a second run changes nothing
		r.NoteUpkeep(ctx, snapshot.Upkeep{Copied: r.Now()})
	}
	if r.options.prune && r.message.Failed == 0 {
		return r.prune(ctx)
	}
	return nil
}

// drop has no rule count on a snapshot.
func (r *copyRun) drop(gone *snapshot.Snapshot) {
	same := func(s *snapshot.Snapshot) bool { return s == gone }
	r.sources, r.chosen = slices.DeleteFunc(r.sources, same), slices.DeleteFunc(r.chosen, same)
}

// one copies a snapshot.
func (r *copyRun) one(ctx context.Context, s *snapshot.Snapshot, number int) error {
	b := r.progress(fmt.Sprintf("%s (%d of %d)", s.ID.Short(), number, len(r.plan.Copy)), s.Image().Size)
	result, err := r.copier.Copy(ctx, s, b.Set)
	b.Done()
	if result == nil {
		return err
	}
	r.detail("copied snapshot %s of %s as %s: read %s of %s, added %s", s.ID.Short(), s.Environment,
		result.Snapshot.ID.Short(), report.Size(result.Scanned), report.Size(s.Image().Size), report.Size(result.Snapshot.Added))
	r.message.add(result.Snapshot)
	r.message.Read += result.Scanned
	r.message.Added += result.Snapshot.Added
	return err
}

// prune thins the target, and frees space there if that is due. It looks again: what
// was pinned or verified since must stay.
func (r *copyRun) prune(ctx context.Context) error {
	done, known := r.plan, r.problems
	if err := r.look(ctx); err != nil {
		return err
	}
	var ids []snapshot.ID
	for _, s := range r.plan.Expired {
		ids = append(ids, s.ID)
	}
	r.plan, r.problems = done, known
	err := r.to.Repo.Forget(ctx, ids...)
	if err == nil {
		for _, id := range ids {
			r.message.Forgotten = append(r.message.Forgotten, id.String())
		}
		err = r.to.pruneIfDue(ctx, false)
	}
	if err != nil {
		return fmt.Errorf("the snapshots are copied, but space could not be freed: %w", err)
	}
	return nil
}

// showPlan tells what a run would do.
func (r *copyRun) showPlan() error {
	var rows [][]string
	row := func(what string, s *snapshot.Snapshot) {
		rows = append(rows, []string{what, s.ID.Short(), r.When(s.Time), s.Environment, s.Database, report.Size(s.Image().Size)})
	}
	for _, s := range r.plan.Copy {
		r.message.add(s)
		row("copy", s)
	}
	if r.options.prune {
		for _, s := range r.plan.Expired {
			r.message.Forgotten = append(r.message.Forgotten, s.ID.String())
			row("remove there", s)
		}
	}
	if r.json || len(rows) == 0 {
		return nil
	}
	return r.table(r.stdout, []string{"Action", "ID", "Time", "Environment", "Database", "Size"}, rows)
}

// end tells what was done, also before an error.
func (r *copyRun) end(err error) error {
	if r.plan == nil {
		return err
	}
	m := &r.message
	m.Present, m.LeftOut = r.plan.There, r.plan.LeftOut
	m.Duration = r.Now().Sub(r.started).Seconds()
	if r.json {
		err = errors.Join(err, r.printJSON(m))
	} else {
		r.Done("%s copy to %s: %s", r.started.In(r.Zone).Format("2006-01-02 15:04:05 MST"), m.Repository, m)
	}
	return errors.Join(append([]error{err}, r.problems...)...)
}
