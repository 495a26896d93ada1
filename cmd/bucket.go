package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// bucketConfig is the table [s3]: how to reach a repository in a bucket. What is
// not given is looked for where Amazon's tools do.
type bucketConfig struct {
	Endpoint       string   `toml:"endpoint"` // of s3://bucket/prefix
	Region         string   `toml:"region"`
	AccessKeyFile  string   `toml:"access_key_file"`
	SecretKeyFile  string   `toml:"secret_key_file"`
	CAFile         string   `toml:"ca_file"`
	PathStyle      *bool    `toml:"path_style"`
	ConditionalPut *bool    `toml:"conditional_put"`
	Lock           duration `toml:"lock"`
	LockMode       string   `toml:"lock_mode"`
	LimitUpload    string   `toml:"limit_upload"`
	LimitDownload  string   `toml:"limit_download"`
}

// paths are the values that name files.
func (b *bucketConfig) paths() []*string {
	return []*string{&b.AccessKeyFile, &b.SecretKeyFile, &b.CAFile}
}

func (b *bucketConfig) validate() error {
	_, lockErr := b.Lock.value("lock")
	modeErr := checkLockMode(b.LockMode)
	_, upErr := parseRate("limit_upload", b.LimitUpload)
	_, downErr := parseRate("limit_download", b.LimitDownload)
	var pairErr error
	if (b.AccessKeyFile == "") != (b.SecretKeyFile == "") {
		pairErr = errors.New("access_key_file and secret_key_file belong together")
	}
	return errors.Join(pairErr, lockErr, modeErr, upErr, downErr)
}

// checkLockMode refuses what is no mode of Object Lock.
func checkLockMode(name string) error {
	switch name {
	case "", "compliance", "governance":
		return nil
	}
	return fmt.Errorf("lock_mode is %q, not \"compliance\" or \"governance\"", name)
}

// endpoint is asked for locations of the form s3://bucket/prefix.
func (c *caller) endpoint(conf *config) string {
	return cmp.Or(conf.S3.Endpoint, c.getenv("AWS_ENDPOINT_URL_S3"), c.getenv("AWS_ENDPOINT_URL"))
}

// remoteOptions say how to reach the repository's place.
func (s *session) remoteOptions() (remoteOptions, error) {
	b := s.conf.S3
	opts := remoteOptions{
		Region:        cmp.Or(b.Region, s.getenv("AWS_REGION"), s.getenv("AWS_DEFAULT_REGION")),
		CAFile:        cmp.Or(b.CAFile, s.getenv("AWS_CA_BUNDLE")),
		PathStyle:     b.PathStyle,
		Unconditional: b.ConditionalPut != nil && !*b.ConditionalPut,
		Lock:          b.Lock.Duration,
		LockMode:      b.LockMode,
		Agent:         "firn",
	}
	var upErr, downErr error
	opts.UploadLimit, upErr = parseRate("--limit-upload", cmp.Or(s.settings.limitUpload, b.LimitUpload))
	opts.DownloadLimit, downErr = parseRate("--limit-download", cmp.Or(s.settings.limitDownload, b.LimitDownload))
	if err := errors.Join(checkLockMode(b.LockMode), upErr, downErr); err != nil {
		return remoteOptions{}, usage("", "%w", err)
	}
	return opts, s.readBucketKeys(&opts)
}

// readBucketKeys reads the credentials that the configuration names.
func (s *session) readBucketKeys(opts *remoteOptions) error {
	for file, into := range map[string]*string{s.conf.S3.AccessKeyFile: &opts.AccessKey, s.conf.S3.SecretKeyFile: &opts.SecretKey} {
		if file == "" {
			continue
		}
		text, err := s.readSecret(file)
		if err != nil {
			return usage("", "read credentials of the store: %w", err)
		}
		if *into, err = firstLine(text); err != nil {
			return usage("", "read credentials of the store: %s: %w", file, err)
		}
	}
	return nil
}

// parseRate reads bytes per second: "500KiB", "2MB", or a number of KiB, as
// restic takes it. Nothing means no limit.
func parseRate(name, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return int64(n) << 10, nil
	}
	n, err := parseSize(strings.TrimSuffix(text, "/s"))
	if err != nil {
		return 0, fmt.Errorf("%s is %q: want KiB per second, or a size like 500KiB or 2MB", name, text)
	}
	return n, nil
}

// parseSize reads a size: "1GiB", "500MB".
func parseSize(text string) (int64, error) {
	n, err := humanize.ParseBytes(text)
	if err != nil || n > 1<<62 {
		return 0, fmt.Errorf("%q is not a size like 500MB or 1GiB", text)
	}
	return int64(n), nil
}

// defaultCacheSize holds what a database of some gigabytes has changed lately,
// and a smaller one as a whole, in bytes.
const defaultCacheSize = 1 << 30

// cacheSize is how much of a remote repository may be kept here.
func (s *session) cacheSize() (int64, error) {
	text := cmp.Or(s.settings.cacheSize, s.conf.CacheSize)
	if text == "" {
		return defaultCacheSize, nil
	}
	n, err := parseSize(text)
	if err != nil {
		return 0, usage("", "cache size: %w", err)
	}
	return n, nil
}

// warnUnconditional tells what a server that ignores conditions is not good for.
func (s *session) warnUnconditional() {
	s.warn(`the store ignores the condition "If-None-Match: *": never run "firn init" for one place from two machines at once. All else is safe: no other object's name is used twice`)
	if s.conf.path != "" {
		s.note("Write conditional_put = false below [s3] in %s to save a request.", s.conf.path)
	}
}
