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

// sharedFiles reads the credentials files of Amazon's tools, with the profile that
// AWS_PROFILE names. Such a file can hold a command that prints the credentials, and after
// sudo or su HOME may still be another user's. So a file that another user could have
// written is refused, and its command does not run.
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

// judgeSharedFiles returns an error for an untrusted file. The library opens the files
// again by name. A file that [host.Open] accepts cannot be replaced before that by any user
// but the caller and root.
func judgeSharedFiles() error {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "" // the library has none either
	}
	for name, variable := range map[string]string{"config": "AWS_CONFIG_FILE", "credentials": "AWS_SHARED_CREDENTIALS_FILE"} {
		path := cmp.Or(os.Getenv(variable), filepath.Join(home, ".aws", name))
		f, err := host.Open(path)
		if err == nil {
			_ = f.Close() // only its path was checked
			continue
		}
		_, untrusted := errors.AsType[*host.UntrustedError](err)
		if _, gone := os.Stat(path); untrusted && !errors.Is(gone, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
