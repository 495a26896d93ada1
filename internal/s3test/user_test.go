package s3test_test

import (
	"strings"
	"testing"

	"firn/internal/s3test"

	"github.com/minio/minio-go/v7"
)

func TestAddUser(t *testing.T) {
	t.Parallel()
	s := s3test.Start(t, s3test.Options{})
	put(t, s.Client(t), "old", []byte("old"))
	writer := addUser(t, s, "writer", "s3:PutObject", "s3:GetObject", "s3:ListBucket")
	reader := addUser(t, s, "reader", "s3:GetObject", "s3:ListBucket")

	put(t, writer, "new", []byte("new"))
	for name, client := range map[string]*minio.Client{"writer": writer, "reader": reader} {
		if got := string(get(t, client, "old")); got != "old" {
			t.Errorf("%s reads %q, want old", name, got)
		}
		if got := list(t, client); got != "new old" {
			t.Errorf("%s lists %q, want new old", name, got)
		}
		err := client.RemoveObject(t.Context(), s.Bucket, "old", minio.RemoveObjectOptions{})
		wantCode(t, name+" deletes", err, minio.AccessDenied)
	}
	_, err := reader.PutObject(t.Context(), s.Bucket, "k", strings.NewReader("x"), 1, minio.PutObjectOptions{})
	wantCode(t, "reader puts", err, minio.AccessDenied)
	stranger := s.ClientOf(t, "nobody", "guess")
	_, err = tryGet(t, stranger, "old")
	wantCode(t, "stranger reads", err, "InvalidAccessKeyId")
}

func addUser(t *testing.T, s *s3test.Server, name string, actions ...string) *minio.Client {
	t.Helper()
	accessKey, secretKey := s.AddUser(t, name, actions...)
	return s.ClientOf(t, accessKey, secretKey)
}

func wantCode(t *testing.T, what string, err error, want string) {
	t.Helper()
	if got := minio.ToErrorResponse(err).Code; got != want {
		t.Errorf("%s: got %v, want %s", what, err, want)
	}
}
