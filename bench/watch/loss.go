package main

import (
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"slices"
	"time"
)

const (
	lossRate  = 50          // transactions a second
	lossEvery = time.Second // between two rounds
	lossGoal  = 2 * time.Second
)

// measureLoss kills an application and its watch at random moments, restores the newest
// snapshot, and compares it with what the application has committed.
func measureLoss(b *bench) error {
	h, err := b.newHost("loss", 1, "")
	if err != nil {
		return err
	}
	var lost []time.Duration
	var wrong []string
	for n := range b.kills {
		loss, err := h.loseHost()
		switch {
		case err != nil && loss < 0:
			return err
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("kill %d: %v", n+1, err))
			logf("%s", wrong[len(wrong)-1])
		default:
			lost = append(lost, loss)
		}
		if (n+1)%10 == 0 {
			logf("%d kills", n+1)
		}
	}
	b.report.loss(lost, wrong)
	return nil
}

// loseHost lets an application and a watch run, kills both, and returns the seconds of work that
// the newest snapshot lacks. An error with a negative loss is of the benchmark; another one
// tells what is wrong with the snapshot.
func (h *host) loseHost() (time.Duration, error) {
	a, err := startApplication(h.databases(), 1, lossRate)
	if err != nil {
		return -1, err
	}
	defer a.kill()
	w, err := h.startWatch("--every", lossEvery.String())
	if err != nil {
		return -1, err
	}
	defer w.kill()
	if err := w.await("round", 2); err != nil {
		return -1, err
	}
	time.Sleep(time.Duration(rand.Int64N(int64(3 * time.Second)))) // any moment of a round
	w.kill()
	a.kill()
	copied := h.path("restored.db")
	if err := os.RemoveAll(copied); err != nil {
		return -1, err
	}
	if err := h.restoreFirst(copied); err != nil {
		return 0, err
	}
	return compare(h.database(0), copied)
}

// restoreFirst restores the newest snapshot of the first database into a new file.
func (h *host) restoreFirst(copied string) error {
	_, err := h.firn("restore", "--from", environment(0), "--snapshot", "latest:"+environment(0), "--target", copied, "--yes")
	return err
}

// content is what a database has.
type content struct {
	crcs  []uint32 // of the rows, in their order
	times []int64  // of their commits, microseconds
}

// compare compares a copy with its original, of which it must be an earlier state, and returns
// how much earlier.
func compare(original, copied string) (time.Duration, error) {
	want, err := read(original)
	if err != nil {
		return -1, fmt.Errorf("the application's database: %w", err)
	}
	got, err := read(copied)
	if err != nil {
		return 0, err
	}
	n := len(got.crcs)
	switch {
	case n == 0 || n > len(want.crcs):
		return 0, fmt.Errorf("%d rows of %d", n, len(want.crcs))
	case !slices.Equal(got.crcs, want.crcs[:n]):
		return 0, fmt.Errorf("the first %d rows are others", n)
	}
	return time.Duration(want.times[len(want.times)-1]-got.times[n-1]) * time.Microsecond, nil
}

// read reads a database, and checks it by itself.
func read(path string) (c content, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)") // the application may be recovering its WAL
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		return c, fmt.Errorf("integrity check: %s, %w", verdict, err)
	}
	rows, err := db.Query("SELECT seq, at, body FROM row ORDER BY seq")
	if err != nil {
		return c, err
	}
	defer rows.Close()
	var sum int64
	for rows.Next() {
		var seq, at int64
		var body string
		if err := rows.Scan(&seq, &at, &body); err != nil {
			return c, err
		}
		if seq != int64(len(c.crcs))+1 {
			return c, fmt.Errorf("row %d follows row %d", seq, len(c.crcs))
		}
		crc := crc32.ChecksumIEEE([]byte(body))
		sum += int64(crc)
		c.crcs, c.times = append(c.crcs, crc), append(c.times, at)
	}
	if err := rows.Err(); err != nil {
		return c, err
	}
	var total, crc int64
	if err := db.QueryRow("SELECT rows, crc FROM total").Scan(&total, &crc); err != nil {
		return c, err
	}
	if total != int64(len(c.crcs)) || crc != sum {
		return c, fmt.Errorf("torn: %d rows with the sum %d, and another table tells of %d with %d", len(c.crcs), sum, total, crc)
	}
	return c, nil
}
