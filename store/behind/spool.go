package behind

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"syscall"

	"firn/report"
	"firn/store"
	"firn/store/local"
)

// reserve is the divisor for the part of the free space that the spool leaves to other programs: one tenth, as package
// spool does. The application may write to the same disk.
const reserve = 10

// spool is the waiting objects on the disk, a record for each. What the queue knows and what the folder holds is the
// same, but for the file that is being written.
type spool struct {
	queue
	files files
	dir   string // for messages
	limit int64  // bytes of all files
	least int64  // bytes of free space that are left to other programs

	// changing is held while the folder changes. So the objects' numbers are in the order in which their puts were
	// confirmed, and the limit is kept. It is locked before queue.mu.
	changing sync.Mutex
	next     uint64   // number of the next object
	dirty    bool     // a change of the names may not be on the disk
	stray    string   // the file of a put that has failed, which could not be removed
	aside    []string // damaged files that were kept
	lost     int64    // bytes of these
	closed   bool
}

// fullError is the error of a spool without room. It matches [store.ErrNoSpace], whose text speaks of the store.
type fullError struct{ why string }

// Error says which of the two has no room: the spool, or its disk.
func (e *fullError) Error() string { return e.why }

// Is reports whether target is [store.ErrNoSpace].
func (e *fullError) Is(target error) bool { return target == store.ErrNoSpace }

// waits reports whether any object waits.
func (s *spool) waits() bool { return s.head() != nil }

// add puts an object at the end of the order. When it returns nil the object survives a power cut. done is of a put to
// the store that has begun, nil for none. The error matches fs.ErrExist if an object of the name waits; [store.ErrNoSpace]
// if there is no room; [store.ErrTooLarge]; or nothing. After an error the earlier objects wait as before.
func (s *spool) add(name string, data []byte, done <-chan struct{}) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if err := s.admit(name, int64(len(data))); err != nil {
		return err
	}
	if err := s.removeStray(); err != nil {
		return s.unusable(err) // it may be of the same name
	}
	s.next++
	e := &entry{Object: store.Object{Name: name, Size: int64(len(data))}, number: s.next, tried: done != nil, done: done}
	err := s.write(e, data)
	if err == nil {
		s.push(e)
		return nil
	}
	return s.unusable(err)
}

// unusable returns the error for one of the disk. It keeps only the text: the disk's errors match fs.ErrNotExist and
// others, and these have another meaning in a [store.Store].
func (s *spool) unusable(err error) error {
	if local.IsFull(err) {
		return &fullError{fmt.Sprintf("the disk of its spool %s is full: %v", s.dir, err)}
	}
	return fmt.Errorf("its spool %s takes nothing: %v", s.dir, err)
}

// admit returns an error unless the spool may take an object.
func (s *spool) admit(name string, size int64) error {
	switch {
	case s.closed:
		return fmt.Errorf("its spool %s is closed", s.dir)
	case s.find(name) != nil:
		return fs.ErrExist
	case len(name) > maxName || size > store.MaxObject:
		return store.ErrTooLarge // it would be taken for damaged when it is read
	}
	need, used := recordSize(name, size), s.diskBytes()+s.lost
	if need > s.limit-used {
		return &fullError{fmt.Sprintf("its spool %s is full: %s of %s are used, and %s more are needed", s.dir, report.Size(used), report.Size(s.limit), report.Size(need))}
	}
	if free, known := s.files.Free(); known && free-need < s.least {
		return &fullError{fmt.Sprintf("the disk of its spool %s is full: %s are free, and %s are left to other programs", s.dir, report.Size(free), report.Size(s.least))}
	}
	return nil
}

// write makes the object's file in steps of which each relies on the steps before it. After an error nothing of it
// remains, but for what removeStray and load remove.
func (s *spool) write(e *entry, data []byte) error {
	// 1. All bytes are on the disk under a temporary name. If the final name became durable first, a power cut would
	// leave a part of an object.
	if err := s.writeTemporary(e, data); err != nil {
		_ = s.files.Remove(e.temporary())
		return err
	}
	// 2. The final name appears in one step. It is new, because no number is given twice. 3. It is on the disk.
	err := s.files.Rename(e.temporary(), e.file())
	if err == nil {
		err = s.files.Sync()
	}
	if err == nil {
		s.dirty = false
		return nil
	}
	_ = s.files.Remove(e.temporary())
	s.stray = e.file()
	_ = s.removeStray() // or later
	return err
}

