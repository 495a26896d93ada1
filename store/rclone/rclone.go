// Package rclone keeps objects in any place that rclone reaches.
//
// The store starts "rclone serve s3", with the user's own configuration of rclone, and speaks to it as to a bucket. The place
// is the only folder that this server shows. Package s3 has the requests and their repetition.
package rclone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"firn/store"
	"firn/store/s3"
)

// Options say where the place is.
type Options struct {
	Location Location
	Program  string // is run as rclone; "" for rclone in the search path

	// Unconditional says that rclone does not refuse to write over an object. It is so for versions before 1.76.0, which
	// the store finds out by itself.
	Unconditional bool

	UploadLimit, DownloadLimit int64 // bytes per second to and from rclone; zero for none

	Agent    string                           // name of the program, for rclone's log
	Patience time.Duration                    // how long a failing request is repeated; zero means 2 minutes
	Ready    time.Duration                    // how long rclone may take to start; zero means a minute
	Warn     func(format string, args ...any) // is told of an old rclone; may be nil
}

func (o *Options) readyWait() time.Duration {
	if o.Ready == 0 {
		return readyWait
	}
	return o.Ready
}

// Store is a [store.Store] behind an rclone that it has started. Make one with [Open].
type Store struct {
	opts   Options
	server *server
	bucket *s3.Store
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Counter = (*Store)(nil)
	_ store.Prober  = (*Store)(nil)
	_ store.Creator = (*Store)(nil)
	_ store.Spacer  = (*Store)(nil)
)

// Open starts rclone and waits until it is ready. The folder of the place may be missing; it is then a store without objects.
// The caller closes the store. An error matches [store.ErrNoRclone], [store.ErrOldRclone], [store.ErrRcloneConfig] or
// [store.ErrRclone] if rclone is to blame.
func Open(ctx context.Context, o Options) (*Store, error) {
	s, err := open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", o.Location, err)
	}
	return s, nil
}

func open(ctx context.Context, o Options) (*Store, error) {
	v, err := findVersion(ctx, &o)
	if err != nil {
		return nil, err
	}
	if v.before(careful()) {
		o.Unconditional = true
		if o.Warn != nil {
			o.Warn("rclone %s ignores the condition of a write that the object must not exist, and an upload that breaks off may leave half an object: update it to %s or later", v, careful())
		}
	}
	server, err := startServer(ctx, o)
	if err != nil {
		return nil, err
	}
	bucket, err := openBucket(ctx, server)
	if err != nil {
		return nil, errors.Join(err, server.close())
	}
	return &Store{opts: o, server: server, bucket: bucket}, nil
}

// silence is how long rclone may move no byte. It reads a whole object from firn, and then passes it on for as long as a slow
// line takes. rclone itself has limits for a remote that does not answer.
const silence = 30 * time.Minute

func openBucket(ctx context.Context, s *server) (*s3.Store, error) {
	return s3.Open(ctx, s3.Options{
		Location:  s3.Location{Endpoint: "rclone", Plain: true, Bucket: folder},
		Lookup:    s3.LookupPath,
		AccessKey: s.key, SecretKey: s.secret,
		Unconditional: s.opts.Unconditional,
		UploadLimit:   s.opts.UploadLimit, DownloadLimit: s.opts.DownloadLimit,
		Agent: s.opts.Agent, Patience: s.opts.Patience,
		Dial: s.dial, Name: s.opts.Location.String(), Idle: silence,
		Forgets: true,
	})
}

// explain adds rclone's own words to the error of a request that rclone could not fulfil.
func (s *Store) explain(err error) error {
	if !errors.Is(err, store.ErrUnreachable) {
		return err
	}
	if words := s.server.words(); words != "" {
		return fmt.Errorf("%w; rclone says: %s", err, words)
	}
	return err
}

// Put creates the object.
func (s *Store) Put(ctx context.Context, name string, data []byte) error {
	return s.explain(s.bucket.Put(ctx, name, data))
}

// Get reads a part of the object.
func (s *Store) Get(ctx context.Context, name string, off, length int64) ([]byte, error) {
	data, err := s.bucket.Get(ctx, name, off, length)
	return data, s.explain(err)
}

// List lists the objects.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		for o, err := range s.bucket.List(ctx, prefix) {
			if !yield(o, s.explain(err)) {
				return
			}
		}
	}
}

// Delete removes the objects.
func (s *Store) Delete(ctx context.Context, names ...string) error {
	return s.explain(s.bucket.Delete(ctx, names...))
}

// Traffic returns the requests to rclone and the bytes between firn and rclone.
func (s *Store) Traffic() store.Traffic { return s.bucket.Traffic() }

// Probe finds out whether rclone refuses to write over an object.
func (s *Store) Probe(ctx context.Context) (conditional bool, err error) {
	conditional, err = s.bucket.Probe(ctx)
	return conditional, s.explain(err)
}

// Create makes the folder of the place. rclone says when the remote has made it.
func (s *Store) Create(ctx context.Context) error {
	if _, err := s.opts.output(ctx, "mkdir", remote+folder); err != nil {
		return fmt.Errorf("make folder %s: %w", s.opts.Location, err)
	}
	return nil
}

// Space asks the remote for its room. Many remotes cannot say it.
func (s *Store) Space(ctx context.Context) (store.Space, error) {
	text, err := s.opts.output(ctx, "about", "--json", remote)
	if err != nil && strings.Contains(err.Error(), "doesn't support about") {
		err = errors.ErrUnsupported
	}
	space := store.Space{}
	if err == nil {
		space, err = parseSpace(text)
	}
	if err != nil {
		return store.Space{}, fmt.Errorf("ask for the room of %s: %w", s.opts.Location, err)
	}
	return space, nil
}

// parseSpace reads what "rclone about --json" prints. All is 0 for a folder that is missing.
func parseSpace(text string) (store.Space, error) {
	var about struct{ Total, Free *int64 }
	if err := json.Unmarshal([]byte(text), &about); err != nil {
		return store.Space{}, fmt.Errorf("read rclone's answer: %w", err)
	}
	space := store.Space{}
	if about.Total != nil {
		space.Total = *about.Total
	}
	if about.Free == nil || *about.Free == 0 && space.Total == 0 {
		return store.Space{}, errors.ErrUnsupported
	}
	space.Free = *about.Free
	return space, nil
}

// Close ends rclone. Requests that are under way fail, and so do later ones. Close may be called again.
func (s *Store) Close() error { return s.server.close() }
