package s3test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7/pkg/signer"
)

// account is a user in the form of versitygw's interface for administrators.
type account struct {
	XMLName xml.Name `xml:"Account"`
	Access  string   `xml:"Access"`
	Secret  string   `xml:"Secret"`
	Role    string   `xml:"Role"`
}

// users has the users that tests added to a server, and the policy of its bucket, with the rights of each user.
type users struct {
	mu      sync.Mutex
	secrets map[string]string // by access key
	policy  policy
}

type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Effect    string
	Principal map[string]string
	Action    []string
	Resource  []string
}

// AddUser adds a user with the right to just these actions, such as "s3:PutObject", on the bucket and its objects, and
// returns the user's keys. A name can be added once.
func (s *Server) AddUser(t testing.TB, name string, actions ...string) (accessKey, secretKey string) {
	t.Helper()
	secretKey = rand.Text()
	if err := s.createUser(t.Context(), s.transport(t), account{Access: name, Secret: secretKey, Role: "user"}); err != nil {
		t.Fatalf("add user %s: %v", name, err)
	}
	s.users.mu.Lock()
	defer s.users.mu.Unlock()
	if s.users.secrets == nil {
		s.users.secrets = map[string]string{}
	}
	s.users.secrets[name] = secretKey
	allowed := allow(name, s.Bucket, actions)
	// A bucket has one policy, so a new policy repeats the rights of the other users.
	s.users.policy = policy{"2012-10-17", append(slices.Clip(s.users.policy.Statement), allowed)}
	data, err := json.Marshal(s.users.policy)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Client(t).SetBucketPolicy(t.Context(), s.Bucket, string(data)); err != nil {
		t.Fatalf("say what user %s may do: %v", name, err)
	}
	return name, secretKey
}

// allow returns a statement with two resources: the bucket, for actions such as listing, and its objects.
func allow(name, bucket string, actions []string) statement {
	arn := "arn:aws:s3:::" + bucket
	return statement{"Allow", map[string]string{"AWS": name}, actions, []string{arn, arn + "/*"}}
}

// createUser makes a user known to the server, by the server's own interface: S3 has no such request.
func (s *Server) createUser(ctx context.Context, transport http.RoundTripper, a account) error {
	body, err := xml.Marshal(a)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPatch, s.URL+"/create-user", bytes.NewReader(body))
	if err != nil {
		return err
	}
	hash := sha256.Sum256(body)
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(hash[:]))
	response, err := transport.RoundTrip(signer.SignV4(*r, s.AccessKey, s.SecretKey, "", s.Region))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		answer, _ := io.ReadAll(response.Body)
		return fmt.Errorf("create: %s: %s", response.Status, answer)
	}
	return nil
}

// secret returns the secret key of the administrator or of a user.
func (s *Server) secret(accessKey string) (string, bool) {
	if accessKey == s.AccessKey {
		return s.SecretKey, true
	}
	s.users.mu.Lock()
	defer s.users.mu.Unlock()
	secret, ok := s.users.secrets[accessKey]
	return secret, ok
}
