package behind

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"
)

// disk is a folder in memory that knows what a power cut would leave: of a file the bytes before its last sync, of the
// folder the names before its last sync. One call, or all calls from one on, can fail.
type disk struct {
	names, kept map[string]*inode // as the process sees them; as they are on the disk
	calls       int
	fault       diskFault
	log         []string
	free        int64 // 0 for not known
}

type inode struct{ data, kept []byte }

// diskFault is a fault at a call of the disk.
type diskFault struct {
	at   int // from 1; 0 for none
	kind faultKind
}

type faultKind int

const (
	failOnce  faultKind = iota // without an effect
	failSince                  // this call, and all later ones
	lostOnce                   // with its effect
	fullOnce                   // a write of a half
	fullSince                  // no call that needs room succeeds any more
	faultKinds
)

var errDisk = fmt.Errorf("injected: %w", syscall.EROFS)

func newDisk() *disk { return &disk{names: map[string]*inode{}, kept: map[string]*inode{}} }

// call counts a call. It reports whether the call has an effect, and the error of the call.
func (d *disk) call(op, name string) (effect bool, err error) {
	d.calls++
	d.log = append(d.log, op+" "+name)
	needsRoom := op == "create" || op == "write" || op == "sync"
	switch hit := d.calls == d.fault.at; {
	case d.fault.at == 0 || d.calls < d.fault.at:
		return true, nil
	case d.fault.kind == failSince, hit && d.fault.kind == failOnce:
		return false, errDisk
	case hit && d.fault.kind == lostOnce:
		return true, errDisk
	case needsRoom && (d.fault.kind == fullSince || hit && d.fault.kind == fullOnce):
		return false, syscall.ENOSPC
	}
	return true, nil
}

func (d *disk) Names() ([]string, error) {
	if _, err := d.call("names", ""); err != nil {
		return nil, err
	}
	return slices.Collect(maps.Keys(d.names)), nil
}

func (d *disk) Create(name string) (file, error) {
	effect, err := d.call("create", name)
	if effect {
		if d.names[name] != nil {
			return nil, fs.ErrExist
		}
		d.names[name] = &inode{}
	}
	if err != nil {
		return nil, err
	}
	return &openFile{d, name, d.names[name]}, nil
}

func (d *disk) Open(name string) (file, error) {
	if _, err := d.call("open", name); err != nil {
		return nil, err
	}
	if d.names[name] == nil {
		return nil, fs.ErrNotExist
	}
	return &openFile{d, name, d.names[name]}, nil
}

func (d *disk) Rename(from, to string) error {
	effect, err := d.call("rename", from)
	if effect {
		if d.names[from] == nil {
			return fs.ErrNotExist
		}
		d.names[to] = d.names[from]
		delete(d.names, from)
	}
	return err
}

func (d *disk) Remove(name string) error {
	effect, err := d.call("remove", name)
	if effect {
		if d.names[name] == nil {
			return fs.ErrNotExist
		}
		delete(d.names, name)
	}
	return err
}

func (d *disk) Sync() error {
	effect, err := d.call("syncfolder", "")
	if effect {
		d.kept = maps.Clone(d.names)
	}
	return err
}

func (d *disk) Free() (int64, bool) { return d.free, d.free > 0 }

type openFile struct {
	d    *disk
	name string
	*inode
}

func (f *openFile) Write(b []byte) (int, error) {
	effect, err := f.d.call("write", f.name)
	if !effect {
		b = b[:len(b)/2]
	}
	f.data = append(f.data, b...)
	return len(b), err
}

func (f *openFile) ReadAt(b []byte, off int64) (int, error) {
	if _, err := f.d.call("read", f.name); err != nil {
		return 0, err
	}
	n := copy(b, f.data[min(off, int64(len(f.data))):])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *openFile) Sync() error {
	effect, err := f.d.call("sync", f.name)
	if effect {
		f.kept = slices.Clone(f.data)
	}
	return err
}

func (f *openFile) Close() error {
	_, err := f.d.call("close", f.name)
	return err
}

func (f *openFile) Stat() (fs.FileInfo, error) {
	if _, err := f.d.call("stat", f.name); err != nil {
		return nil, err
	}
	return info{int64(len(f.data))}, nil
}

type info struct{ size int64 }

func (i info) Size() int64      { return i.size }
func (info) Name() string       { return "" }
func (info) Mode() fs.FileMode  { return 0o600 }
func (info) ModTime() time.Time { return time.Unix(1, 0) }
func (info) IsDir() bool        { return false }
func (info) Sys() any           { return nil }

// crash is the end of a process.
type crash int

const (
	killed   crash = iota // all that was done is there
	powerCut              // all that was not synced is gone
	mixed                 // of all that was not synced, any part is there
	crashes
)

// after returns the disk that the next process finds.
func (d *disk) after(c crash, rng *rand.Rand) *disk {
	next := newDisk()
	for _, name := range slices.Sorted(maps.Keys(union(d.names, d.kept))) {
		node := d.names[name]
		if c == powerCut || c == mixed && rng.IntN(2) == 0 {
			node = d.kept[name]
		}
		if node != nil {
			b := node.left(c, rng)
			next.names[name] = &inode{b, b}
		}
	}
	next.kept = maps.Clone(next.names)
	return next
}

func union(a, b map[string]*inode) map[string]*inode {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// left returns the bytes of a file after a crash. A part that was not synced may be there, be missing, or be zeros.
func (n *inode) left(c crash, rng *rand.Rand) []byte {
	if c == killed {
		return slices.Clone(n.data)
	}
	b := slices.Clone(n.kept)
	if c == mixed && len(n.data) > len(n.kept) {
		more := n.data[len(n.kept):]
		more = more[:rng.IntN(len(more)+1)]
		if rng.IntN(2) == 0 {
			more = make([]byte, len(more))
		}
		b = append(b, more...)
	}
	return b
}
