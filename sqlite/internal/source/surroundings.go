package source

import (
	"fmt"

	"firn/sqlite/internal/capi"
)

// surroundings says which files lie beside a database when it is opened, and which locks other processes have.
type surroundings struct {
	wal     bool   // its header says WAL
	hasWAL  bool   // a -wal file
	hasShm  bool   // a -shm file
	used    bool   // another process has the database open
	locked  bool   // another process lets no other process in
	mounted bool   // the file itself is a mount point
	other   string // another name of the file, with a WAL or journal beside it; empty for none
}

// surroundingsOf looks around an open database, before anything was read of it.
func surroundingsOf(c *capi.Conn, path string) (surroundings, error) {
	var s surroundings
	b, err := c.Header()
	if err != nil {
		return s, err
	}
	h, _ := capi.ParseHeader(b) // SQLite says what is wrong with it
	s.hasWAL, s.hasShm = capi.Exists(path+"-wal"), capi.Exists(path+"-shm")
	s.wal = h.Mode == capi.WALMode || s.hasWAL
	if s.wal {
		s.used, s.locked = c.LockedByOthers()
		s.mounted = isMountPoint(path)
	}
	s.other, err = otherName(path)
	return s, err
}

// complete reports whether the files are there that all connections to the database share.
func (s surroundings) complete() bool { return s.hasWAL && s.hasShm }

// unused reports whether no process can have the database open in WAL mode.
func (s surroundings) unused() bool {
	return s.wal && !s.complete() && !s.elsewhere() && !s.locked // an application that is about to close has the lock too
}

// elsewhere reports whether the WAL must be in another place: a process that has the database open has both files beside
// the name by which it knows the database.
func (s surroundings) elsewhere() bool {
	return s.other != "" || s.wal && (s.used && !s.complete() || s.mounted && !s.hasWAL)
}

func (s surroundings) detached() error {
	switch {
	case s.other != "":
		return fmt.Errorf("%w: %s is another name of the file, and the journal lies beside that name", ErrDetached, s.other)
	case s.mounted:
		return fmt.Errorf("%w: only the file is mounted here, and not the folder with its WAL", ErrDetached)
	}
	return fmt.Errorf("%w: a program has the file open, but not with the -wal and -shm beside it", ErrDetached)
}
