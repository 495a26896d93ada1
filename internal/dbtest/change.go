package dbtest

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
)

// changer makes random changes in a transaction. The same seed makes the same changes.
type changer struct {
	tx *sql.Tx
	r  *rand.Rand
}

// transaction makes n random changes, and commits them or rolls them back.
func transaction(db *sql.DB, r *rand.Rand, n int, commit bool) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	c := changer{tx, r}
	for range n {
		if err := c.change(); err != nil {
			return err
		}
	}
	if !commit {
		return nil
	}
	return tx.Commit()
}

func (c changer) change() error {
	if err := c.transfer(); err != nil {
		return err
	}
	switch c.r.IntN(8) {
	case 0:
		return c.user()
	case 1, 2:
		return c.post()
	case 3:
		return c.session()
	case 4:
		return c.exec("DELETE FROM posts WHERE id IN (SELECT id FROM posts WHERE id >= ? LIMIT 3)", c.r.IntN(500))
	case 5:
		return c.exec("DELETE FROM sessions WHERE token >= ? AND token < ?", c.hex(1), c.hex(1)+"4")
	case 6:
		return c.exec("UPDATE posts SET body = ? WHERE id = ?", c.words(c.r.IntN(3000)), c.r.IntN(500))
	default:
		return c.exec("UPDATE users SET profile = json_set(profile, '$.seen', ?) WHERE id = ?", c.r.Uint32(), c.r.IntN(100))
	}
}

// transfer makes the same change to both ledgers.
func (c changer) transfer() error {
	account, amount := c.r.IntN(accounts), c.r.IntN(100)-50
	if err := c.exec("UPDATE ledger_a SET amount = amount + ? WHERE account = ?", amount, account); err != nil {
		return err
	}
	return c.exec("UPDATE ledger_b SET amount = amount + ? WHERE account = ?", amount, account)
}

func (c changer) user() error {
	profile := fmt.Sprintf(`{"name": %q, "roles": ["reader", "author"], "about": %q}`, c.hex(4), c.words(60))
	return c.exec("INSERT INTO users (email, token, profile) VALUES (?, ?, ?)", c.hex(8)+"@example.org", []byte(c.hex(16)), profile)
}

func (c changer) post() error {
	size := c.r.IntN(1200)
	if c.r.IntN(20) == 0 {
		size = 20_000 // overflow pages, whatever the page size is
	}
	return c.exec("INSERT INTO posts (author, slug, body) SELECT id, ?, ? FROM users ORDER BY id LIMIT 1 OFFSET ?",
		c.hex(6), c.words(size), c.r.IntN(40))
}

func (c changer) session() error {
	return c.exec("INSERT INTO sessions VALUES (?, ?, ?)", c.hex(12), c.r.IntN(100), []byte(c.hex(c.r.IntN(150))))
}

func (c changer) exec(query string, args ...any) error {
	_, err := c.tx.Exec(query, args...)
	return err
}

// hex returns n random bytes in hexadecimal.
func (c changer) hex(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(c.r.Uint32())
	}
	return fmt.Sprintf("%x", b)
}

// words returns about n bytes of text.
func (c changer) words(n int) string {
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "word%d ", c.r.IntN(5000))
	}
	return b.String()
}
