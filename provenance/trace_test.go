package provenance_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/repo"
	"firn/snapshot"
)

// day is more than the time for which fingerprints spare a whole reading.
const day = 25 * time.Hour

// checkSuspect compares the reasons for suspicion of a snapshot.
func checkSuspect(t *testing.T, what string, s *snapshot.Snapshot, want ...string) {
	t.Helper()
	if !slices.Equal(s.Suspect, want) {
		t.Errorf("%s:\ngot  %q\nwant %q", what, s.Suspect, want)
	}
}

// finding is the reason for suspicion of a snapshot after the marker was overwritten at an offset of the database.
func finding(offset int64, from, to, kept *snapshot.Snapshot) string {
	const seconds = "2006-01-02 15:04:05"
	return fmt.Sprintf(`a change that SQLite has not written: page %d of table "users", between %s and %s UTC; snapshot %s has what was there before`,
		offset/4096+1, from.Image().ReadAt.Format(seconds), to.Time.Format(seconds), kept.ID.Short())
}

// TestRounds has something overwrite a page of the file while a watch follows the database through checkpoints.
func TestRounds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		quiet  int // rows
		before int // rounds that do not read the page's chunk
		after  time.Duration
	}{
		"InAChunkThatChanges": {quiet: 4, after: time.Minute},
		"InAWholeReading":     {quiet: 1000, before: 3, after: day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t, tt.quiet)
			d.checkpoint(t)
			first := d.round(t, time.Minute)
			d.post(t)
			kept := d.round(t, time.Minute)
			d.checkpoint(t)
			offset := d.overwrite(t, d.path)
			for range tt.before {
				d.post(t)
				kept = d.round(t, time.Minute)
				checkSuspect(t, "a round that does not read the page", kept)
				d.checkpoint(t)
			}
			d.post(t)
			found := d.round(t, tt.after)
			want := finding(offset, first, found, kept)
			checkSuspect(t, "the round that reads the page", found, want)
			if !d.holds(t, kept) || d.holds(t, found) {
				t.Error("the page as it was is not in the snapshot that is named, or still in the newest")
			}
			if d.traced.Load() == 0 {
				t.Error("no image was traced")
			}
			d.stands(t, want)
		})
	}
}

// stands checks that a finding stands until it is accepted, and not longer.
func (d *database) stands(t *testing.T, want string) {
	t.Helper()
	d.post(t)
	checkSuspect(t, "the next round", d.round(t, time.Minute), want)
	checkSuspect(t, "an unchanged database", d.round(t, time.Minute), want)
	checkSuspect(t, "the next whole reading", d.round(t, day), want)
	dbtest.Exec(t, d.app, "UPDATE users SET name = name || ' as it was found'")
	checkSuspect(t, "after a write to the page", d.round(t, time.Minute), want)
	checkSuspect(t, "a backup", d.backup(t, time.Minute, repo.BackupOptions{}), want)
	checkSuspect(t, "a backup that accepts", d.backup(t, time.Minute, repo.BackupOptions{Accept: true}))
	d.rounds = nil
	d.post(t)
	checkSuspect(t, "a round after that", d.round(t, time.Minute))
	checkSuspect(t, "a whole reading after that", d.round(t, day))
}

// TestRestored checks that a restored state is not suspect.
func TestRestored(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, 4)
	d.checkpoint(t)
	good := d.round(t, time.Minute)
	d.overwrite(t, d.path)
	d.post(t)
	if s := d.round(t, time.Minute); len(s.Suspect) != 1 {
		t.Fatalf("got %q, want one reason", s.Suspect)
	}
	before := d.backup(t, time.Minute, repo.BackupOptions{ReplacedBy: good.ID})
	if len(before.Suspect) != 1 {
		t.Errorf("the snapshot before a restore: got %q, want one reason", before.Suspect)
	}
	d.post(t)
	checkSuspect(t, "after the restore", d.backup(t, time.Minute, repo.BackupOptions{}))
}

// TestBackups has something overwrite a page that is in the WAL. A backup has no follower: only a WAL that was appended to, or is
// the same, shows which pages SQLite has written.
func TestBackups(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		meanwhile func(d *database, t *testing.T)
		after     time.Duration
		options   repo.BackupOptions
		found     bool
	}{
		"Appended":        {meanwhile: (*database).post, found: true},
		"ForceScan":       {options: repo.BackupOptions{ForceScan: true}, found: true},
		"Unchanged":       {}, // no page is read
		"UnchangedForDay": {after: day, found: true},
		"WrittenBySQLite": {meanwhile: func(d *database, t *testing.T) {
			dbtest.Exec(t, d.app, "PRAGMA shrink_memory; UPDATE users SET name = name || ' as it was found'")
		}},
		"Checkpointed": {meanwhile: (*database).checkpoint}, // the file was written: it may be another one
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t, 4)
			kept := d.backup(t, time.Minute, repo.BackupOptions{})
			d.overwrite(t, d.path+"-wal")
			if tt.meanwhile != nil {
				tt.meanwhile(d, t)
			}
			s := d.backup(t, time.Minute+tt.after, tt.options)
			if !tt.found {
				checkSuspect(t, "the backup", s)
				return
			}
			d.checkpoint(t)
			checkSuspect(t, "the backup", s, finding(d.overwritten(t), kept, s, kept))
		})
	}
}
