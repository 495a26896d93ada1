package access

import (
	"errors"
	"fmt"
	"path"
	"time"

	"firn/outcome"
	"firn/retention"
)

// ErrRefused is returned for a token that is not known, has expired or is none. The texts of its errors do not tell these cases
// apart for a stranger.
var ErrRefused = errors.New("the token is not accepted")

// Grant is what a token, or a person who has signed in, may do.
type Grant struct {
	Name        string    `json:"name"`
	Scopes      []Scope   `json:"scopes"`
	Environment string    `json:"environment"` // a pattern as in [path.Match]; "*" for all
	Created     time.Time `json:"created"`
	Expires     time.Time `json:"expires,omitzero"` // zero for never
	Used        time.Time `json:"used,omitzero"`    // last, to the minute; zero for never
}

// NewGrant reads what a person wants of a new token: a name, scopes, a pattern of environments, and a time after which it ends, or
// "never".
func NewGrant(name string, scopes []string, environment, expires string, now time.Time) (g Grant, err error) {
	g = Grant{Name: name, Environment: environment, Created: now.UTC()}
	if g.Scopes, err = ParseScopes(scopes); err != nil || expires == "never" {
		return g, err
	}
	life, err := retention.ParseDuration(expires)
	if err != nil {
		return g, outcome.Usage("Write 90d, 12h or never.", "%q is not a time after which a token ends", expires)
	}
	g.Expires = now.Add(life).UTC().Truncate(time.Second)
	return g, nil
}

// Allows reports whether one of the scopes is granted.
func (g *Grant) Allows(wanted ...Scope) bool { return Covers(g.Scopes, wanted...) }

// Sees reports whether an environment is within the grant.
func (g *Grant) Sees(environment string) bool {
	if g.Environment == "*" {
		return true // a name may hold a slash, which the pattern does not match
	}
	ok, err := path.Match(g.Environment, environment)
	return err == nil && ok
}

// Everything reports whether all environments are within the grant.
func (g *Grant) Everything() bool { return g.Environment == "*" }

// Outlives reports whether the grant lasts longer than another one.
func (g *Grant) Outlives(other *Grant) bool {
	return !other.Expires.IsZero() && (g.Expires.IsZero() || g.Expires.After(other.Expires))
}

// Expired reports whether the grant has ended.
func (g *Grant) Expired(now time.Time) bool { return !g.Expires.IsZero() && !now.Before(g.Expires) }

// check refuses a grant that is good for nothing.
func (g *Grant) check(now time.Time) error {
	if g.Name == "" || len(g.Name) > maxName {
		return fmt.Errorf("the name of a token has 1 to %d bytes", maxName)
	}
	if _, err := path.Match(g.Environment, ""); err != nil || g.Environment == "" {
		return fmt.Errorf("%q is no pattern for names of environments", g.Environment)
	}
	if g.Expired(now) {
		return errors.New("the token would have expired already")
	}
	return nil
}

// maxName is the length of a token's name in bytes.
const maxName = 100
