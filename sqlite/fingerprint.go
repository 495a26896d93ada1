package sqlite

import (
	"io/fs"
	"os"
	"time"

	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/follow"
	"firn/sqlite/internal/source"
)

// Fingerprint identifies the content of a database well enough to prove that since then nothing was committed, nor
// written past SQLite. It is cheap to take, and is meant to be stored as JSON. The zero Fingerprint is equal to no
// other.
type Fingerprint struct {
	Device uint64     `json:"device,omitempty"` // of the database file; 0 where the platform does not tell
	Inode  uint64     `json:"inode,omitempty"`
	WAL    *WALState  `json:"wal,omitempty"` // in WAL mode, once something was written to this WAL
	File   *FileState `json:"file,omitempty"`
}

// WALState is the end of a WAL as one transaction sees it. The salts are random, and the checksum covers every
// earlier frame: no two contents share both, and no clock is involved.
type WALState struct {
	Salt     [2]uint32 `json:"salt"`
	Checksum [2]uint32 `json:"checksum"` // running checksum up to the last frame
	Frames   uint32    `json:"frames"`
	Pages    uint32    `json:"pages"`
	PageSize int       `json:"page_size"`
	Change   uint32    `json:"change"` // SQLite's counter of changes to the WAL-index header
}

// FileState describes a database file from outside. The WAL proves nothing about the file: to copy another file over
// the database, or to put an older disk back, leaves the WAL as it was, and the file may hold the WAL's content
// already.
type FileState struct {
	Size       int64  `json:"size"`
	ModTime    int64  `json:"mtime"` // nanoseconds since 1970
	ChangeTime int64  `json:"ctime"`
	Header     []byte `json:"header"`  // the 100-byte database header, with the change counter
	Settled    bool   `json:"settled"` // older than 2 seconds, and without a journal or WAL beside it that has no WALState
}

// Same reports whether two fingerprints prove the same content. If it is false, nothing is known.
func (f Fingerprint) Same(old Fingerprint) bool { return f.same(old) }

// same reports whether two fingerprints prove the same content. Where they prove nothing it is false: a wrong false
// costs a scan, a wrong true would cost data.
//
// A checkpoint only writes content of the WAL to the file. It costs a scan all the same: it cannot be told from
// another file that was copied over the database.
func (f Fingerprint) same(old Fingerprint) bool {
	switch {
	case !f.sameFile(old):
		return false
	case f.WAL != nil && old.WAL != nil:
		return f.WAL.same(*old.WAL)
	}
	return f.WAL == nil && old.WAL == nil
}

// sameFile reports whether nothing was written to the database file itself.
func (f Fingerprint) sameFile(old Fingerprint) bool {
	return f.Inode != 0 && f.Inode == old.Inode && f.Device == old.Device &&
		f.File != nil && old.File != nil && f.File.same(*old.File)
}

func (w WALState) same(old WALState) bool {
	if w == old {
		return true
	}
	// A checkpoint that restarts or truncates the WAL adds one to the first salt, draws the second anew, and keeps
	// everything else as it was until the next commit.
	reset := WALState{
		Salt:     [2]uint32{old.Salt[0] + 1, w.Salt[1]},
		Checksum: old.Checksum, Frames: 0, Pages: old.Pages, PageSize: old.PageSize, Change: old.Change,
	}
	if w == reset {
		return true
	}
	w.Change = old.Change // a recovery after a crash begins to count anew
	return w == old
}

func (f FileState) same(old FileState) bool {
	return f.Settled && old.Settled && f.Size == old.Size && f.ModTime == old.ModTime &&
		f.ChangeTime == old.ChangeTime && string(f.Header) == string(old.Header)
}

// fingerprintOf describes the content that the open transaction sees; wal is its WAL-index header, if it has one.
func fingerprintOf(c *capi.Conn, path string, wal []byte, now time.Time) (Fingerprint, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Fingerprint{}, err
	}
	var f Fingerprint
	stat := source.StatOf(info)
	f.Device, f.Inode = stat.Device, stat.Inode
	if wal != nil {
		h, err := follow.ParseHeader(wal)
		if err != nil {
			return f, err
		}
		if h.PageSize > 0 {
			f.WAL = (*WALState)(&h)
		}
	}
	if f.File, err = fileState(c, info, now); err != nil {
		return f, err
	}
	if f.WAL == nil && (capi.NonEmpty(path+"-wal") || capi.NonEmpty(path+"-journal")) {
		f.File.Settled = false // the file lacks a part of the database, and no field describes that part
	}
	return f, nil
}

func fileState(c *capi.Conn, info fs.FileInfo, now time.Time) (*FileState, error) {
	header, err := c.Header()
	if err != nil {
		return nil, err
	}
	return &FileState{
		Size:       info.Size(),
		ModTime:    info.ModTime().UnixNano(),
		ChangeTime: source.StatOf(info).ChangeTime,
		Header:     header,
		Settled:    now.Sub(source.LastChange(info)) >= source.Settled,
	}, nil
}
