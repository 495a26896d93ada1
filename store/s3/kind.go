package s3

import (
	"context"

	"firn/store"
)

// Kind is the kind of place that is a bucket of a server that speaks S3.
type Kind struct{}

var _ store.Kind = Kind{}

// Matches reports whether a location is meant to be one of a bucket.
func (Kind) Matches(location string) bool { return IsLocation(location) }

// Forms names the two forms of a location.
func (Kind) Forms() string { return "s3:https://host:port/bucket/prefix and s3://bucket/prefix" }

// Parse returns the location with its endpoint.
func (Kind) Parse(location, endpoint string) (string, error) {
	l, err := ParseLocation(location, endpoint)
	if err != nil {
		return "", err
	}
	return l.String(), nil
}

// Open opens the bucket.
func (Kind) Open(ctx context.Context, location string, a store.Access) (store.Store, error) {
	l, err := ParseLocation(location, "")
	if err != nil {
		return nil, err
	}
	opts := Options{
		Location: l, Region: a.Region, CAFile: a.CAFile, AccessKey: a.AccessKey, SecretKey: a.SecretKey,
		Unconditional: a.Unconditional, Lock: a.Lock, UploadLimit: a.UploadLimit, DownloadLimit: a.DownloadLimit, Agent: a.Agent,
	}
	if a.LockMode == "governance" {
		opts.LockMode = Governance
	}
	if a.PathStyle != nil {
		opts.Lookup = LookupHost
		if *a.PathStyle {
			opts.Lookup = LookupPath
		}
	}
	return Open(ctx, opts)
}