// removeStray removes the file of a put that has failed. Until it is gone, no other object is added, and no deletion is
// confirmed: the object could come back.
func (s *spool) removeStray() error {
	if s.stray == "" {
		return nil
	}
	s.dirty = true
	if err := s.files.Remove(s.stray); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.stray = ""
	return nil
}

// writeTemporary writes the file under a temporary name, and sets the time of the entry to the file's.
func (s *spool) writeTemporary(e *entry, data []byte) error {
	f, err := s.files.Create(e.temporary())
	if err != nil {
		return err
	}
	err = writeTo(f, recordHead(e.Name, data), data)
	info, statErr := f.Stat()
	if statErr == nil {
		e.Time = info.ModTime()
	}
	return errors.Join(err, statErr, f.Close())
}

// writeTo writes the parts and makes them durable.
func writeTo(f file, parts ...[]byte) error {
	for _, part := range parts {
		if _, err := f.Write(part); err != nil {
			return err
		}
	}
	return f.Sync()
}

// settle makes earlier changes of the names durable. A file that a drain has removed may come back after a power cut
// before that: it is put again, which does no harm until the object is deleted from the store.
func (s *spool) settle() error {
	err := s.removeStray()
	if err == nil && s.dirty {
		err = s.files.Sync()
	}
	if err != nil {
		return fmt.Errorf("make the changes in %s durable: %w", s.dir, err)
	}
	s.dirty = false
	return nil
}

// sync is settle for callers that do not hold the lock.
func (s *spool) sync() error {
	s.changing.Lock()
	defer s.changing.Unlock()
	return s.settle()
}

// remove removes an object that was put, unless it was deleted meanwhile. The removal is durable after the next settle.
func (s *spool) remove(e *entry) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.find(e.Name) != e {
		return nil
	}
	return s.discard(e)
}

// discard is remove for callers that hold the lock. A file that is gone is no error: an earlier try may have removed it.
func (s *spool) discard(e *entry) error {
	s.dirty = true
	if err := s.files.Remove(e.file()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.leaving = true
		return fmt.Errorf("remove %s from the spool %s: %w", e.Name, s.dir, err)
	}
	s.drop(e)
	return nil
}

// begin notes that a put of the object to the store begins, which closes done at its end. It reports false if the object
// was deleted meanwhile: it must not come to the store then.
func (s *spool) begin(e *entry, done <-chan struct{}) bool {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.find(e.Name) != e {
		return false
	}
	e.tried, e.done = true, done
	return true
}

// underWay returns a channel that is closed when no put of the entry's object is under way; nil if none has begun.
func (s *spool) underWay(e *entry) <-chan struct{} {
	s.changing.Lock()
	defer s.changing.Unlock()
	return e.done
}

// read returns an entry's object. The error matches errDamaged, fs.ErrNotExist, or is another one of the disk.
func (s *spool) read(e *entry) ([]byte, error) {
	b, err := s.readFile(e.file())
	if err != nil {
		return nil, err
	}
	name, data, err := decodeRecord(b)
	if err == nil && name != e.Name {
		err = fmt.Errorf("%w: it holds %s", errDamaged, name)
	}
	return data, err
}

// readFile returns the bytes of a file. A sector that cannot be read is damage, as wrong bytes are. Other errors, such as
// that of a process with too many open files, say nothing about the file.
func (s *spool) readFile(name string) ([]byte, error) {
	f, err := s.files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxRecord {
		return nil, fmt.Errorf("%w: it is not a file of the spool", errDamaged)
	}
	b := make([]byte, info.Size())
	_, err = f.ReadAt(b, 0)
	switch {
	case err == io.EOF, errors.Is(err, syscall.EIO):
		return nil, fmt.Errorf("%w: %v", errDamaged, err)
	case err != nil:
		return nil, err
	}
	return b, nil
}
