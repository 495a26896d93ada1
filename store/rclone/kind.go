package rclone

import (
	"context"
	"fmt"
	"strings"

	"firn/store"
)

// Kind is the kind of place that rclone reaches.
type Kind struct {
	Program string // is run as rclone; "" for rclone in the search path
}

var _ store.Kind = Kind{}

// Matches reports whether a location is meant to be one of rclone's.
func (Kind) Matches(location string) bool { return strings.HasPrefix(location, scheme) }

// Forms names the form of a location.
func (Kind) Forms() string { return form }

// Parse returns the location without slashes at its end. The endpoint is of no use for it.
func (Kind) Parse(location, _ string) (string, error) {
	l, err := ParseLocation(location)
	if err != nil {
		return "", err
	}
	return l.String(), nil
}

// Open starts rclone. The store is an [io.Closer], which ends it.
func (k Kind) Open(ctx context.Context, location string, a store.Access) (store.Store, error) {
	l, err := ParseLocation(location)
	if err != nil {
		return nil, err
	}
	if a.Lock > 0 {
		return nil, fmt.Errorf("open %s: %w", l, store.ErrLock)
	}
	s, err := Open(ctx, Options{
		Location: l, Program: k.Program, Unconditional: a.Unconditional,
		UploadLimit: a.UploadLimit, DownloadLimit: a.DownloadLimit, Agent: a.Agent, Warn: a.Warning,
	})
	if err != nil {
		return nil, err // not a Store with a nil in it
	}
	return s, nil
}
