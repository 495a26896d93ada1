package cmd_test

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/rogpeppe/go-internal/testscript"

	"firn/internal/s3test"
)

// placeEnv is the variable with the location of the place that holds a script's
// repositories, instead of the script's folder.
const placeEnv = "FIRN_TEST_PLACE"

// servers are the S3 servers that scripts can use.
type servers struct {
	plain, tls, lock *s3test.Server
	client           *minio.Client // for the server lock
	users            []string      // variables with the keys of users of the server plain
}

func startServers(t *testing.T) *servers {
	t.Helper()
	s := &servers{
		plain: s3test.Start(t, s3test.Options{}),
		tls:   s3test.Start(t, s3test.Options{TLS: true}),
		lock:  s3test.Start(t, s3test.Options{Lock: true}),
	}
	s.client = s.lock.Client(t)
	for name, actions := range map[string][]string{
		"READER":   {"s3:ListBucket", "s3:GetObject"},
		"APPENDER": {"s3:ListBucket", "s3:GetObject", "s3:PutObject"},
	} {
		accessKey, secretKey := s.plain.AddUser(t, strings.ToLower(name), actions...)
		s.users = append(s.users, name+"_ID="+accessKey, name+"_KEY="+secretKey)
	}
	return s
}

// moveToBucket makes a script work in a bucket, by changing the same line of
// the configuration that a user would change. The server keeps objects as
// files. A link makes these files visible at the old path of the repository, so
// that the script can damage them.
//
// Variables describe two other servers, TLS and LOCK, and two other users,
// READER and APPENDER. Names that end in _BUCKET hold locations, names that end
// in _ID and _KEY hold keys.
func (s *servers) moveToBucket(env *testscript.Env) error {
	name, server := path.Base(env.WorkDir), s.plain
	env.Vars = append(env.Vars, s.users...)
	for prefix, other := range map[string]*s3test.Server{"TLS": s.tls, "LOCK": s.lock} {
		env.Setenv(prefix+"_BUCKET", other.Location(name))
		env.Setenv(prefix+"_ID", other.AccessKey)
		env.Setenv(prefix+"_KEY", other.SecretKey)
	}
	env.Setenv("CA_FILE", s.tls.CAFile)
	env.Setenv(placeEnv, server.Location(name))
	env.Setenv("AWS_ACCESS_KEY_ID", server.AccessKey)
	env.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
	env.Setenv("AWS_REGION", server.Region)
	env.Setenv("SERVER", "s3:"+server.URL)
	env.Setenv("HOST", strings.TrimPrefix(server.URL, "http://"))
	for _, folder := range []string{"repo", "offsite"} {
		if err := os.Symlink(filepath.Join(server.Dir, server.Bucket, name, folder), filepath.Join(env.WorkDir, folder)); err != nil {
			return err
		}
	}
	return moveConfigurations(env, func(folder string) string { return server.Location(name + "/" + path.Base(folder)) })
}

// locked fails unless the server with Object Lock has objects below a prefix,
// and all of them are locked for about so many days from now on. With "!"
// before it, none may be locked so: locked PREFIX DAYS
func (s *servers) locked(ts *testscript.TestScript, neg bool, args []string) {
	days, err := strconv.Atoi(args[1])
	ts.Check(err)
	objects := 0
	for o := range s.client.ListObjectsIter(context.Background(), s.lock.Bucket, minio.ListObjectsOptions{Prefix: args[0], Recursive: true}) {
		ts.Check(o.Err)
		objects++
		info, err := s.client.StatObject(context.Background(), s.lock.Bucket, o.Key, minio.StatObjectOptions{})
		ts.Check(err)
		until, err := time.Parse(time.RFC3339, info.Metadata.Get("X-Amz-Object-Lock-Retain-Until-Date"))
		left := time.Until(until)
		if ok := err == nil && left > time.Duration(days)*24*time.Hour-time.Hour && left <= time.Duration(days)*24*time.Hour; ok == neg {
			ts.Fatalf("%s is locked for %v (%v)", o.Key, left, err)
		}
	}
	if objects == 0 {
		ts.Fatalf("no objects below %s", args[0])
	}
}
