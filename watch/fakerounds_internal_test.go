package watch

import (
	"context"
	"time"

	"firn/repo"
	"firn/snapshot"
)

// fakeRounds stores rounds.
type fakeRounds struct {
	x         *world
	latest    map[string]*snapshot.Snapshot
	taken     [][]string // the names of the members of each round
	at        []time.Time
	err       error    // of Take
	suspect   []string // of each snapshot
	proof     *snapshot.Verification
	waiting   int
	confirm   error
	lost      []*snapshot.Snapshot
	confirmed int
	thins     int
	takes     time.Duration // how long a round takes
	hang      chan struct{}
}

func (r *fakeRounds) Take(ctx context.Context, members []repo.RoundMember) (*repo.RoundResult, error) {
	r.x.mu.Lock()
	hang, takes := r.hang, r.takes
	r.x.mu.Unlock()
	if hang != nil {
		<-hang
	}
	time.Sleep(takes)
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	if r.err != nil {
		return nil, r.err
	}
	result := &repo.RoundResult{Object: "round", Size: 1000}
	var names []string
	for _, m := range members {
		name := m.Options.Environment
		if err := r.x.files[name].source; err != nil {
			result.Members = append(result.Members, repo.MemberResult{Err: err})
			continue
		}
		names = append(names, name)
		result.Members = append(result.Members, repo.MemberResult{BackupResult: r.record(name)})
		r.waiting++
	}
	r.taken, r.at = append(r.taken, names), append(r.at, time.Now())
	return result, nil
}

// record makes a snapshot.
func (r *fakeRounds) record(name string) *repo.BackupResult {
	r.x.files[name].changed = false
	s := &snapshot.Snapshot{Environment: name, Database: name, Time: time.Now(), Suspect: r.suspect, Proof: r.proof, Verified: r.proof, Images: []snapshot.Image{{Size: r.x.files[name].size}}}
	r.latest[name] = s
	return &repo.BackupResult{Snapshot: s, Scanned: r.x.files[name].size}
}

func (r *fakeRounds) store(name string) *repo.BackupResult {
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	return r.record(name)
}

func (r *fakeRounds) Unconfirmed() int {
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	return r.waiting
}

func (r *fakeRounds) Confirm(context.Context) (*repo.Confirmation, error) {
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	if r.confirm != nil {
		return nil, r.confirm
	}
	r.confirmed++
	r.waiting = 0
	lost := r.lost
	r.lost = nil
	return &repo.Confirmation{Lost: lost}, nil
}

func (r *fakeRounds) Thin(context.Context, repo.PolicyFunc) ([]*snapshot.Snapshot, error) {
	r.x.change(func() { r.thins++ })
	return nil, nil
}

func (r *fakeRounds) Latest(s snapshot.Series) *snapshot.Snapshot {
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	return r.latest[s.Environment]
}
