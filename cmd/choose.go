package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/session"
	"firn/snapshot"
	"firn/tags"
)

// maxChoices is how many snapshots are offered.
const maxChoices = 20

// choose is the first step of a restore: it finds the snapshot that was asked
// for, or asks.
func (r *restoration) choose(ctx context.Context) error {
	byTag, err := tags.ParseFilter(r.options.tags)
	if err != nil {
		return err
	}
	if r.known, err = r.Catalog(ctx); err != nil {
		return err
	}
	if r.known.Damage != nil {
		r.warn("some snapshots cannot be read: %v", r.known.Damage)
	}
	all := r.known.All
	from := r.from()
	if err := r.hasSnapshots(all, from); err != nil {
		return err
	}
	list := session.Filter(all, snapshot.Filter{Environment: from, Database: r.options.name, Tags: byTag})
	if from == "" && strings.Trim(r.options.snapshot, "0123456789abcdefABCDEF") != "" {
		return outcome.Usage("Name the environment with --from, or the snapshot by its ID.", "restore: %s could be any environment's", r.options.snapshot)
	}
	switch {
	case r.options.undo:
		r.source, err = r.lastReplaced(ctx, list)
	case r.options.olderSchema:
		r.source, err = r.beforeSchema(list)
	case r.options.snapshot != "":
		r.source, err = r.named(list)
	default:
		return r.offer(ctx, session.WithoutStreams(list))
	}
	if other, e := session.FindByID(all, r.options.snapshot); e == nil && errors.Is(err, snapshot.ErrNotFound) && other.Environment != from {
		err = outcome.Failed("To take that one: --from "+report.QuoteWord(other.Environment)+".", "%w, but one of %s", err, other.Environment)
	}
	if err != nil && from != "" {
		err = fmt.Errorf("%s from %s: %w", r.command(), from, err)
	}
	if err == nil && r.source.IsStream() {
		return session.RefuseStream(r.source)
	}
	return err
}

// from is the environment whose snapshot is taken, "" for any.
func (r *restoration) from() string {
	_, named, _ := strings.Cut(r.options.snapshot, "latest") // latest:ENV, latest-verified:ENV
	_, named, _ = strings.Cut(named, ":")
	return cmp.Or(r.options.from, named, r.options.environment)
}

func (r *restoration) hasSnapshots(list []*snapshot.Snapshot, environment string) error {
	known := session.Environments(list)
	if environment == "" || slices.Contains(known, environment) {
		return nil
	}
	if err := r.known.Surely(nil, r.command()+" from "+environment, session.AnyTime); err != nil {
		return err
	}
	return outcome.Failed("There are snapshots of: "+cmp.Or(strings.Join(known, ", "), "none")+". --from takes another one's.",
		"%s from %s: %w", r.command(), environment, snapshot.ErrNotFound)
}

// named finds the snapshot that was asked for. One that is named by its ID need not
// be told apart from those of other databases.
func (r *restoration) named(list []*snapshot.Snapshot) (*snapshot.Snapshot, error) {
	ref := r.options.snapshot
	own, err := r.oneDatabase(list)
	if err == nil {
		var s *snapshot.Snapshot
		s, err = r.known.Find(own, ref, slices.Contains(r.options.tags, repo.PreRestoreTag))
		if err == nil || !errors.Is(err, snapshot.ErrNotFound) {
			return s, err
		}
	}
	s, other := session.FindByID(list, ref)
	if other != nil {
		return nil, err
	}
	if r.env != nil && r.env.NamesDatabase {
		return nil, r.foreign(s.Database)
	}
	return s, nil
}

// foreign refuses the snapshot of another database, which was probably not meant.
func (r *restoration) foreign(database string) error {
	return outcome.Failed("If that is meant: --name "+report.QuoteWord(database)+".",
		"it is a snapshot of the database %s, and %s is one of %s", database, r.env.Name, r.env.DatabaseName)
}

// beforeSchema finds the newest snapshot from before a change of the schema.
func (r *restoration) beforeSchema(list []*snapshot.Snapshot) (*snapshot.Snapshot, error) {
	list, err := r.oneDatabase(list)
	if err != nil {
		return nil, err
	}
	for _, s := range r.known.Past(session.WithoutPreRestore(list)) {
		if int64(s.Image().UserVersion) < r.options.beforeSchema {
			return s, r.known.Surely(s, "--before-schema", session.AnyTime)
		}
	}
	if err := r.known.Surely(nil, "--before-schema", session.AnyTime); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%w with a schema version (user_version) below %d", snapshot.ErrNotFound, r.options.beforeSchema)
}

// oneDatabase keeps the snapshots of one database: the one that was named, or the
// target's, or the only one there is.
func (r *restoration) oneDatabase(list []*snapshot.Snapshot) ([]*snapshot.Snapshot, error) {
	names := session.Databases(session.WithoutPreRestore(list))
	switch {
	case r.options.name != "":
		return list, nil
	case r.env != nil && slices.Contains(names, r.env.DatabaseName):
		return session.Filter(list, snapshot.Filter{Database: r.env.DatabaseName}), nil
	case len(names) > 1:
		return nil, outcome.Usage("Choose one with --name.", "there are snapshots of several databases: %s", strings.Join(names, ", "))
	case len(names) == 1 && r.env != nil && r.env.NamesDatabase:
		return nil, r.foreign(names[0])
	}
	return list, nil
}

// offer shows the newest snapshots and asks for one of them.
func (r *restoration) offer(ctx context.Context, list []*snapshot.Snapshot) error {
	list, err := r.oneDatabase(list)
	if err != nil {
		return err
	}
	shown := list
	if !slices.Contains(r.options.tags, repo.PreRestoreTag) {
		shown = session.WithoutPreRestore(list)
	}
	if len(shown) == 0 {
		return fmt.Errorf("restore: %w", snapshot.ErrNotFound)
	}
	_, ahead := snapshot.SplitAhead(shown, r.Now())
	r.WarnAhead(ahead)
	shown = shown[:min(len(shown), maxChoices)]
	if err := r.showChoices(shown); err != nil {
		return err
	}
	answer, err := r.ask(ctx, "Which one? (number, ID, time or latest; Enter for none) ")
	if err != nil {
		return err
	}
	if answer == "" {
		return outcome.Failed("", "restore: no snapshot chosen, nothing was changed")
	}
	if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(shown) {
		r.source = shown[n-1]
		return nil
	}
	r.source, err = r.known.Find(list, answer, false)
	return err
}

// ask asks a question on the terminal.
func (c *cli) ask(ctx context.Context, question string) (string, error) {
	fmt.Fprint(c.stderr, question)
	answer, err := session.Await(ctx, func() (string, error) { return readLine(c.stdin) })
	if err != nil {
		fmt.Fprintln(c.stderr)
	}
	if err == io.EOF {
		return "", nil // Ctrl-D is no answer
	}
	return strings.TrimSpace(answer), err
}

// readLine takes no more than the line: the next question reads on behind it.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for {
		var b [1]byte
		n, err := r.Read(b[:])
		switch {
		case n == 1 && b[0] == '\n':
			return string(line), nil
		case n == 1:
			line = append(line, b[0])
		}
		if err != nil {
			return string(line), err
		}
	}
}
