package s3_test

import (
	"crypto/rand"
	"flag"
	"os"
	"strings"
	"testing"

	"firn/internal/s3test"
	"firn/store"
	"firn/store/s3"
	"firn/store/storetest"
)

// TestMain runs more tests at once than usual: most of their time they wait for retries
// and need no processor.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", "16"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// server is a location in a bucket of a running server, such as
// s3:http://127.0.0.1:9000/bucket, to test with the credentials of the AWS_* variables.
var server = flag.String("server", "", "test against this `location` too")

// TestOtherServer tests the contract on a server that the flag names. Its objects stay
// there.
func TestOtherServer(t *testing.T) {
	t.Parallel()
	if *server == "" {
		t.Skip("give -server")
	}
	run := strings.ToLower(rand.Text())
	storetest.Run(t, func(t testing.TB) store.Store {
		location, err := s3.ParseLocation(*server+"/"+run+"/"+prefix(t), "")
		if err != nil {
			t.Fatal(err)
		}
		return open(t, s3.Options{Location: location})
	})
	location, err := s3.ParseLocation(*server+"/"+run, "")
	if err != nil {
		t.Fatal(err)
	}
	conditional, err := open(t, s3.Options{Location: location}).Probe(t.Context())
	t.Logf("honours If-None-Match: %v, %v", conditional, err)
}

// options returns the options for a test's own location on a server.
func options(t testing.TB, server *s3test.Server, location string) s3.Options {
	t.Helper()
	l, err := s3.ParseLocation(location, "")
	if err != nil {
		t.Fatal(err)
	}
	return s3.Options{
		Location: l, Region: server.Region, CAFile: server.CAFile,
		AccessKey: server.AccessKey, SecretKey: server.SecretKey,
	}
}

func open(t testing.TB, opts s3.Options) *s3.Store {
	t.Helper()
	s, err := s3.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// prefix returns a test's own prefix, so that the test starts with an empty store.
func prefix(t testing.TB) string { return strings.ToLower(strings.ReplaceAll(t.Name(), "=", "-")) }

func TestStore(t *testing.T) {
	t.Parallel()
	t.Run("Plain", func(t *testing.T) {
		t.Parallel()
		runStore(t, s3test.Start(t, s3test.Options{}), false)
	})
	t.Run("TLS", func(t *testing.T) {
		t.Parallel()
		runStore(t, s3test.Start(t, s3test.Options{TLS: true}), false)
	})
	t.Run("Unconditional", func(t *testing.T) {
		t.Parallel()
		runStore(t, s3test.Start(t, s3test.Options{}), true)
	})
}

// runStore tests the store's contract. Without conditions, several writers of one name
// at the same moment can win.
func runStore(t *testing.T, on *s3test.Server, unconditional bool) {
	storetest.Run(t, func(t testing.TB) store.Store {
		if unconditional && strings.HasSuffix(t.Name(), "/ConcurrentCreators") {
			t.Skip("of writers at the same moment, several may win")
		}
		opts := options(t, on, on.Location(prefix(t)))
		opts.Unconditional = unconditional
		return open(t, opts)
	})
}
