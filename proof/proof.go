// Package proof tells whether an image of a database is sound: from all of its pages, or from what differs between it and
// an image that is known to be sound. It says what SQLite's integrity_check and foreign_key_check say.
//
// Package btree/check does most of it without SQLite. SQLite checks the parts that take SQL: CHECK constraints, partial
// indexes, expressions, virtual tables, foreign keys.
package proof

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"firn/btree/check"
	"firn/sqlite"
	"firn/sqlite/inspect"
)

// Image is the bytes of a database at one moment. They must not change.
type Image = check.Image

// Result is what was found about an image.
type Result struct {
	Problems  []string // what is wrong, in the terms of integrity_check; none for a sound image
	Unchecked []string // the parts that could not be checked, at most 20
	Undecided string   // why a difference proves nothing, so that [Rules.Whole] has to decide; "" if it decided
}

// Whole checks all pages of an image. Its errors are those of reading, and that of ctx. Bytes that are no database are a
// problem of the image.
func (r Rules) Whole(ctx context.Context, image Image) (*Result, error) {
	result, _, err := r.whole(ctx, image, true)
	return result, err
}

// whole checks all pages of an image. Unless dear is true, it leaves foreign keys out if SQLite had to look up the parents of a
// table's rows to know whether one is missing. It returns the rules that the result covers.
func (r Rules) whole(ctx context.Context, image Image, dear bool) (result *Result, covered Rules, err error) {
	if image.Size == 0 {
		return empty(), r, nil
	}
	keys, err := r.singleKeys(ctx, image)
	if err != nil {
		return nil, r, err
	}
	found, err := check.Check(ctx, image.Reader, image.Size, check.Options{Findings: inspect.Most, ForeignKeys: keys})
	if err != nil {
		return nil, r, err
	}
	if len(found.Findings) > 0 {
		return &Result{Problems: texts(found)}, r, nil
	}
	covered = r
	result, err = inspected(ctx, image, func(i *inspect.Inspection) (err error) {
		covered, err = r.rest(i, found, dear)
		return err
	})
	return result, covered, err
}

// rest has SQLite look at what a check of all pages has left. It returns the rules that are covered then.
func (r Rules) rest(i *inspect.Inspection, found *check.Result, dear bool) (Rules, error) {
	for _, table := range tables(found.Left) {
		if err := i.Table(table); err != nil {
			return r, err
		}
	}
	if r.NoForeignKeys {
		return r, nil
	}
	children, err := i.Doubtful(singleKeysOf(found.Kept))
	if err != nil || len(children) > 0 && !dear && len(found.Broken) == 0 {
		return Rules{NoForeignKeys: true}, err
	}
	return r, i.ForeignKeysOf(children...)
}

// Difference checks the later image by what differs between it and the older one, which must be sound, or sound as far as
// it can be checked. The images are the same outside of the ranges [from, to) of bytes that differing returns in order.
// Its errors are those of [Rules.Whole].
func (r Rules) Difference(ctx context.Context, older, later Image, differing iter.Seq2[int64, int64]) (*Result, error) {
	return r.difference(ctx, older, later, differing, most)
}

// difference is [Rules.Difference] with a bound for tables that SQLite checks as a whole.
func (r Rules) difference(ctx context.Context, older, later Image, differing iter.Seq2[int64, int64], most int) (*Result, error) {
	if later.Size == 0 {
		return empty(), nil
	}
	c := &comparison{rules: r, older: older, later: later, most: most}
	for from, to := range differing {
		c.differing = append(c.differing, [2]int64{from, to})
	}
	return inspected(ctx, later, func(i *inspect.Inspection) error {
		c.inspection = i
		return errors.Join(c.run(ctx), c.close())
	})
}

func empty() *Result { return &Result{Problems: []string{sqlite.ErrEmpty.Error()}} }

// texts returns what a check has found. The parts that take SQLite need not be checked then.
func texts(found *check.Result) (list []string) {
	for _, f := range found.Findings {
		list = append(list, f.String())
	}
	return list
}

// inspected has SQLite look at an image, and returns what it found.
func inspected(ctx context.Context, image Image, look func(*inspect.Inspection) error) (*Result, error) {
	i, err := inspect.Open(ctx, image.Reader, image.Size)
	if err != nil {
		return judged(&Result{}, err)
	}
	err = i.Judge(look(i))
	r := &Result{Problems: i.Found, Unchecked: i.Missed[:min(len(i.Missed), inspect.Most)]}
	return judged(r, errors.Join(err, i.Close()))
}

// judged returns an error about the database as a problem, and other errors as they are.
func judged(r *Result, err error) (*Result, error) {
	if why, ok := errors.AsType[undecided](err); ok {
		if len(r.Problems) == 0 { // they are certain
			r = &Result{Undecided: string(why)}
		}
		return r, nil
	}
	if refused := errors.Is(err, sqlite.ErrCorrupt) || errors.Is(err, sqlite.ErrNotDatabase) || inspect.CannotLook(err); refused && !errors.Is(err, sqlite.ErrIO) {
		r.Problems, err = append(r.Problems, err.Error()), nil
	}
	if err != nil {
		return nil, fmt.Errorf("check with SQLite: %w", err)
	}
	return r, nil
}

// undecided is why a difference proves nothing.
type undecided string

// Error returns the reason.
func (u undecided) Error() string { return string(u) }

// tables returns the names of tables with parts that are left, each once.
func tables(left []check.Left) (names []string) {
	for _, l := range left {
		if !slices.Contains(names, l.Table) {
			names = append(names, l.Table)
		}
	}
	return names
}

// Err returns the problems as an error that matches [sqlite.ErrCorrupt], nil for a sound image.
func (r *Result) Err() error {
	if len(r.Problems) == 0 {
		return nil
	}
	return &sqlite.IntegrityError{Path: "its database", Messages: r.Problems}
}
