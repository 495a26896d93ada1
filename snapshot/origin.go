package snapshot

import "fmt"

// Origin names the snapshot as it was first taken. All of its copies in other
// repositories have the same Origin.
type Origin struct {
	Repository string `json:"repository"` // the ID of the repository, 32 hex digits
	Snapshot   ID     `json:"snapshot"`
}

// Origin returns the repository and the ID under which the snapshot was first
// taken. repository is the ID of the repository that holds this record.
func (s *Snapshot) Origin(repository string) Origin {
	if s.Original != nil {
		return *s.Original
	}
	return Origin{Repository: repository, Snapshot: s.ID}
}

// Writer returns the host that wrote the record. For a copy this is the host that
// copied, not the host of the database.
func (s *Snapshot) Writer() string {
	if s.Original != nil {
		return s.CopiedBy
	}
	return s.Host
}

func (o *Origin) validate() error {
	if o != nil && (o.Repository == "" || o.Snapshot.IsZero()) {
		return fmt.Errorf("%w: copy of nothing", ErrFormat)
	}
	return nil
}
