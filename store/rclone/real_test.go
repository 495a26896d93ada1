//go:build unix

package rclone_test

import (
	"crypto/rand"
	"flag"
	"testing"
	"time"

	"firn/store"
	"firn/store/rclone"
	"firn/store/storetest"
)

// TestReal tests an rclone that is no stand-in, with a place that it reaches. It leaves some thousand small objects there:
//
//	go test ./store/rclone -run TestReal -args -rclone /usr/bin/rclone -place rclone:box:test
var (
	program = flag.String("rclone", "", "the `program` for TestReal; without it, the test is left out")
	place   = flag.String("place", "", "a `location` for TestReal; without it, a folder of this machine")
)

func TestReal(t *testing.T) {
	t.Parallel()
	if *program == "" {
		t.Skip("needs -rclone")
	}
	at := *place
	if at == "" {
		at = "rclone::local:" + t.TempDir() + "/a folder of \"its\" own's"
	}
	storetest.Run(t, func(t testing.TB) store.Store {
		l, err := rclone.ParseLocation(at + "/" + rand.Text())
		if err != nil {
			t.Fatal(err)
		}
		s, err := rclone.Open(t.Context(), rclone.Options{Location: l, Program: *program, Patience: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closeStore(t, s) })
		if err := s.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func closeStore(t testing.TB, s *rclone.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
