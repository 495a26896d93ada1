package behind

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"firn/store"
	"firn/store/mem"
)

// content returns the bytes that the tests put under a name.
func content(name string) []byte { return bytes.Repeat([]byte(name+","), 20) }

// logged is a store in memory that can be away, and fails a test that puts other bytes than content's.
type logged struct {
	*mem.Store
	t    *testing.T
	away bool
	lost bool // puts arrive, and their answers do not
	puts []string
}

func (l *logged) Put(ctx context.Context, name string, data []byte) error {
	if l.away {
		return store.ErrUnreachable
	}
	if !bytes.Equal(data, content(name)) {
		l.t.Errorf("put %s: got %q, want what was put", name, data)
	}
	err := l.Store.Put(ctx, name, data)
	if err == nil {
		l.puts = append(l.puts, name)
	}
	if l.lost {
		return store.ErrUnreachable
	}
	return err
}

// trial is one run of the script in which the disk fails somewhere.
type trial struct {
	t         *testing.T
	d         *disk
	of        *logged
	s         *Store
	confirmed []string        // objects whose put has returned nil, in this order, and which nobody has begun to delete
	deleted   map[string]bool // objects whose deletion has returned nil
}

func newTrial(t *testing.T, fault diskFault) *trial {
	r := &trial{t: t, d: newDisk(), of: &logged{Store: mem.New(), t: t}, deleted: map[string]bool{}}
	r.d.fault = fault
	return r
}

// run opens a spool and uses it. All may fail, but the results must be true.
func (r *trial) run() {
	if !r.open() {
		return
	}
	r.of.away = true
	r.put("a", "b", "c", "d")
	r.delete("b")
	r.put("b") // may fail if it was deleted in vain
	r.of.away, r.of.lost = false, true
	r.drain()
	r.of.lost = false
	r.put("e")
	r.drain()
	r.put("f")
	r.of.away = true
	r.put("g", "h")
	if !r.open() { // a new process, after the old one was killed
		return
	}
	r.put("i", "h")
	r.delete("g")
	r.of.away = false
	r.drain()
	r.delete("a", "i")
	r.put("j")
}

func (r *trial) open() bool {
	s, err := newStore(r.d, "spool", r.of, 1<<20, Options{Warn: warnOnlyOfStore(r.t)})
	r.s = s
	return err == nil
}

// warnOnlyOfStore fails a test that is warned of a damaged file: no fault of a call damages one.
func warnOnlyOfStore(t *testing.T) func(string, ...any) {
	return func(format string, args ...any) {
		if !strings.HasPrefix(format, "the store is away") {
			t.Errorf("warning: "+format, args...)
		}
	}
}

func (r *trial) put(names ...string) {
	for _, name := range names {
		delete(r.deleted, name) // an object whose put fails may exist
		err := r.s.Put(r.t.Context(), name, content(name))
		switch {
		case err == nil && slices.Contains(r.confirmed, name):
			r.t.Errorf("put %s: got nil twice", name)
		case err == nil:
			r.confirmed = append(r.confirmed, name)
		case errors.Is(err, fs.ErrExist):
			// An earlier put has confirmed it, or it could not be deleted.
		case errors.Is(err, fs.ErrNotExist):
			r.t.Errorf("put %s: got %v, which looks like a missing object", name, err)
		case r.d.fault.kind >= fullOnce && slices.ContainsFunc(slices.Collect(maps.Keys(r.d.names)), isTemporary):
			r.t.Errorf("put %s: got %v, and a part of the object remains", name, err)
		case r.d.fault.kind >= fullOnce && !errors.Is(err, store.ErrNoSpace):
			r.t.Errorf("put %s: got %v, want ErrNoSpace", name, err)
		}
	}
}

func isTemporary(name string) bool { return strings.HasSuffix(name, temporary) }

func (r *trial) delete(names ...string) {
	r.confirmed = slices.DeleteFunc(r.confirmed, func(name string) bool { return slices.Contains(names, name) })
	if err := r.s.Delete(r.t.Context(), names...); err == nil {
		for _, name := range names {
			r.deleted[name] = true
		}
	}
}

func (r *trial) drain() { _ = r.s.Drain(r.t.Context()) }

// check opens the spool that a crash has left, on a sound disk, and drains it into the store.
func (r *trial) check(d *disk) {
	t := r.t
	of := &logged{Store: r.clone(), t: t, puts: slices.Clone(r.of.puts)}
	s, err := newStore(d, "spool", of, 1<<20, Options{Warn: warnOnlyOfStore(t)})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // before and after the drain
		for _, name := range r.confirmed {
			if got, err := s.Get(t.Context(), name, 0, -1); err != nil || !bytes.Equal(got, content(name)) {
				t.Errorf("get %s, which was confirmed: got %q, %v, want what was put", name, got, err)
			}
		}
		for name := range r.deleted {
			if _, err := s.Get(t.Context(), name, 0, -1); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("get %s, which was deleted: got %v, want fs.ErrNotExist", name, err)
			}
		}
		if err := s.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for name := range d.names {
		t.Errorf("file %s is left after a drain", name)
	}
	order := slices.DeleteFunc(slices.Clone(of.puts), func(name string) bool { return !slices.Contains(r.confirmed, name) })
	if !slices.Equal(order, r.confirmed) {
		t.Errorf("the objects came as %q, want %q", order, r.confirmed)
	}
}

