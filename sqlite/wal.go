package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"

	"firn/sqlite/internal/capi"
)

// The parts of a WAL file that are looked at. All numbers are big-endian; salts and checksums are taken as they
// stand:
//
//	offset  size  of the header
//	    16     8  salts
//
//	offset  size  of a frame
//	     0     4  number of the page
//	     4     4  pages of the database after the commit that the frame ends; 0 if it ends none
//	     8     8  salts
//	    16     8  running checksum of the frames up to this one
//	    24        the page
const (
	walFileHeaderLen = 32
	walSalts         = 16
	frameHeaderLen   = 24
)

// frame is the header of a frame.
type frame struct {
	page, commit   uint32
	salt, checksum [2]uint32
}

// errFrames is returned for a WAL that does not tell what has changed. It is never shown.
var errFrames = errors.New("the WAL does not continue the earlier WAL")

// frames reads the headers of a WAL's frames through SQLite's own handle.
type frames struct {
	*capi.File
	pageSize int
	buffer   []byte // of a header
}

func (f frames) frame(n uint32) (frame, error) {
	at := walFileHeaderLen + int64(n-1)*int64(frameHeaderLen+f.pageSize)
	if err := f.ReadAt(f.buffer, at); err != nil {
		return frame{}, err
	}
	b := f.buffer
	return frame{
		page: binary.BigEndian.Uint32(b), commit: binary.BigEndian.Uint32(b[4:]),
		salt: pair(b[8:]), checksum: pair(b[16:]),
	}, nil
}

// salt returns the salts in the header of the file.
func (f frames) salt() ([2]uint32, error) {
	err := f.ReadAt(f.buffer, walSalts)
	return pair(f.buffer), err
}

func pair(b []byte) [2]uint32 {
	return [2]uint32{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}

// walChanges lists the pages that were written between two states of a WAL.
type walChanges struct {
	pages    map[int64]bool // their numbers
	smallest int64          // least number of pages that the database had meanwhile: later pages have been made anew
}

// walChangesOf returns the changes from old to the state that the open transaction sees. Every page that has changed
// has a frame after the last frame of old: only a checkpoint writes to the file itself, and it writes content of
// frames. A page that was cut off may come back from the file as zeros, without a frame.
func walChangesOf(c *capi.Conn, old, now WALState) (*walChanges, error) {
	w, err := c.WAL()
	if err != nil {
		return nil, err
	}
	f := frames{w, now.PageSize, c.Alloc(frameHeaderLen)}
	defer c.Free(f.buffer)
	if err := f.continues(old, now); err != nil {
		return nil, err
	}
	changed := &walChanges{make(map[int64]bool), int64(min(old.Pages, now.Pages))}
	for n := old.Frames + 1; n <= now.Frames; n++ {
		frame, err := f.frame(n)
		if err != nil {
			return nil, err
		}
		if frame.salt != now.Salt || frame.page == 0 {
			return nil, fmt.Errorf("%w: frame %d", errFrames, n)
		}
		changed.pages[int64(frame.page)] = true
		if frame.commit > 0 {
			changed.smallest = min(changed.smallest, int64(frame.commit))
		}
	}
	// A writer restarts a WAL under a reader that needs nothing of it. It writes the header first: as long as the
	// header is the same, so were all frames that were read.
	if salt, err := f.salt(); err != nil || salt != now.Salt {
		return nil, errors.Join(errFrames, err)
	}
	return changed, nil
}

// continues checks that the WAL was only appended to since old. The running checksum covers all earlier frames.
func (f frames) continues(old, now WALState) error {
	if old.Frames == 0 || old.Frames > now.Frames || old.Salt != now.Salt || old.PageSize != now.PageSize {
		return errFrames
	}
	then, err := f.frame(old.Frames)
	if err != nil {
		return err
	}
	last, err := f.frame(now.Frames)
	if err != nil {
		return err
	}
	if then.salt != old.Salt || then.checksum != old.Checksum || then.commit != old.Pages ||
		last.salt != now.Salt || last.checksum != now.Checksum || last.commit != now.Pages {
		return errFrames
	}
	return nil
}
