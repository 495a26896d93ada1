package repo_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"firn/repo"
	"firn/snapshot"
	"firn/store/mem"
	"firn/store/storetest"
)

// heldImage can be read again for as long as it is held.
type heldImage struct {
	*sparseImage
	held, released bool
	known          bool // the changes are told
}

// held is a source of an image that follows before.
func held(b, before []byte, known bool) (repo.Source, *heldImage) {
	_, sparse := sparsely(b, before)
	i := &heldImage{sparseImage: sparse, known: known}
	return func(context.Context) (repo.SourceImage, error) { return i, nil }, i
}

func (i *heldImage) Changed(since *snapshot.Snapshot) ([][2]int64, bool) {
	ranges, known := i.sparseImage.Changed(since)
	return ranges, known && i.known
}

func (i *heldImage) Hold()          { i.held = true }
func (i *heldImage) Held() bool     { return i.held && !i.released }
func (i *heldImage) Release() error { i.released = true; return nil }

func (i *heldImage) ReadAt(p []byte, offset int64) (int, error) {
	if !i.Held() {
		return 0, fmt.Errorf("the image is not held")
	}
	return bytes.NewReader(i.b).ReadAt(p, offset)
}

// prover compares what it is shown with the images as they are.
type prover struct {
	t             *testing.T
	before, after []byte
	seen          int
	last          *repo.Change
}

func (p *prover) prove(_ context.Context, c *repo.Change) *snapshot.Verification {
	p.seen++
	p.last = c
	v := &snapshot.Verification{Time: time.Unix(1_700_000_000, 0).UTC(), How: fmt.Sprintf("look %d", p.seen)}
	if c.Same {
		if !bytes.Equal(p.before, p.after) {
			p.t.Error("two images pass for one")
		}
		return v
	}
	p.compare("new", c.Image, c.Size, p.after)
	if c.Older != nil {
		p.compare("older", c.Older, c.OlderSize, p.before)
		p.checkRanges(c)
	}
	return v
}

func (p *prover) compare(name string, r io.ReaderAt, size int64, want []byte) {
	got := make([]byte, size)
	if n, err := r.ReadAt(got, 0); n != len(want) || err != nil && err != io.EOF || !bytes.Equal(got, want) {
		p.t.Errorf("the %s image has %d bytes (%v), or wrong ones: want %d", name, n, err, len(want))
	}
}

// checkRanges checks that the images are the same outside of the ranges.
func (p *prover) checkRanges(c *repo.Change) {
	at, common := int64(0), int64(min(len(p.before), len(p.after)))
	check := func(to int64) {
		if to = min(to, common); at < to && !bytes.Equal(p.before[at:to], p.after[at:to]) {
			p.t.Errorf("bytes %d to %d differ, and are in no range", at, to)
		}
	}
	for from, to := range c.Differing {
		check(from)
		at = to
	}
	check(common)
}

// alter changes an image as a database changes, or as a copier may: bytes move, too.
func alter(r *rand.Rand, b []byte) []byte {
	b = touch(b, r.Uint64(), 1+r.IntN(4))
	switch r.IntN(6) {
	case 0:
		return append(b, pages(r.Uint64(), 1+r.IntN(60))...)
	case 1:
		return b[:len(b)/2/4096*4096]
	case 2:
		from, to := r.IntN(len(b)/4096)*4096, r.IntN(len(b)/4096)*4096 // a piece is copied to another place
		return append(b[:from:from], append(bytes.Clone(b[to:]), b[from:]...)...)
	}
	return b
}

// TestProve shows each new image and the one before to a caller, in all ways in which images are read.
func TestProve(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		for name, source := range map[string]func(b, before []byte) repo.Source{
			"Plain": func(b, _ []byte) repo.Source { return fingerprinted(b, "") },
			"Held": func(b, before []byte) repo.Source {
				s, _ := held(b, before, false)
				return s
			},
			"SparselyHeld": func(b, before []byte) repo.Source {
				s, _ := held(b, before, true)
				return s
			},
		} {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				r := rand.New(rand.NewPCG(seed, 0))
				b := pages(seed, 300)
				p := &prover{t: t, after: b}
				for range 8 {
					opts := repo.BackupOptions{Environment: "production", Database: "app", Prove: p.prove}
					result, err := open(t, w.st).Backup(t.Context(), source(p.after, p.before), opts)
					if err != nil {
						t.Fatal(err)
					}
					w.images[result.Snapshot.ID] = p.after
					compared := p.before != nil
					if plain := name == "Plain"; p.last == nil != (plain && !compared) || p.last != nil && (p.last.Older != nil) != compared {
						t.Errorf("got %+v", p.last)
					}
					p.checkRecord(w, result.Snapshot)
					p.before, p.last = p.after, nil
					if p.after = alter(r, p.after); len(p.after) > 8<<20 {
						p.after = p.after[:4<<20]
					}
				}
				w.verify(t)
			})
		}
	}
}

