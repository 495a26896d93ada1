// Package s3 keeps objects in a bucket of an object store that speaks the S3
// protocol.
//
// An object's key is the store's prefix, a slash and its name. Each object is
// written with one request, under the condition that it does not exist, so that
// none is ever replaced. A request that fails for a reason that may pass is
// repeated for some time. Other errors are returned at once and match an error of
// package store.
package s3

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"

	"firn/store"
)

// Options say how to reach a bucket. With nothing but a Location, the server is
// Amazon, and the credentials are those in Amazon's variables, files and instance
// roles.
type Options struct {
	Location Location
	Region   string // "" means us-east-1, which servers other than Amazon's ignore

	AccessKey, SecretKey string // if both are "", they are found as by Amazon's tools
	CAFile               string // PEM file of certificates to trust, in addition to the system's
	Lookup               Lookup

	// Unconditional is for servers that refuse If-None-Match. The store then
	// checks before it writes that the name is free. If two writers put one name
	// at the same moment, Put can return nil to both.
	Unconditional bool

	// Lock is how long Object Lock prevents the deletion of each object after it
	// was written. Zero means no lock. The bucket must allow it.
	Lock     time.Duration
	LockMode LockMode

	UploadLimit, DownloadLimit int64 // bytes per second; zero for none

	// Dial connects to a server that no network reaches, such as a child process; the Location's endpoint is then only a
	// word. Nil means the network. A [LastingError] of Dial ends a request at once. After other errors the request is
	// repeated, as after those of the network.
	Dial func(ctx context.Context) (net.Conn, error)
	Name string // of the store, in errors; "" for the Location

	// Idle is how long a connection may move no byte before it counts as dead; 0 for a minute. A server that takes an
	// object and is silent until it has passed it on needs more.
	Idle time.Duration

	// Forgets is for servers that lose the metadata of objects when they end. After a lost answer, an object without
	// metadata is then taken for the one of this Put if it has the same bytes.
	Forgets bool

	Agent    string        // name of the program, for the server's log
	Patience time.Duration // how long a failing request is repeated; zero means 2 minutes
}

const (
	defaultRegion   = "us-east-1"
	defaultPatience = 2 * time.Minute
	// firstPatience is the patience before any request was answered: the address
	// is then probably wrong, and a user is waiting for the message.
	firstPatience = 8 * time.Second
)

// Lookup is the part of a request that names the bucket.
type Lookup uint8

// The lookups. Amazon wants the name in the host, most others in the path.
const (
	LookupAuto Lookup = iota
	LookupPath
	LookupHost
)

// LockMode says which users can delete a locked object.
type LockMode uint8

// The modes of Object Lock.
const (
	Compliance LockMode = iota // no user
	Governance                 // users with a special right
)

// Store is a [store.Store] in a bucket. Make one with [Open].
type Store struct {
	core   minio.Core
	bucket string
	prefix string // "" or ending in a slash
	opts   Options

	traffic       *traffic
	unconditional atomic.Bool
}

var (
	_ store.Store  = (*Store)(nil)
	_ store.Locker = (*Store)(nil)
)

// Open prepares to use a bucket. It looks for credentials, and sends no request to
// the bucket's server.
func Open(ctx context.Context, opts Options) (*Store, error) {
	s := &Store{bucket: opts.Location.Bucket, prefix: opts.Location.keyPrefix(), opts: opts, traffic: &traffic{}}
	s.unconditional.Store(opts.Unconditional)
	if err := s.connect(ctx); err != nil {
		return nil, fmt.Errorf("open bucket %s at %s: %w", opts.Location.Bucket, opts.Location.host(), err)
	}
	return s, nil
}

func (s *Store) connect(ctx context.Context) error {
	transport, err := newTransport(s.opts, s.traffic)
	if err != nil {
		return err
	}
	creds, err := findCredentials(ctx, s.opts)
	if err != nil {
		return err
	}
	client, err := minio.New(s.opts.Location.host(), &minio.Options{
		Creds:        creds,
		Secure:       !s.opts.Location.Plain,
		Transport:    transport,
		Region:       s.region(), // given, which saves the request for it
		BucketLookup: s.opts.Lookup.minio(),
		MaxRetries:   1, // retry repeats requests, by its own rules
	})
	if err != nil {
		return err
	}
	if s.opts.Agent != "" {
		client.SetAppInfo(s.opts.Agent, "")
	}
	s.core = minio.Core{Client: client}
	return nil
}

func (s *Store) region() string {
	if s.opts.Region == "" {
		return defaultRegion
	}
	return s.opts.Region
}

func (o *Options) idle() time.Duration {
	if o.Idle == 0 {
		return idleWait
	}
	return o.Idle
}

func (l Lookup) minio() minio.BucketLookupType {
	switch l {
	case LookupPath:
		return minio.BucketLookupPath
	case LookupHost:
		return minio.BucketLookupDNS
	}
	return minio.BucketLookupAuto
}

// name returns the name of the store in errors.
func (s *Store) name() string {
	if s.opts.Name != "" {
		return s.opts.Name
	}
	return s.opts.Location.String()
}

// key is the object's key in the bucket.
func (s *Store) key(name string) string { return s.prefix + name }

// check is called first by every method.
func (s *Store) check(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := store.CheckName(name); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Traffic returns the number of requests and bytes so far, repeated requests
// included.
func (s *Store) Traffic() store.Traffic { return s.traffic.snapshot() }

// Delete removes the objects, 1000 with a request.
func (s *Store) Delete(ctx context.Context, names ...string) error {
	if err := s.check(ctx, names...); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	for from := 0; from < len(names); from += deleteBatch {
		batch := names[from:min(from+deleteBatch, len(names))]
		_, err := retry(ctx, s, func() (none, error) { return none{}, s.deleteBatch(ctx, batch) })
		if err != nil {
			return fmt.Errorf("delete from %s: %w", s.name(), err)
		}
	}
	return nil
}

// deleteBatch is how many keys a request may name.
const deleteBatch = 1000

// deleteBatch removes the objects with one request. For a single object it uses
// the plain form, because some servers and policies do not allow the form with a
// list.
func (s *Store) deleteBatch(ctx context.Context, names []string) error {
	if len(names) == 1 {
		err := s.core.RemoveObject(ctx, s.bucket, s.key(names[0]), minio.RemoveObjectOptions{})
		if saysMissing(err) { // an error of Google's server only
			return nil
		}
		return err
	}
	keys := func(yield func(minio.ObjectInfo) bool) {
		for _, name := range names {
			if !yield(minio.ObjectInfo{Key: s.key(name)}) {
				return
			}
		}
	}
	results, err := s.core.RemoveObjectsWithIter(ctx, s.bucket, keys, minio.RemoveObjectsOptions{})
	if err != nil {
		return err
	}
	for r := range results {
		if r.Err != nil && !isMissing(r.Err) && err == nil {
			err = fmt.Errorf("%s: %w", r.ObjectName, r.Err)
		}
	}
	if err == nil {
		err = ctx.Err() // a cancelled deletion ends without an error of the client
	}
	return err
}

// stat returns the metadata of an object.
func (s *Store) stat(ctx context.Context, name string) (minio.ObjectInfo, error) {
	return s.core.StatObject(ctx, s.bucket, s.key(name), minio.StatObjectOptions{})
}
