package cmd

import (
	"context"

	"firn/outcome"
	"firn/session"
	"firn/store"
	"firn/store/s3"
)

// s3Place is the kind of place that is a bucket of a server that speaks S3.
type s3Place struct{}

var _ session.Remote = s3Place{}

// Matches reports whether a location is meant to be one of a bucket.
func (s3Place) Matches(location string) bool { return s3.IsLocation(location) }

// Parse returns the location in full.
func (s3Place) Parse(location, endpoint string) (string, error) {
	l, err := s3.ParseLocation(location, endpoint)
	if err != nil {
		return "", outcome.Usage("The forms are s3:https://host:port/bucket/prefix and s3://bucket/prefix.", "%w", err)
	}
	return l.String(), nil
}

// Open opens the bucket.
func (s3Place) Open(ctx context.Context, location string, o session.RemoteOptions) (store.Store, error) {
	l, err := s3.ParseLocation(location, "")
	if err != nil {
		return nil, err
	}
	opts := s3.Options{
		Location: l, Region: o.Region, CAFile: o.CAFile, AccessKey: o.AccessKey, SecretKey: o.SecretKey,
		Unconditional: o.Unconditional, Lock: o.Lock, UploadLimit: o.UploadLimit, DownloadLimit: o.DownloadLimit, Agent: o.Agent,
	}
	if o.LockMode == "governance" {
		opts.LockMode = s3.Governance
	}
	if o.PathStyle != nil {
		opts.Lookup = s3.LookupHost
		if *o.PathStyle {
			opts.Lookup = s3.LookupPath
		}
	}
	return s3.Open(ctx, opts)
}
