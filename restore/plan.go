package restore

import (
	"context"
	"strings"
	"time"

	"firn/snapshot"
	"firn/sqlite"
)

// Plan is what a restore would replace by what.
type Plan struct {
	Snapshot *snapshot.Snapshot // what is restored
	Target   Target             // what it replaces
	Scrub    string             // the file with SQL that is run on the copy before it goes live; "" for none
	Stop     string             // the command that stops the application meanwhile; "" for none
}

// Target is the database file that a restore would replace, as it is now.
type Target struct {
	Path        string // without symbolic links
	Environment string // whose database it is; "" if it is none's
	Exists      bool   // and is not empty
	Damage      error  // why it is no database that could be saved and changed; nil if it is one
	Size        int64  // in bytes; of the file, if it is damaged
	Modified    time.Time
	Schema      int32 // the user_version, unless it is damaged
}

// SavesSnapshot reports whether what is there now is saved first, as a snapshot.
func (p *Plan) SavesSnapshot() bool { return p.Target.Exists && p.Target.Damage == nil }

// KeepsFile reports whether what is there now is kept as a file beside it.
func (p *Plan) KeepsFile() bool { return p.Target.Damage != nil }

// Plan finds the snapshot that the options name, looks at the target, and refuses what cannot work. Nothing is changed. It
// needs the repository.
func (op *Operation) Plan(ctx context.Context) (*Plan, error) {
	op.planned = false
	if op.source == nil {
		if err := op.find(ctx); err != nil {
			return nil, err
		}
	}
	if err := op.planScrub(); err != nil {
		return nil, err
	}
	if err := op.inspect(ctx); err != nil {
		return nil, err
	}
	if err := op.needSpace(); err != nil {
		return nil, err
	}
	op.warnSuspect()
	op.planned = true
	return op.plan(), nil
}

// warnSuspect warns of a snapshot that a guard has found strange.
func (op *Operation) warnSuspect() {
	if why := op.source.Suspect; len(why) > 0 {
		op.s.Warn("snapshot %s is suspect: %s", op.source.ID.Short(), strings.Join(why, "; "))
	}
}

// plan says what was found.
func (op *Operation) plan() *Plan {
	t := op.target
	p := &Plan{Snapshot: op.source, Target: Target{Path: op.path, Exists: t.exists, Damage: t.broken, Size: t.size, Modified: t.modified}}
	if t.broken == nil {
		p.Target.Size, p.Target.Schema = t.info.Size, t.info.UserVersion
	}
	if op.env != nil {
		p.Target.Environment = op.env.Name
	}
	if op.scrub != nil {
		p.Scrub = op.scrub.path
	}
	if op.stops() {
		p.Stop = op.env.Stop
	}
	return p
}

// countingTime is for how long the rows of a target are counted before a person is asked: a person that has to decide at
// three in the morning does not want to wait.
const countingTime = 3 * time.Second

// CountRows counts the rows of the target, as far as there is time: 3 seconds at most. It is nil if they could not be
// counted, or there are none, which is no reason not to restore. It comes after [Operation.Plan], and before
// [Operation.Run], which does not need it.
func (op *Operation) CountRows(ctx context.Context) (Rows, error) {
	if !op.planned || op.far != nil || !op.target.exists || op.target.broken != nil {
		return nil, nil
	}
	limit := countingTime
	if op.target.info.JournalMode != "wal" { // there, a reader keeps others from committing
		limit = countingTime / 10
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var counted []sqlite.TableRows
	err := op.site.At(func(path string) (err error) { counted, err = sqlite.CountRows(limited, path); return err })
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		op.s.Detail("rows were not counted: %v", err)
		return nil, nil
	}
	rows := make(Rows)
	for _, t := range counted {
		rows[t.Name] = t.Rows
	}
	return rows, nil
}
