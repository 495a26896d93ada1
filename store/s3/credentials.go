package s3

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"firn/store"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// metadataWait limits the wait for an instance's metadata service. Such a
// service answers at once, but on a machine without one the request may never
// end.
const metadataWait = 2 * time.Second

// findCredentials returns the credentials of the options. Without those it
// returns the first it finds in the AWS_* variables, the shared credentials
// file and the roles of the machine.
func findCredentials(ctx context.Context, opts Options) (*credentials.Credentials, error) {
	if opts.AccessKey != "" || opts.SecretKey != "" {
		return credentials.NewStaticV4(opts.AccessKey, opts.SecretKey, ""), nil
	}
	client := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: metadataWait}).DialContext},
	}
	files := &sharedFiles{}
	creds := credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{},
		files,
		&credentials.IAM{Client: client},
	})
	value, err := creds.GetWithContext(&credentials.CredContext{Client: client})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrCredentials, err)
	}
	if value.AccessKeyID == "" && files.refused != nil {
		return nil, fmt.Errorf("read the credentials of Amazon's tools: %w", files.refused)
	}
	if value.AccessKeyID == "" {
		return nil, fmt.Errorf("%w: none found in the configuration, the AWS_* variables, the shared credentials file, or a role of this machine", store.ErrCredentials)
	}
	return creds, ctx.Err()
}
