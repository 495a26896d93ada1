package s3_test

import (
	"strings"
	"testing"

	"firn/internal/s3test"
	"firn/store"
	"firn/store/s3"
	"firn/store/storetest"
)

// options are those of a test's own place on a server.
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

// prefix names a place of the test's own, which is as empty as a server of its own.
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

// runStore holds the store to its contract. Without conditions, writers of one
// name at the same moment are not told apart.
func runStore(t *testing.T, server *s3test.Server, unconditional bool) {
	storetest.Run(t, func(t testing.TB) store.Store {
		if unconditional && strings.HasSuffix(t.Name(), "/ConcurrentCreators") {
			t.Skip("of writers at the same moment, several may win")
		}
		opts := options(t, server, server.Location(prefix(t)))
		opts.Unconditional = unconditional
		return open(t, opts)
	})
}
