package config

import (
	"fmt"
	"strconv"
	"strings"

	"firn/snapshot"
)

// defaultMaxShrink is the limit of environments without max_shrink.
const defaultMaxShrink = 0.5

// Share is a part of a whole, from 0 to 1. In the configuration it is written as "50%". It keeps its error as [Count]
// does.
type Share struct {
	part float64
	err  error
}

// NewShare returns a part from 0 to 1. [Environment.Validate] returns the error of any other number.
func NewShare(part float64) *Share {
	s := &Share{part: part}
	if !(part >= 0 && part <= 1) {
		s.err = fmt.Errorf("max_shrink: %v is not a share from 0 to 1", part)
	}
	return s
}

// UnmarshalText reads the share.
func (s *Share) UnmarshalText(text []byte) error {
	digits, ok := strings.CutSuffix(string(text), "%")
	percent, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(percent >= 0 && percent <= 100) {
		s.err = fmt.Errorf(`max_shrink: %q is not a share such as "50%%"`, text)
	}
	s.part = percent / 100
	return nil
}

// Proves reports whether backups look whether the database is sound.
func (e *Environment) Proves() bool { return e.Prove == nil || *e.Prove }

// KeepsForeignKeys reports whether a row without its parent is a fault of the database.
func (e *Environment) KeepsForeignKeys() bool { return e.ForeignKeys == nil || *e.ForeignKeys }

// GuardRule returns the rule by which backups of the environment are compared with earlier ones, nil if they are not compared.
func (e *Environment) GuardRule() *snapshot.Guard {
	if e.Guard != nil && !*e.Guard {
		return nil
	}
	if e.MaxShrink == nil {
		return &snapshot.Guard{MaxShrink: defaultMaxShrink}
	}
	return &snapshot.Guard{MaxShrink: e.MaxShrink.part}
}

// checkGuard returns the error of max_shrink.
func (e *Environment) checkGuard() error {
	if e.MaxShrink == nil {
		return nil
	}
	return e.MaxShrink.err
}
