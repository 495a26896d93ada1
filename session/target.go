package session

import (
	"cmp"
	"context"
	"fmt"

	"firn/outcome"
	"firn/repo"
)

// OpenTarget opens the repository to copy to: at a location, "" for the configured one, with a key that is asked for
// once it is there.
func (s *Session) OpenTarget(ctx context.Context, location string, credential CredentialFunc) (*Session, error) {
	conf := s.Conf.CopyTarget()
	location = cmp.Or(location, conf.Repository)
	if location == "" {
		return nil, outcome.Usage("Give --to, or repository of [copy] in the configuration.", "nothing is given to copy to")
	}
	to := &Session{Caller: s.Caller, Conf: conf}
	var err error
	if to.Place, err = s.ParsePlace(location, s.Endpoint(conf)); err != nil {
		return nil, err
	}
	if to.Place.String() == s.Place.String() { // before a key is asked for
		return nil, fmt.Errorf("copy from %s to %s: %w", s.Place, to.Place, repo.ErrSameRepository)
	}
	if err := to.OpenWith(ctx, credential); err != nil {
		return nil, err
	}
	return to, nil
}
