package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"firn/proof"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
)

// DisagreementError is the outcome for a snapshot in which one of two checks found something wrong, and the other one, which
// looked at all of it too, found nothing. One of the two is wrong.
type DisagreementError struct {
	Pages  error // what firn's check of all pages found; nil for nothing
	SQLite error // what SQLite's own checks found; nil for nothing
}

// Error says what both have found.
func (e *DisagreementError) Error() string {
	return fmt.Sprintf("the checks of SQLite and of firn contradict each other. SQLite finds: %s. firn finds: %s", findings(e.SQLite), findings(e.Pages))
}

// findings returns what an error of a check lists.
func findings(err error) string {
	if found, ok := errors.AsType[*sqlite.IntegrityError](err); ok {
		return strings.Join(found.Messages, "; ")
	}
	if err == nil {
		return "nothing wrong"
	}
	return err.Error()
}

// check checks all pages of an image without SQLite, and by SQLite's own checks too if that is asked for.
func (saw *inspection) check(ctx context.Context, image *site.Staged, rules proof.Rules, bySQLite bool) error {
	found, err := image.Prove(ctx, rules)
	if err != nil {
		return err
	}
	saw.how, saw.unchecked, saw.unsound = rules.How(snapshot.HowPages), found.Unchecked, found.Err()
	if !bySQLite {
		return nil
	}
	return saw.compare(image.Check(ctx, rules), rules)
}

// compare adds the outcome of SQLite's own checks. A check that has left a part out does not contradict the other one, which
// may have found something there. An error is about neither.
func (saw *inspection) compare(err error, rules proof.Rules) error {
	partial, inPart := errors.AsType[*sqlite.UncheckedError](err)
	if inPart {
		err = nil
	}
	found := unsoundness(err)
	if err != nil && found == nil {
		return err
	}
	disagree := found == nil && saw.unsound != nil && !inPart || found != nil && saw.unsound == nil && len(saw.unchecked) == 0
	if saw.how, saw.unchecked = rules.How(snapshot.HowSQLite), nil; inPart {
		saw.unchecked = partial.Messages
	}
	if disagree {
		saw.unsound = &DisagreementError{Pages: saw.unsound, SQLite: found}
		return nil
	}
	saw.unsound = cmp.Or(found, saw.unsound)
	return nil
}
