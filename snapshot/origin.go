package snapshot

import "fmt"

// Origin names a snapshot by where it was first taken, which all of its copies in
// other repositories have in common.
type Origin struct {
	Repository string `json:"repository"` // its ID, 32 hex digits
	Snapshot   ID     `json:"snapshot"`
}

// Origin returns where the snapshot was taken; repository is the ID of the one that
// has this record.
func (s *Snapshot) Origin(repository string) Origin {
	if s.Original != nil {
		return *s.Original
	}
	return Origin{Repository: repository, Snapshot: s.ID}
}

// Writer returns the host that wrote the record: of a copy, not the one that the
// database is on.
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
