package rowsync_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/sqlite"
	"firn/sqlite/rowsync"
)

func TestMain(m *testing.M) {
	dbtest.Main()
	os.Exit(m.Run())
}

// pair is a database and an image of what it was.
type pair struct {
	path  string
	image []byte
}

// newPair makes a database by SQL, takes an image, and changes the database by SQL.
func newPair(t testing.TB, then, since string) *pair {
	t.Helper()
	p := &pair{path: filepath.Join(t.TempDir(), "app.db")}
	p.exec(t, then)
	image, err := os.ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	p.image = image
	p.exec(t, since)
	return p
}

func (p *pair) exec(t testing.TB, sql string) {
	t.Helper()
	execute(t, p.path, sql)
}

func execute(t testing.TB, path, sql string) {
	t.Helper()
	db := dbtest.Open(t, path)
	defer db.Close()
	dbtest.Exec(t, db, sql)
}

// rows returns the first column of all rows of a query, a line for each.
func rows(t testing.TB, path, query string) string {
	t.Helper()
	db := dbtest.Open(t, path)
	defer db.Close()
	found, err := db.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer found.Close()
	var lines []string
	for found.Next() {
		var line string
		if err := found.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// plan compares until nothing more is wanted.
func (p *pair) plan(t testing.TB, r rowsync.Request) (*rowsync.Sync, *rowsync.Plan, error) {
	t.Helper()
	return p.planUntil(t, t.Context(), r)
}

// planWith is plan with a context that ends.
func (p *pair) planWith(t testing.TB, ctx context.Context, r rowsync.Request) error {
	t.Helper()
	_, _, err := p.planUntil(t, ctx, r)
	return err
}

func (p *pair) planUntil(t testing.TB, ctx context.Context, r rowsync.Request) (*rowsync.Sync, *rowsync.Plan, error) {
	t.Helper()
	view, err := sqlite.OpenView(ctx, bytes.NewReader(p.image), int64(len(p.image)))
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	s, err := rowsync.New(ctx, p.path, r, rowsync.Options{Wait: time.Second, Now: time.Now})
	if err != nil {
		return nil, nil, err
	}
	if err := s.Read(ctx, view); err != nil {
		return nil, nil, err
	}
	for {
		plan, more, err := s.Plan(ctx, p.path)
		if err != nil || !more {
			return s, plan, err
		}
		if err := s.Fetch(ctx, view); err != nil {
			return nil, nil, err
		}
	}
}

// run plans and applies.
func (p *pair) run(t testing.TB, r rowsync.Request) (*rowsync.Plan, error) {
	t.Helper()
	s, plan, err := p.plan(t, r)
	if err != nil {
		return nil, err
	}
	return plan, s.Apply(t.Context(), p.path, plan, func() error { return nil })
}

const shop = `
CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, email TEXT UNIQUE);
CREATE TABLE orders(id INTEGER PRIMARY KEY AUTOINCREMENT, customer INTEGER NOT NULL REFERENCES customer(id) ON DELETE CASCADE, total REAL DEFAULT 1.5);
CREATE TABLE line(orders INTEGER REFERENCES orders ON DELETE CASCADE, n INTEGER, what TEXT, PRIMARY KEY(orders, n)) WITHOUT ROWID;
INSERT INTO customer VALUES (1, 'Ann', 'a@x'), (2, 'Bob', 'b@x'), (3, 'Cy', 'c@x');
INSERT INTO orders VALUES (10, 1, 5), (11, 2, 6), (12, 2, 7);
INSERT INTO line VALUES (10, 1, 'nut'), (11, 1, 'bolt'), (11, 2, 'screw'), (12, 1, 'nail');
`

// Customers that were deleted by mistake come back, with all that was deleted with them, and nothing else changes.
func TestChildren(t *testing.T) {
	t.Parallel()
	p := newPair(t, shop, `PRAGMA foreign_keys = ON; DELETE FROM customer WHERE id = 2; INSERT INTO customer VALUES (4, 'Di', 'd@x')`)
	plan, err := p.run(t, rowsync.Request{Table: "Customer", Where: "name = 'bob'", Children: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rows(t, p.path, "SELECT id FROM customer ORDER BY id"), "1\n2\n3\n4"; got != want {
		t.Errorf("customers: got %q, want %q", got, want)
	}
	if got, want := rows(t, p.path, "SELECT orders || what FROM line ORDER BY orders, n"), "10nut\n11bolt\n11screw\n12nail"; got != want {
		t.Errorf("lines: got %q, want %q", got, want)
	}
	if len(plan.Tables) != 3 || plan.Tables[0].Inserted != 1 || plan.Tables[1].Inserted != 2 || plan.Tables[2].Inserted != 3 {
		t.Errorf("got the plan %+v", plan.Tables)
	}
}

// Without the flag, the plan names the rows that stay behind.
func TestBehind(t *testing.T) {
	t.Parallel()
	p := newPair(t, shop, `PRAGMA foreign_keys = ON; DELETE FROM customer WHERE id = 2`)
	_, plan, err := p.plan(t, rowsync.Request{Table: "customer"})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Tables) != 2 || plan.Tables[1].Name != "orders" || plan.Tables[1].Behind != 2 || plan.Tables[0].Same != 2 {
		t.Errorf("got %+v", plan.Tables)
	}
}

// A row whose parent is missing is refused before anything is written, or takes the parent along.
func TestParents(t *testing.T) {
	t.Parallel()
	p := newPair(t, shop, `PRAGMA foreign_keys = ON; DELETE FROM customer WHERE id = 2`)
	_, err := p.run(t, rowsync.Request{Table: "line"})
	wantRefusal(t, err, "3 rows of line need rows of orders that are missing", "--with-parents")
	if got, want := rows(t, p.path, "SELECT count(*) FROM line"), "1"; got != want {
		t.Errorf("lines: got %s, want %s", got, want)
	}
	plan, err := p.run(t, rowsync.Request{Table: "line", Where: "orders = 11", Parents: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rows(t, p.path, "SELECT group_concat(id) FROM customer"), "1,2,3"; got != want {
		t.Errorf("customers: got %s, want %s", got, want)
	}
	if got, want := rows(t, p.path, "SELECT group_concat(id) FROM orders"), "10,11"; got != want {
		t.Errorf("orders: got %s, want %s", got, want)
	}
	if len(plan.Tables) != 3 {
		t.Errorf("got %+v", plan.Tables)
	}
}

// A parent that the snapshot does not have either cannot come along.
func TestOrphan(t *testing.T) {
	t.Parallel()
	p := newPair(t, shop+"DELETE FROM customer WHERE id = 2", "DELETE FROM orders")
	_, err := p.run(t, rowsync.Request{Table: "orders", Parents: true})
	wantRefusal(t, err, "2 rows of orders need rows of customer that are missing: the snapshot does not have them", "older snapshot")
}

func wantRefusal(t *testing.T, err error, reason, advice string) {
	t.Helper()
	r, ok := errors.AsType[*rowsync.Refusal](err)
	if !ok || !strings.Contains(r.Reason, reason) || !strings.Contains(r.Advice, advice) {
		t.Errorf("got %v, want a refusal with %q and %q", err, reason, advice)
	}
}
