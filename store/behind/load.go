package behind

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A file's name is the object's number in the order, in hexadecimal digits of a fixed length, and one of these endings.
// So the files' names are in the objects' order. Other files are left alone.
const (
	numberLen = 16
	waiting   = ".put"
	temporary = ".tmp"     // is being written
	damaged   = ".damaged" // is kept for a person to look at
)

func (e *entry) file() string      { return fileName(e.number, waiting) }
func (e *entry) temporary() string { return fileName(e.number, temporary) }
func (e *entry) damaged() string   { return fileName(e.number, damaged) }

func fileName(number uint64, ending string) string {
	return fmt.Sprintf("%0*x%s", numberLen, number, ending)
}

// parseFileName is the reverse of fileName.
func parseFileName(name string) (number uint64, ending string, ok bool) {
	if len(name) < numberLen {
		return 0, "", false
	}
	number, err := strconv.ParseUint(name[:numberLen], 16, 64)
	ending = name[numberLen:]
	return number, ending, err == nil && name == fileName(number, ending)
}

// openSpool finds the objects in a folder. It reads every file: a damaged one must be neither listed nor returned. warn is
// called for each damaged file. After an error no object is lost.
func openSpool(f files, dir string, limit int64, warn func(string, ...any)) (*spool, error) {
	s := &spool{queue: queue{byName: make(map[string]*entry)}, files: f, dir: dir, limit: limit}
	names, err := f.Names()
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for _, name := range names {
		if err := s.load(name, warn); err != nil {
			return nil, err
		}
	}
	// The process before may have died between its rename and its sync. What was found must stay.
	s.dirty = true
	if err := s.settle(); err != nil {
		return nil, err
	}
	if free, known := f.Free(); known {
		s.least = free / reserve
	}
	return s, nil
}

// load takes note of a file that an earlier process has left.
func (s *spool) load(name string, warn func(string, ...any)) error {
	number, ending, ok := parseFileName(name)
	if !ok {
		return nil
	}
	s.next = max(s.next, number)
	switch ending {
	case temporary:
		return s.files.Remove(name) // its Put has not returned nil
	case damaged:
		return s.remember(name, warn)
	case waiting:
		return s.loadObject(number, warn)
	}
	return nil
}

// remember counts a file that an earlier process found damaged.
func (s *spool) remember(name string, warn func(string, ...any)) error {
	size, err := s.sizeOf(name)
	if err != nil {
		return err
	}
	s.keep(name, size)
	warn("%s is damaged and was kept: its object is missing in the store", s.aside[len(s.aside)-1])
	return nil
}

// loadObject takes note of a waiting object.
func (s *spool) loadObject(number uint64, warn func(string, ...any)) error {
	e := &entry{number: number, tried: true} // the process before may have begun to put it
	b, err := s.readFile(e.file())
	var data []byte
	if err == nil {
		e.Name, data, err = decodeRecord(b)
	}
	if err == nil {
		e.Size = int64(len(data))
		err = s.setTime(e)
	}
	if first := s.find(e.Name); err == nil && first != nil {
		return s.loadAgain(e, first, data, warn)
	}
	if errors.Is(err, errDamaged) {
		return s.setAside(e, err, warn)
	}
	if err == nil {
		s.push(e)
	}
	return err
}

// loadAgain takes note of a second file with an object of the same name. A put that failed can have left the first one,
// and then the same object was put again.
func (s *spool) loadAgain(e, first *entry, data []byte, warn func(string, ...any)) error {
	other, err := s.read(first)
	if err != nil {
		return err
	}
	if !bytes.Equal(data, other) {
		return s.setAside(e, fmt.Errorf("%w: it holds another %s than %s", errDamaged, e.Name, first.file()), warn)
	}
	return s.files.Remove(e.file())
}

// setTime sets the time of an entry to its file's.
func (s *spool) setTime(e *entry) error {
	info, err := s.stat(e.file())
	if err == nil {
		e.Time = info.ModTime()
	}
	return err
}

func (s *spool) sizeOf(name string) (int64, error) {
	info, err := s.stat(name)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (s *spool) stat(name string) (fs.FileInfo, error) {
	f, err := s.files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // it was only read
	return f.Stat()
}

// setAside gives a damaged file a name under which it is never put, and warns of it. The file stays, because a person may
// save something of it. The lock is held, or not needed yet.
func (s *spool) setAside(e *entry, why error, warn func(string, ...any)) error {
	what := strings.TrimSpace("object " + e.Name)
	size, err := s.sizeOf(e.file())
	if err == nil {
		err = s.files.Rename(e.file(), e.damaged())
	}
	if errors.Is(err, fs.ErrNotExist) {
		warn("the %s, which waited for the store, is lost: its file %s is gone", what, filepath.Join(s.dir, e.file()))
		return nil
	}
	if err != nil {
		return fmt.Errorf("set %s aside: %w", e.file(), err)
	}
	s.dirty = true
	s.keep(e.damaged(), size)
	warn("the %s, which waited for the store, is lost, and its file is kept as %s: %v", what, s.aside[len(s.aside)-1], why)
	return nil
}

// keep notes a damaged file.
func (s *spool) keep(name string, size int64) {
	s.aside = append(s.aside, filepath.Join(s.dir, name))
	s.lost += size
}

// loseHead sets aside an entry whose file turned out to be damaged or gone. Nothing happens if the entry was deleted
// meanwhile.
func (s *spool) loseHead(e *entry, why error, warn func(string, ...any)) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.find(e.Name) != e {
		return nil
	}
	if !e.leaving || !errors.Is(why, fs.ErrNotExist) {
		if err := s.setAside(e, why, warn); err != nil {
			return err
		}
	}
	s.drop(e)
	return nil
}