// clone returns a store with the same objects.
func (r *trial) clone() *mem.Store {
	copied := mem.New()
	for o, err := range r.of.List(r.t.Context(), "") {
		if err != nil {
			r.t.Fatal(err)
		}
		if err := copied.Put(r.t.Context(), o.Name, content(o.Name)); err != nil {
			r.t.Fatal(err)
		}
	}
	return copied
}

var seedFlag = flag.Uint64("seed", 0, "seed of the power cuts; 0 for a random one")

func seedOf(t *testing.T) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-seed %d", seed)
	return seed
}

// TestFaults lets each call of the file system fail in each way, and ends the process there or later in each way.
func TestFaults(t *testing.T) {
	t.Parallel()
	seed := seedOf(t)
	for kind := range faultKinds {
		t.Run(fmt.Sprint("kind=", kind), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, uint64(kind)))
			for at, hit := 1, true; hit && !t.Failed(); at++ {
				r := newTrial(t, diskFault{at, kind})
				r.run()
				hit = r.d.calls >= at
				for c := range crashes {
					for range 4 {
						r.check(r.d.after(c, rng))
					}
				}
				if t.Failed() {
					t.Logf("fault at call %d, %v", at, r.d.log[:min(at, len(r.d.log))])
				}
			}
		})
	}
}

// TestPowerCuts cuts the power after each call of the file system.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(seedOf(t), 0))
	for at, hit := 1, true; hit && !t.Failed(); at++ {
		r := newTrial(t, diskFault{at, failSince})
		r.run()
		hit = r.d.calls >= at
		for range 50 {
			r.check(r.d.after(mixed, rng))
		}
	}
}

// TestWithoutFault checks that the script confirms everything, so that the other tests test something.
func TestWithoutFault(t *testing.T) {
	t.Parallel()
	r := newTrial(t, diskFault{})
	r.run()
	if want := []string{"c", "d", "b", "e", "f", "h", "j"}; !slices.Equal(r.confirmed, want) || len(r.deleted) != 3 {
		t.Errorf("confirmed %q, deleted %v, want %q and 3", r.confirmed, r.deleted, want)
	}
}

// TestFoundIsDurable opens a folder whose names were never synced. What was found must survive a power cut.
func TestFoundIsDurable(t *testing.T) {
	t.Parallel()
	r := newTrial(t, diskFault{})
	r.of.away = true
	r.open()
	r.put("a")
	r.d.kept = map[string]*inode{}
	r.open()
	r.check(r.d.after(powerCut, nil))
}

// TestStray lets a put fail so that its file stays, and puts other bytes under the name. These must be the object.
func TestStray(t *testing.T) {
	t.Parallel()
	r := newTrial(t, diskFault{})
	r.of.away = true
	r.open()
	before := r.d.calls
	r.put("a")
	aPut := r.d.calls - before // of which the last call is the sync of the folder
	r.delete("a")
	r.d.fault = diskFault{r.d.calls + aPut, failSince}
	if err := r.s.Put(t.Context(), "a", []byte("other")); err == nil || len(r.d.names) != 1 {
		t.Fatalf("got %v and files %v, want an error and a file", err, r.d.names)
	}
	if err := r.s.Delete(t.Context(), "a"); err == nil {
		t.Error("a deletion while the file cannot be removed: got nil, want an error")
	}
	if err := r.s.Put(t.Context(), "a", nil); err == nil {
		t.Error("a put while the file cannot be removed: got nil, want an error")
	}
	r.d.fault = diskFault{}
	r.put("a")
	r.check(r.d.after(killed, nil))
}

// TestReserve checks that the spool leaves room to other programs.
func TestReserve(t *testing.T) {
	t.Parallel()
	r := newTrial(t, diskFault{})
	r.of.away = true
	r.d.free = 10_000 // of which 1,000 are left
	r.open()
	need := recordSize("a", int64(len(content("a"))))
	for _, tt := range []struct {
		free int64
		want error
	}{{1_000 + need - 1, store.ErrNoSpace}, {1_000 + need, nil}} {
		r.d.free = tt.free
		if err := r.s.Put(t.Context(), "a", content("a")); !errors.Is(err, tt.want) {
			t.Errorf("with %d bytes free: got %v, want %v", tt.free, err, tt.want)
		}
	}
}
