package s3

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"firn/host"
)

// sharedFiles are the files of Amazon's tools, with a profile by AWS_PROFILE. They can hold
// a command that prints the credentials, and HOME may be another user's, left by sudo or
// su: so files that another user could have written are refused, and nothing is run.
type sharedFiles struct {
	credentials.FileAWSCredentials
	refused error // why the files were not read last time
}

// Retrieve implements [credentials.Provider].
func (s *sharedFiles) Retrieve() (credentials.Value, error) {
	return s.RetrieveWithCredContext(nil)
}

// RetrieveWithCredContext implements [credentials.Provider].
func (s *sharedFiles) RetrieveWithCredContext(c *credentials.CredContext) (credentials.Value, error) {
	if s.refused = judgeSharedFiles(); s.refused != nil {
		return credentials.Value{}, s.refused
	}
	return s.FileAWSCredentials.RetrieveWithCredContext(c)
}

// judgeSharedFiles judges the files that the library will read by their names: what
// [host.Open] accepts, nobody but the caller and root can replace until then.
func judgeSharedFiles() error {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "" // the library has none either
	}
	for name, variable := range map[string]string{"config": "AWS_CONFIG_FILE", "credentials": "AWS_SHARED_CREDENTIALS_FILE"} {
		path := cmp.Or(os.Getenv(variable), filepath.Join(home, ".aws", name))
		f, err := host.Open(path)
		if err == nil {
			_ = f.Close() // it was not even read
			continue
		}
		_, untrusted := errors.AsType[*host.UntrustedError](err)
		if _, gone := os.Stat(path); untrusted && !errors.Is(gone, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
