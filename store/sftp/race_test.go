package sftp_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"sync"
	"testing"

	"firn/store"
	"firn/store/local"
)

// races is the number of names that two clients want at the same moment: go test ./store/sftp -run TestRaces -races 10000.
var races = flag.Int("races", 300, "`number` of races of two clients for one name")

// TestRaces lets two clients, with a connection each, create the same objects at the same moment. Exactly one is told that it
// has, and the object is the one that it has put. The server's hard links decide the races, and without these its renames.
func TestRaces(t *testing.T) {
	t.Parallel()
	t.Run("links", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		race(t, *races, open(t, dir, ""), open(t, dir, ""))
	})
	t.Run("host", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		onHost, err := local.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer onHost.Close()
		race(t, *races, open(t, dir, ""), onHost)
	})
	t.Run("renames", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		race(t, *races/3, openWith(t, hostileOptions(t, dir, "bare")), openWith(t, hostileOptions(t, dir, "bare")))
	})
}

// race races for names. Without hard links a loser may meet the claim of the winner, and get another error than fs.ErrExist.
func race(t *testing.T, rounds int, stores ...store.Store) {
	wins := make([]int, len(stores))
	for round := range rounds {
		name := fmt.Sprintf("packs/%02x/%d", round%7, round)
		errs := make([]error, len(stores))
		var racing sync.WaitGroup
		for i, s := range stores {
			racing.Go(func() { errs[i] = s.Put(t.Context(), name, []byte{byte(i)}) })
		}
		racing.Wait()
		winners := 0
		for i, err := range errs {
			if err == nil {
				winners++
				wins[i]++
				if got, err := stores[1-i].Get(t.Context(), name, 0, -1); err != nil || len(got) != 1 || got[0] != byte(i) {
					t.Errorf("%s: got %v, %v, want the bytes of the winner", name, got, err)
				}
			}
		}
		if winners != 1 {
			t.Fatalf("%s: %d winners of %d: %v", name, winners, len(stores), errs)
		}
	}
	t.Logf("wins: %v", wins)
}

// TestHost uses one folder by SFTP and as a folder of the host, at the same time.
func TestHost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	onHost, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer onHost.Close()
	both := []store.Store{open(t, dir, ""), onHost}
	for i, s := range both {
		other, name := both[1-i], fmt.Sprintf("meta/%d", i)
		if err := s.Put(t.Context(), name, content); err != nil {
			t.Fatal(err)
		}
		if err := other.Put(t.Context(), name, nil); !errors.Is(err, fs.ErrExist) {
			t.Errorf("put by the other: got %v, want fs.ErrExist", err)
		}
		var sizes []int64
		for o, err := range other.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, o.Size)
		}
		if len(sizes) != 1 || sizes[0] != int64(len(content)) {
			t.Errorf("the other lists sizes %v", sizes)
		}
		if err := other.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), name, 0, -1); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after the other has deleted it: got %v, want fs.ErrNotExist", err)
		}
	}
}
