package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/session"
	"firn/snapshot"
	"firn/tags"
)

// Choices returns the snapshots that a person is offered, newest first, and leaves out what restores have put aside, unless
// the tags ask for that. It is for a restore whose options do not select a snapshot, and needs the repository.
func (op *Operation) Choices(ctx context.Context) ([]*snapshot.Snapshot, error) {
	if err := op.loadList(ctx); err != nil {
		return nil, err
	}
	list, err := op.oneDatabase(session.WithoutStreams(op.list))
	if err != nil {
		return nil, err
	}
	op.choices = list
	if !slices.Contains(op.options.Tags, repo.PreRestoreTag) {
		list = session.OfBackups(list)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("restore: %w", snapshot.ErrNotFound)
	}
	_, ahead := snapshot.SplitAhead(list, op.s.Now())
	op.s.WarnAhead(ahead)
	return list, nil
}

// Choose chooses the snapshot to restore: by the beginning of an ID, latest, latest-verified, or the beginning of a time.
func (op *Operation) Choose(ctx context.Context, ref string) (err error) {
	if op.choices == nil {
		if _, err := op.Choices(ctx); err != nil {
			return err
		}
	}
	op.planned = false
	op.source, err = op.known.Find(op.choices, ref, false)
	return err
}

// loadList finds out which snapshots may be meant.
func (op *Operation) loadList(ctx context.Context) error {
	byTag, err := tags.ParseFilter(op.options.Tags)
	if err != nil {
		return err
	}
	if op.known, err = op.s.Catalog(ctx); err != nil {
		return err
	}
	if op.known.Damage != nil {
		op.s.Warn("some snapshots cannot be read: %v", op.known.Damage)
	}
	from := op.from()
	if err := op.hasSnapshots(op.known.All, from); err != nil {
		return err
	}
	if from == "" && strings.Trim(op.options.Snapshot, "0123456789abcdefABCDEF") != "" {
		return outcome.Usage("Name the environment with --from, or the snapshot by its ID.", "restore: %s could be any environment's", session.Flag(op.options.Snapshot))
	}
	op.list = session.Filter(op.known.All, snapshot.Filter{Environment: from, Database: op.options.Name, Tags: byTag})
	return nil
}

// find finds the snapshot that the options select.
func (op *Operation) find(ctx context.Context) error {
	if !op.options.Selects() {
		return outcome.Usage("", "restore: no snapshot is chosen")
	}
	if err := op.loadList(ctx); err != nil {
		return err
	}
	source, err := op.selected(ctx)
	from := op.from()
	if other, e := session.FindByID(op.known.All, op.options.Snapshot); e == nil && errors.Is(err, snapshot.ErrNotFound) && other.Environment != from {
		err = outcome.Failed("To take that one: --from "+report.QuoteWord(other.Environment)+".", "%w, but one of %s", err, other.Environment)
	}
	if err != nil && from != "" {
		err = fmt.Errorf("%s from %s: %w", op.command(), from, err)
	}
	if err == nil && source.IsStream() {
		err = session.RefuseStream(source)
	}
	if err == nil {
		op.source = source
	}
	return err
}

// selected returns the snapshot of the list that the options select.
func (op *Operation) selected(ctx context.Context) (*snapshot.Snapshot, error) {
	switch {
	case op.options.Undo:
		return op.lastReplaced(ctx, op.list)
	case op.options.BeforeSchema != nil:
		return op.beforeSchema(op.list)
	}
	return op.named(op.list)
}

// from is the environment whose snapshot is taken, "" for any.
func (op *Operation) from() string {
	return cmp.Or(op.options.From, session.NamedEnvironment(op.options.Snapshot), op.options.Environment)
}

// hasSnapshots refuses an environment, "" for any, that has no snapshots.
func (op *Operation) hasSnapshots(list []*snapshot.Snapshot, environment string) error {
	known := session.Environments(list)
	if environment == "" || slices.Contains(known, environment) {
		return nil
	}
	if err := op.known.Surely(nil, op.command()+" from "+environment, session.AnyTime); err != nil {
		return err
	}
	hint := "There are snapshots of: " + cmp.Or(strings.Join(known, ", "), "none") + ". --from takes another one's."
	if op.options.Undo {
		hint = "No restore has replaced a database there."
	}
	return outcome.Failed(hint, "%s from %s: %w", op.command(), environment, snapshot.ErrNotFound)
}

// named finds the snapshot that was asked for. If it is named by its ID, it may be of any database.
func (op *Operation) named(list []*snapshot.Snapshot) (*snapshot.Snapshot, error) {
	ref := op.options.Snapshot
	own, err := op.oneDatabase(list)
	if err == nil {
		var s *snapshot.Snapshot
		s, err = op.known.Find(own, ref, slices.Contains(op.options.Tags, repo.PreRestoreTag))
		if err == nil || !errors.Is(err, snapshot.ErrNotFound) {
			return s, err
		}
	}
	s, other := session.FindByID(list, ref)
	if other != nil {
		return nil, err
	}
	if op.env != nil && op.env.NamesDatabase {
		return nil, op.foreign(s.Database)
	}
	return s, nil
}

// foreign refuses the snapshot of another database, which was probably not meant.
func (op *Operation) foreign(database string) error {
	return outcome.Failed("If that is meant: --name "+report.QuoteWord(database)+".",
		"it is a snapshot of the database %s, and %s is one of %s", database, op.env.Name, op.env.DatabaseName)
}

// beforeSchema finds the newest snapshot from before a change of the schema.
func (op *Operation) beforeSchema(list []*snapshot.Snapshot) (*snapshot.Snapshot, error) {
	list, err := op.oneDatabase(list)
	if err != nil {
		return nil, err
	}
	for _, s := range op.known.Past(session.OfBackups(list)) {
		if int64(s.Image().UserVersion) < *op.options.BeforeSchema {
			return s, op.known.Surely(s, "--before-schema", session.AnyTime)
		}
	}
	if err := op.known.Surely(nil, "--before-schema", session.AnyTime); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%w with a schema version (user_version) below %d", snapshot.ErrNotFound, *op.options.BeforeSchema)
}

// oneDatabase keeps the snapshots of one database: the one that the options name, or the target's, or the only one there is.
func (op *Operation) oneDatabase(list []*snapshot.Snapshot) ([]*snapshot.Snapshot, error) {
	names := session.Databases(session.OfBackups(list))
	switch {
	case op.options.Name != "":
		return list, nil
	case op.env != nil && slices.Contains(names, op.env.DatabaseName):
		return session.Filter(list, snapshot.Filter{Database: op.env.DatabaseName}), nil
	case len(names) > 1:
		return nil, outcome.Usage("Choose one with --name.", "there are snapshots of several databases: %s", strings.Join(names, ", "))
	case len(names) == 1 && op.env != nil && op.env.NamesDatabase:
		return nil, op.foreign(names[0])
	}
	return list, nil
}
