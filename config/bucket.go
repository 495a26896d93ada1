package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// Bucket is the table [s3]: how to reach a repository in a bucket. Values that are not given are taken from the same places
// as Amazon's tools take them from.
type Bucket struct {
	Endpoint       string   `toml:"endpoint"` // of s3://bucket/prefix
	Region         string   `toml:"region"`
	AccessKeyFile  string   `toml:"access_key_file"`
	SecretKeyFile  string   `toml:"secret_key_file"`
	CAFile         string   `toml:"ca_file"`
	PathStyle      *bool    `toml:"path_style"`
	ConditionalPut *bool    `toml:"conditional_put"`
	Lock           Duration `toml:"lock"`
	LockMode       string   `toml:"lock_mode"`
	LimitUpload    string   `toml:"limit_upload"`
	LimitDownload  string   `toml:"limit_download"`
}

// paths returns pointers to the values that are paths of files.
func (b *Bucket) paths() []*string {
	return []*string{&b.AccessKeyFile, &b.SecretKeyFile, &b.CAFile}
}

// validate returns all that is wrong with the values, nil if they can be used.
func (b *Bucket) validate() error {
	_, lockErr := b.Lock.value("lock")
	modeErr := CheckLockMode(b.LockMode)
	_, upErr := ParseRate("limit_upload", b.LimitUpload)
	_, downErr := ParseRate("limit_download", b.LimitDownload)
	var pairErr error
	if (b.AccessKeyFile == "") != (b.SecretKeyFile == "") {
		pairErr = errors.New("access_key_file and secret_key_file belong together")
	}
	return errors.Join(pairErr, lockErr, modeErr, upErr, downErr)
}

// CheckLockMode returns an error if a name is no mode of Object Lock. The empty name is the default.
func CheckLockMode(name string) error {
	switch name {
	case "", "compliance", "governance":
		return nil
	}
	return fmt.Errorf("lock_mode is %q, not \"compliance\" or \"governance\"", name)
}

// ParseRate reads a rate and returns it in bytes per second. The text is a size such as "500KiB" or "2MB", or a number of KiB,
// as in restic. The empty text means no limit, which is 0. The name is for errors.
func ParseRate(name, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return int64(n) << 10, nil
	}
	n, err := ParseSize(strings.TrimSuffix(text, "/s"))
	if err != nil {
		return 0, fmt.Errorf("%s is %q: want KiB per second, or a size like 500KiB or 2MB", name, text)
	}
	return n, nil
}

// ParseSize reads a size such as "1GiB" or "500MB" and returns it in bytes.
func ParseSize(text string) (int64, error) {
	n, err := humanize.ParseBytes(text)
	if err != nil || n > 1<<62 {
		return 0, fmt.Errorf("%q is not a size like 500MB or 1GiB", text)
	}
	return int64(n), nil
}