// checkRecord checks that the outcome is in the record.
func (p *prover) checkRecord(w *world, s *snapshot.Snapshot) {
	p.t.Helper()
	list, err := open(p.t, w.st).Snapshots(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	got := list[0]
	if got.ID != s.ID || (got.Proof != nil) != (p.last != nil) || got.Proof != got.Verified {
		p.t.Fatalf("got %+v", got)
	}
	if got.Proof != nil && got.Proof.How != fmt.Sprintf("look %d", p.seen) {
		p.t.Errorf("got %+v after %d looks", got.Proof, p.seen)
	}
}

// TestProveSame looks at images that have not changed.
func TestProveSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := pages(1, 100)
	p := &prover{t: t, before: b, after: b}
	for name, source := range map[string]repo.Source{"Unchanged": fingerprinted(b, "x"), "ReadWhole": fingerprinted(b, "")} {
		if _, err := open(t, w.st).Backup(t.Context(), fingerprinted(b, "x"), repo.BackupOptions{Environment: "production", Database: "app"}); err != nil {
			t.Fatal(err)
		}
		result, err := open(t, w.st).Backup(t.Context(), source, repo.BackupOptions{Environment: "production", Database: "app", Prove: p.prove})
		if err != nil || p.last == nil || !p.last.Same || result.Snapshot.Proof == nil {
			t.Errorf("%s: got %+v, %v", name, p.last, err)
		}
		p.last = nil
	}
}

// TestProveRounds looks at the images of rounds, while their blobs are not stored yet.
func TestProveRounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rounds, err := open(t, w.st).NewRounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 0))
	images := map[string]*prover{"a": {t: t, after: pages(1, 60)}, "b": {t: t, after: pages(2, 80)}}
	for range 6 {
		var members []repo.RoundMember
		for env, p := range images {
			source := fingerprinted(p.after, "")
			if env == "a" {
				source, _ = held(p.after, p.before, true)
			}
			members = append(members, repo.RoundMember{Source: source, Options: repo.BackupOptions{Environment: env, Database: "app", Prove: p.prove}})
		}
		result, err := rounds.Take(t.Context(), members)
		if err == nil {
			_, err = rounds.Confirm(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range result.Members {
			if m.Err != nil {
				t.Fatal(m.Err)
			}
			p := images[m.Snapshot.Environment]
			if (p.before != nil) != (p.last != nil && p.last.Older != nil) || (m.Snapshot.Proof != nil) != (p.last != nil) {
				t.Errorf("%s: got %+v of %+v", m.Snapshot.Environment, p.last, m.Snapshot.Proof)
			}
			w.images[m.Snapshot.ID] = p.after
			p.before, p.after, p.last = p.after, alter(r, p.after), nil
		}
	}
	w.verify(t)
}

// TestProveNotStreams checks that bytes that are no database are not looked at.
func TestProveNotStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := &prover{t: t}
	stream := func(context.Context) (repo.SourceImage, error) {
		_, i := held(pages(1, 2), nil, false)
		return streamImage{i}, nil
	}
	result, err := open(t, w.st).Backup(t.Context(), stream, repo.BackupOptions{Environment: "production", Database: "dump", Prove: p.prove})
	if err != nil || p.seen > 0 || result.Snapshot.Proof != nil {
		t.Errorf("got %d looks, %+v, %v", p.seen, result, err)
	}
}

type streamImage struct{ *heldImage }

func (streamImage) Describe() snapshot.Image { return snapshot.Image{Export: snapshot.ExportStream} }

// liveHeldImage holds its source up until it was read and released.
type liveHeldImage struct {
	*heldImage
	source *liveSource
}

func (i *liveHeldImage) Live() bool { return i.source.live.Load() }

func (i *liveHeldImage) Read(p []byte) (int, error) {
	i.source.reading.Store(true)
	return i.heldImage.Read(p)
}

func (i *liveHeldImage) Release() error {
	i.source.let()
	return i.heldImage.Release()
}

func (i *liveHeldImage) Close() error { return i.Release() }

// TestProveNotForTheStore checks that an image is let go while the store is slow, whatever was to be looked at.
func TestProveNotForTheStore(t *testing.T) {
	t.Parallel()
	before := pages(1, 300)
	st := mem.New()
	take(t, newRepo(t, st), "production", before)
	source := newLiveSource(touch(before, 2, 20), "")
	ended := make(chan struct{})
	r := open(t, storetest.NewHooked(st, func(string, string) {
		if source.reading.Load() {
			source.await(t, ended)
		}
	}))
	_, i := held(source.b, before, false)
	open := func(context.Context) (repo.SourceImage, error) {
		source.live.Store(true)
		return &liveHeldImage{i, source}, nil
	}
	p := &prover{t: t, before: before, after: source.b}
	result, err := r.Backup(t.Context(), open, repo.BackupOptions{Environment: "production", Database: "app", Prove: p.prove})
	close(ended)
	if err != nil || p.seen > 0 && result.Snapshot.Proof == nil {
		t.Errorf("got %+v, %v", result, err)
	}
}
