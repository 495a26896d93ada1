package repo

import (
	"context"
	"errors"
	"time"

	"firn/retention"
	"firn/snapshot"
)

// Rounds takes snapshots of databases again and again, for as long as a process watches them. The snapshots of one round are
// stored by one request, whatever their number. Its methods are for one goroutine at a time.
type Rounds struct{ repo *Repo }

// RoundMember is a database of a round.
type RoundMember struct {
	Source  Source
	Options BackupOptions // Environment and Database are needed; Keep, DryRun, IfChanged, Parent and ReplacedBy are not used
}

// MemberResult is the outcome for one database of a round.
type MemberResult struct {
	*BackupResult       // nil if there is an error
	Err           error // of the source: it keeps no other database from its snapshot
}

// RoundResult is the outcome of [Rounds.Take].
type RoundResult struct {
	Members []MemberResult // in the order of the members
	Object  string         // the name of the round's object; "" if no database had to be stored
	Size    int64          // of the object and of packs that were written before it, in bytes
}

// Confirmation is the outcome of [Rounds.Confirm].
type Confirmation struct {
	Acknowledged []*snapshot.Snapshot // from now on they stay until they are forgotten, whatever other hosts do
	Again        int                  // how many of them had to be recorded once more, since a prune came in between
	Lost         []*snapshot.Snapshot // a prune has taken blobs of them away: their databases must be taken again
}

var errStub = errors.New("not built yet")

// NewRounds begins to take rounds: it lists the repository once.
func (r *Repo) NewRounds(ctx context.Context) (*Rounds, error) { return nil, errStub }

// Take takes snapshots of all members and stores them by one request (a large round stores packs before). The snapshots
// exist when it returns, and are acknowledged by the next [Rounds.Confirm]. An error of a source is that of its member; an
// error of the store is that of the round, and then no member has a snapshot. On success, an image that has a method Stored()
// is told that it was stored.
func (w *Rounds) Take(ctx context.Context, members []RoundMember) (*RoundResult, error) {
	return nil, errStub
}

// Unconfirmed returns how many snapshots wait for [Rounds.Confirm].
func (w *Rounds) Unconfirmed() int { return 0 }

// Confirm looks whether a prune was published since the last look, by one small listing. If so, it looks up every blob of the snapshots that wait.
func (w *Rounds) Confirm(ctx context.Context) (*Confirmation, error) { return nil, errStub }

// Thin forgets the snapshots of this handle's rounds and all others of their series that a policy does not keep. The function returns
// the policy of a series, and false for a series to leave alone.
func (w *Rounds) Thin(ctx context.Context, policy func(snapshot.Series) (retention.Policy, bool)) (forgotten []*snapshot.Snapshot, err error) {
	return nil, errStub
}

// Latest returns the newest snapshot of a series that this handle knows; nil for none.
func (w *Rounds) Latest(s snapshot.Series) *snapshot.Snapshot { return nil }

// Alive is what a watch says of itself now and then, so that databases in which nothing changes count as fresh.
type Alive struct {
	Host    string        `json:"host"`
	Began   time.Time     `json:"began"` // when the watch began
	Time    time.Time     `json:"time"`  // up to when all of Watched were as their newest snapshots
	Every   time.Duration `json:"every"`
	Watched []AliveSeries `json:"watched"`
}

// AliveSeries is a database that is watched.
type AliveSeries struct {
	Environment string    `json:"environment"`
	Database    string    `json:"database"`
	Time        time.Time `json:"time,omitzero"` // up to when it is unchanged, if that is earlier than the time of the whole
	Problem     string    `json:"problem,omitempty"`
}

// PutAlive stores what a watch says of itself, in place of what it said before.
func (r *Repo) PutAlive(ctx context.Context, a Alive) error { return errStub }

// Alives returns what watches have said last.
func (r *Repo) Alives(ctx context.Context) ([]Alive, error) { return nil, errStub }
