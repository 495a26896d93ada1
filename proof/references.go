package proof

import (
	"context"
	"errors"
	"slices"

	"firn/sqlite"
	"firn/sqlite/inspect"
)

// references are the foreign keys that a comparison checks.
type references struct {
	questions []*inspect.Question
	whole     map[string]bool // children whose rows were all checked
}

func (r *references) close() {
	for _, q := range r.questions {
		q.Close()
	}
}

// foreignKeys checks foreign keys: rows that are new or have changed have a parent, and rows that referred to a parent which
// is gone do not do so any more. All other rows have the parents that they had in the older image.
func (c *comparison) foreignKeys(ctx context.Context, touched map[string]bool) error {
	all, err := c.inspection.References(touched)
	if errors.Is(err, inspect.ErrMany) {
		return undecided(err.Error())
	}
	if err != nil {
		return err
	}
	c.references.whole = map[string]bool{}
	for _, r := range all {
		if err := c.foreignKey(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// foreignKey checks one foreign key. If rows cannot be looked at one by one, it looks at all rows of the child.
func (c *comparison) foreignKey(ctx context.Context, r *inspect.Reference) error {
	if c.references.whole[r.Child.Name] {
		return nil
	}
	sure, err := c.oneByOne(ctx, r)
	if inspect.CannotLook(err) {
		sure, err = false, nil
	}
	if sure || err != nil {
		return err
	}
	c.references.whole[r.Child.Name] = true
	return c.inspection.ForeignKeysOf(r.Child.Name)
}

// oneByOne looks at rows that differ. It returns false if it cannot tell.
func (c *comparison) oneByOne(ctx context.Context, r *inspect.Reference) (sure bool, err error) {
	children, err := c.changesOf(ctx, r.Child)
	if err != nil || children.many {
		return false, err
	}
	parents, err := c.changesOf(ctx, r.Parent)
	if err != nil || parents.many {
		return false, err
	}
	if len(children.keys[after]) > 0 {
		if sure, err := c.newChildren(r, children.keys[after]); !sure || err != nil {
			return false, err
		}
	}
	if len(parents.keys[before]) > 0 {
		return c.goneParents(ctx, r, parents.keys[before])
	}
	return true, nil
}

// newChildren checks that rows of a child have parents. It returns false if it cannot tell.
func (c *comparison) newChildren(r *inspect.Reference, keys [][]any) (sure bool, err error) {
	orphan, err := c.ask(c.inspection.Orphan(r))
	if err != nil {
		return false, err
	}
	for _, key := range keys {
		found, err := orphan.Row(key)
		if err != nil || found == nil {
			return false, err
		}
		if found[0] == int64(1) {
			c.inspection.Orphaned(r, rowid(r.Child, key))
		}
	}
	return true, nil
}

// rowid returns what names a row in a message.
func rowid(t *inspect.Table, key []any) any {
	if t.Collations != nil {
		return nil
	}
	return key[0]
}

// goneParents checks that no row refers to values of a parent's key that are gone. It returns false if it cannot tell.
func (c *comparison) goneParents(ctx context.Context, r *inspect.Reference, keys [][]any) (sure bool, err error) {
	gone, err := c.gone(ctx, r, keys)
	if err != nil || len(gone) == 0 {
		return err == nil, err
	}
	orphans, err := c.ask(c.inspection.Orphans(r))
	if err != nil || orphans == nil {
		return false, err
	}
	for _, values := range gone {
		child, err := orphans.Row(values)
		if err != nil {
			return false, err
		}
		if child != nil {
			c.inspection.Orphaned(r, child[0])
		}
	}
	return true, nil
}

// gone returns the values of the parent's key that were in rows of the older image, and are in no row any more.
func (c *comparison) gone(ctx context.Context, r *inspect.Reference, keys [][]any) (gone [][]any, err error) {
	if err := c.openOlder(ctx); err != nil {
		return nil, err
	}
	older, err := c.ask(c.olderView.ParentKey(r))
	if err != nil {
		return nil, c.unsureOlder(err)
	}
	later, err := c.ask(c.inspection.Parent(r))
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		values, err := older.Row(key)
		if err != nil {
			return nil, c.unsureOlder(err)
		}
		if values == nil {
			return nil, undecided("a row that differs is not found by its key in the older image")
		}
		if slices.Contains(values, nil) { // no child refers to NULL
			continue
		}
		same, err := later.Row(values)
		if err != nil {
			return nil, err
		}
		if same == nil {
			gone = append(gone, values)
		}
	}
	return gone, nil
}

// ask keeps a question until the comparison ends.
func (c *comparison) ask(q *inspect.Question, err error) (*inspect.Question, error) {
	if q != nil {
		c.references.questions = append(c.references.questions, q)
	}
	return q, err
}

// openOlder has SQLite open the older image.
func (c *comparison) openOlder(ctx context.Context) (err error) {
	if c.olderView == nil {
		c.olderView, err = inspect.Open(ctx, twin{c}, c.older.Size)
	}
	return c.unsureOlder(err)
}

// unsureOlder returns an error about the older image. If that image is malformed, nothing is known of the later one.
func (c *comparison) unsureOlder(err error) error {
	if c.olderView != nil {
		err = c.olderView.Judge(err)
	}
	if (errors.Is(err, sqlite.ErrCorrupt) || errors.Is(err, sqlite.ErrNotDatabase)) && !errors.Is(err, sqlite.ErrIO) {
		return undecided("the older image: " + err.Error())
	}
	return err
}
