// Package showcase makes a believable repository of a small company, with a history of months, for pictures of the server's pages and
// for tests in a browser. Its clock stands still.
package showcase

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firn/backup"
	"firn/internal/dbtest"
	"firn/repo"
	"firn/report"
	"firn/restore"
	"firn/session"
	"firn/snapshot"
	"firn/upkeep"
	"firn/verify"
)

// Company is a repository with the databases of a company, which is open until the test ends.
type Company struct {
	*session.Session
	Clock  time.Time // of all operations
	Dir    string
	random *rand.Rand
}

// Now is what the clock shows at the end of the history.
var Now = time.Date(2026, 3, 15, 14, 3, 7, 0, time.UTC)

const configuration = `repository = "repo"

[env.production]
database = "shop.db"
name     = "shop"

[env.demo]
database = "demo.db"
name     = "shop"

[env.wiki]
database = "wiki.db"

[env.accounts]
database = "accounts.db"

[env.crm]
database = "crm.db"

[env.mail]
database = "mail.db"
`

// New makes the repository. All of its databases are protected.
func New(t testing.TB) *Company {
	t.Helper()
	c := Begin(t, configuration)
	c.live(t)
	return c
}

// Begin makes an empty repository with a configuration.
func Begin(t testing.TB, configuration string) *Company {
	t.Helper()
	c := &Company{Dir: t.TempDir(), Clock: Now.AddDate(0, -7, 0), random: rand.New(rand.NewPCG(1, 2))}
	if err := os.WriteFile(c.Path("firn.toml"), []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := upkeep.Init(t.Context(), c.program())
	if err != nil {
		t.Fatal(err)
	}
	made.Session.Close()
	if c.Session, err = c.program().Open(t.Context(), session.OpenOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Path returns the path of a file of the company.
func (c *Company) Path(name string) string { return filepath.Join(c.Dir, name) }

// program returns a program in the company's folder.
func (c *Company) program() *session.Caller {
	p := &session.Caller{
		Reporter: &report.Reporter{}, Getenv: func(string) string { return "" }, Now: func() time.Time { return c.Clock }, Zone: time.UTC, Silence: time.Minute,
	}
	p.Settings.Config, p.Settings.CacheDir = c.Path("firn.toml"), c.Path("cache")
	return p
}

// moment is something that happens to all databases at a time before the end.
type moment struct {
	before  time.Duration
	passing bool // retention has removed its snapshots since
}

// moments returns the times of the backups, as retention leaves them, and some that it has removed.
func moments() (all []moment) {
	const day = 24 * time.Hour
	for month := 6; month >= 2; month-- {
		all = append(all, moment{time.Duration(month) * 30 * day, false}, moment{time.Duration(month)*30*day - 9*day, true})
	}
	for week := 4; week >= 2; week-- {
		all = append(all, moment{time.Duration(week) * 7 * day, false})
		if week != 3 { // in this week no backup ran
			all = append(all, moment{time.Duration(week)*7*day - 3*day, true})
		}
	}
	for d := 7; d >= 2; d-- {
		all = append(all, moment{time.Duration(d) * day, false})
	}
	for hour := 24; hour >= 2; hour -= 2 {
		all = append(all, moment{time.Duration(hour) * time.Hour, false})
	}
	for n := 9; n >= 0; n-- {
		all = append(all, moment{time.Duration(n)*12*time.Minute + 4*time.Minute, false})
	}
	return all
}

// live lets the history happen.
func (c *Company) live(t testing.TB) {
	t.Helper()
	c.found(t)
	var gone []snapshot.ID
	for i, m := range moments() {
		c.Clock = Now.Add(-m.before)
		for j, env := range []string{"production", "wiki", "accounts", "crm", "demo"} {
			if i%(j+1) != 0 && m.before < time.Hour { // some run less often
				continue
			}
			c.work(t, env)
			if snap := c.BackUp(t, env); m.passing {
				gone = append(gone, snap.ID)
			}
		}
		switch i {
		case 4:
			c.pin(t, "latest:production")
		case 9, 15, 22:
			c.Verify(t, "production")
			c.Verify(t, "wiki")
		case 18:
			c.restore(t, "demo")
		}
	}
	if err := c.Repo.Forget(t.Context(), gone...); err != nil {
		t.Fatal(err)
	}
	c.Clock = Now
	c.Verify(t, "accounts")
	watched := []repo.AliveSeries{{Environment: "production", Database: "shop"}, {Environment: "crm", Database: "crm"}}
	alive := repo.Alive{Began: Now.Add(-100 * time.Minute), Time: Now.Add(-3 * time.Second), Every: 10 * time.Second, Watched: watched}
	if err := c.Repo.PutAlive(t.Context(), alive); err != nil {
		t.Fatal(err)
	}
}

// BackUp takes a snapshot of an environment, which may be a suspect one.
func (c *Company) BackUp(t testing.TB, env string) *snapshot.Snapshot {
	t.Helper()
	j, err := backup.NewJob(c.Conf, c.Conf.Env[env], backup.Options{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := backup.NewRun(c.Session, backup.RunOptions{}).BackUp(t.Context(), j)
	if err != nil && (result == nil || result.Snapshot == nil || len(result.Snapshot.Suspect) == 0) {
		t.Fatal(err)
	}
	return result.Snapshot
}

// find finds a snapshot.
func (c *Company) find(t testing.TB, ref string) (*session.Catalog, *snapshot.Snapshot) {
	t.Helper()
	known, err := c.Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	snap, err := known.Find(known.All, ref, false)
	if err != nil {
		t.Fatal(err)
	}
	return known, snap
}

// Verify restores the newest snapshot of an environment to a private file, and checks it.
func (c *Company) Verify(t testing.TB, env string) {
	t.Helper()
	known, snap := c.find(t, "latest:"+env)
	if _, err := verify.Snapshot(t.Context(), known, snap, verify.Options{}); err != nil {
		t.Fatal(err)
	}
}

// pin keeps a snapshot for good.
func (c *Company) pin(t testing.TB, ref string) {
	t.Helper()
	if _, err := upkeep.Pin(t.Context(), c.Session, []string{ref}, true); err != nil {
		t.Fatal(err)
	}
}

// restore clones production into another environment, whose content becomes a snapshot.
func (c *Company) restore(t testing.TB, env string) {
	t.Helper()
	op, err := restore.New(c.Session, restore.Options{Environment: env, From: "production", Snapshot: "latest"})
	if err != nil {
		t.Fatal(err)
	}
	defer op.Close()
	if _, err := op.Plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := op.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Neglect makes the company one that needs attention: most customers are gone from one database, and two have no backup for days.
func (c *Company) Neglect(t testing.TB) {
	t.Helper()
	c.Clock = Now.Add(3 * 24 * time.Hour)
	for _, env := range []string{"production", "wiki"} {
		c.work(t, env)
		c.BackUp(t, env)
	}
	c.Exec(t, "crm", "DELETE FROM order_lines WHERE orders IN (SELECT id FROM orders WHERE customer % 10 > 1); DELETE FROM orders WHERE customer % 10 > 1; DELETE FROM customers WHERE id % 10 > 1")
	c.BackUp(t, "crm")
	c.Clock = c.Clock.Add(6 * time.Minute)
}

// Exec changes the database of an environment.
func (c *Company) Exec(t testing.TB, env, query string, args ...any) {
	t.Helper()
	c.with(t, env, func(db *sql.DB) {
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	})
}

// with opens the database of an environment.
func (c *Company) with(t testing.TB, env string, use func(*sql.DB)) {
	t.Helper()
	db := dbtest.Open(t, c.Conf.Env[env].Database)
	defer db.Close() // all statements have been checked
	use(db)
}

// found makes the databases.
func (c *Company) found(t testing.TB) {
	t.Helper()
	for _, env := range []string{"production", "wiki", "accounts", "crm", "demo"} {
		c.Exec(t, env, `CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, city TEXT, since TEXT NOT NULL);
			CREATE TABLE products(id INTEGER PRIMARY KEY, name TEXT NOT NULL, price NUMERIC NOT NULL, stock INTEGER NOT NULL);
			CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers(id), placed TEXT NOT NULL, state TEXT NOT NULL, total NUMERIC NOT NULL);
			CREATE TABLE order_lines(orders INTEGER NOT NULL REFERENCES orders(id), product INTEGER NOT NULL REFERENCES products(id), amount INTEGER NOT NULL, PRIMARY KEY(orders, product)) WITHOUT ROWID;
			CREATE INDEX orders_by_customer ON orders(customer);
			CREATE VIEW open_orders AS SELECT * FROM orders WHERE state = 'open'`)
		for i, name := range []string{"Kettle", "Teapot", "Cup", "Saucer", "Tray", "Spoon", "Strainer", "Tin"} {
			c.Exec(t, env, "INSERT INTO products VALUES (?, ?, ?, ?)", i+1, name, float64(100+c.random.IntN(4000))/100, c.random.IntN(200))
		}
		for range 4 {
			c.work(t, env)
		}
	}
}

// work is what people do with a database between two backups.
func (c *Company) work(t testing.TB, env string) {
	t.Helper()
	first := []string{"Ann", "Ben", "Chloe", "David", "Emma", "Finn", "Grace", "Hugo", "Ida", "Jan", "Kaya", "Liam"}
	last := []string{"Berg", "Costa", "Dahl", "Evans", "Fischer", "Garcia", "Hansen", "Ivanova", "Jones", "Keller"}
	cities := []string{"Bern", "Graz", "Lyon", "Porto", "Turku", "Ulm"}
	c.with(t, env, func(db *sql.DB) {
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		do := func(query string, args ...any) {
			if _, err := tx.Exec(query, args...); err != nil {
				t.Fatal(err)
			}
		}
		for range 12 + c.random.IntN(20) {
			a, b := first[c.random.IntN(len(first))], last[c.random.IntN(len(last))]
			email := fmt.Sprintf("%s.%s%d@example.org", a, b, c.random.IntN(1<<30))
			do("INSERT INTO customers(name, email, city, since) VALUES (?, ?, ?, ?)", a+" "+b, email, cities[c.random.IntN(len(cities))], c.Clock.Format(time.DateOnly))
			do("INSERT INTO orders(customer, placed, state, total) SELECT max(id), ?, 'open', ? FROM customers", c.Clock.Format(time.DateTime), float64(500+c.random.IntN(20000))/100)
			do("INSERT INTO order_lines SELECT max(id), ?, ? FROM orders", 1+c.random.IntN(8), 1+c.random.IntN(4))
		}
		do("UPDATE orders SET state = 'sent' WHERE id % 7 = ? AND state = 'open'", c.random.IntN(7))
		do("UPDATE products SET stock = max(0, stock - ?) WHERE id = ?", c.random.IntN(9), 1+c.random.IntN(8))
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	})
}
