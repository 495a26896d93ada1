package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"firn/config"
	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/site"
	"firn/spool"
	"firn/store"
)

// Endpoint returns the address of the server for locations of the form s3://bucket/prefix, "" for Amazon's.
func (c *Caller) Endpoint(conf *config.Config) string {
	return cmp.Or(conf.S3.Endpoint, c.Getenv("AWS_ENDPOINT_URL_S3"), c.Getenv("AWS_ENDPOINT_URL"))
}

// access says how to reach the repository's place.
func (s *Session) access(ctx context.Context) (store.Access, error) {
	b := s.Conf.S3
	opts := store.Access{
		Region:        cmp.Or(b.Region, s.Getenv("AWS_REGION"), s.Getenv("AWS_DEFAULT_REGION")),
		CAFile:        cmp.Or(b.CAFile, s.Getenv("AWS_CA_BUNDLE")),
		PathStyle:     b.PathStyle,
		Unconditional: b.ConditionalPut != nil && !*b.ConditionalPut,
		Lock:          b.Lock.Duration,
		LockMode:      b.LockMode,
		SSH:           s.Conf.SSH.Access(),
		Agent:         "firn",
		Warn:          func(message string) { s.Warn("%s", message) },
	}
	var upErr, downErr error
	opts.UploadLimit, upErr = config.ParseRate("--limit-upload", cmp.Or(s.Settings.LimitUpload, b.LimitUpload))
	opts.DownloadLimit, downErr = config.ParseRate("--limit-download", cmp.Or(s.Settings.LimitDownload, b.LimitDownload))
	if err := errors.Join(config.CheckLockMode(b.LockMode), upErr, downErr); err != nil {
		return store.Access{}, outcome.Usage("", "%w", err)
	}
	return opts, s.readBucketKeys(ctx, &opts)
}

// readBucketKeys reads the credentials that the configuration names.
func (s *Session) readBucketKeys(ctx context.Context, opts *store.Access) error {
	for file, into := range map[string]*string{s.Conf.S3.AccessKeyFile: &opts.AccessKey, s.Conf.S3.SecretKeyFile: &opts.SecretKey} {
		if file == "" {
			continue
		}
		text, err := s.readSecret(ctx, file)
		if err != nil {
			return outcome.Usage("", "read credentials of the store: %w", err)
		}
		if *into, err = FirstLine(text); err != nil {
			return outcome.Usage("", "read credentials of the store: %s: %w", file, err)
		}
	}
	return nil
}

// defaultCacheSize is enough for the latest changes of a database of some gigabytes, and for a smaller database as a whole,
// in bytes.
const defaultCacheSize = 1 << 30

// cacheSize is how much of a remote repository may be kept here.
func (s *Session) cacheSize() (int64, error) {
	text := cmp.Or(s.Settings.CacheSize, s.Conf.CacheSize)
	if text == "" {
		return defaultCacheSize, nil
	}
	n, err := config.ParseSize(text)
	if err != nil {
		return 0, outcome.Usage("", "cache size: %w", err)
	}
	return n, nil
}

// WarnUnconditional warns of what must not be done with a server that ignores conditions.
func (s *Session) WarnUnconditional() {
	s.Warn(`the store ignores the condition "If-None-Match: *": never run "firn init" for one place from two machines at once. All else is safe: no other object's name is used twice`)
	if s.Conf.Path != "" {
		s.Note("Write conditional_put = false below [s3] in %s to save a request.", s.Conf.Path)
	}
}

// Requests returns the number of requests to a bucket so far.
func (s *Session) Requests() int64 {
	if s.counter == nil {
		return 0
	}
	return s.counter.Traffic().Requests()
}

// Place is where a repository is: in a folder, or in a place of another kind.
type Place struct {
	Folder   string     // absolute; "" for a place of another kind
	Location string     // of that place
	Kind     store.Kind // of that place
}

// ParsePlace reads a location. The endpoint is for locations that leave it out.
func (c *Caller) ParsePlace(location, endpoint string) (Place, error) {
	for _, kind := range c.Kinds {
		if kind.Matches(location) {
			whole, err := kind.Parse(location, endpoint)
			if err != nil {
				return Place{}, outcome.Usage("The forms are "+kind.Forms()+".", "%w", err)
			}
			return Place{Location: whole, Kind: kind}, nil
		}
	}
	if scheme := store.Scheme(location); scheme != "" {
		return Place{}, c.refuseScheme(location, scheme)
	}
	folder, err := filepath.Abs(location)
	return Place{Folder: folder}, err
}

// String returns one text for each place.
func (p Place) String() string { return cmp.Or(p.Folder, p.Location) }

// openStore opens the place of a repository, which must be there.
func (s *Session) openStore(ctx context.Context) (store.Store, error) {
	if s.Place.Kind != nil {
		return s.openRemote(ctx)
	}
	st, err := site.OpenStore(s.Place.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open repository %s: %w", s.Place, repo.ErrNotRepository)
	}
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	return st, nil
}

// CreateStore opens the place of a new repository, and makes it if it is a folder.
func (s *Session) CreateStore(ctx context.Context) (store.Store, error) {
	if s.Place.Kind != nil {
		return s.createRemote(ctx)
	}
	err := site.MakeFolder(s.Place.Folder)
	if err != nil {
		return nil, fmt.Errorf("make repository: %w", err)
	}
	st, err := site.OpenStore(s.Place.Folder)
	if err != nil {
		return nil, fmt.Errorf("make repository: %w", err)
	}
	return st, nil
}

// createRemote opens the place of a new repository, and makes it if it is a folder of another host.
func (s *Session) createRemote(ctx context.Context) (store.Store, error) {
	st, err := s.openRemote(ctx)
	if err != nil {
		return nil, err
	}
	if folder, ok := st.(store.Creator); ok {
		if err := folder.Create(ctx); err != nil {
			return nil, fmt.Errorf("make repository: %w", err)
		}
	}
	return st, nil
}

func (s *Session) openRemote(ctx context.Context) (store.Store, error) {
	opts, err := s.access(ctx)
	if err != nil {
		return nil, err
	}
	st, err := s.Place.Kind.Open(ctx, s.Place.Location, opts)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	s.counter, _ = st.(store.Counter)
	s.place, _ = st.(io.Closer)
	s.spacer, _ = st.(store.Spacer)
	return st, nil
}

// tellTraffic reports the requests to a server as a detail.
func (s *Session) tellTraffic() {
	if s.counter == nil {
		return
	}
	t := s.counter.Traffic()
	s.Detail("requests: %d (list %d, put %d, get %d, head %d, delete %d, other %d); sent %s, received %s",
		t.Requests(), t.Lists, t.Puts, t.Gets, t.Heads, t.Deletes, t.Others, report.Size(t.Sent), report.Size(t.Received))
}

// Room returns how many bytes are free where the repository is, and reports false if that is not known. For a place that is
// not a folder it takes a request, and tells how long the answer took.
func (s *Session) Room(ctx context.Context) (free int64, latency time.Duration, known bool) {
	if s.Place.Kind == nil {
		free, known = spool.FreeSpace(s.Place.Folder)
		return free, 0, known
	}
	if s.spacer == nil {
		return 0, 0, false
	}
	began := s.Now()
	room, err := s.spacer.Space(ctx)
	return room.Free, s.Now().Sub(began), err == nil
}
