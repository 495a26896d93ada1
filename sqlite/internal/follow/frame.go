package follow

import "encoding/binary"

// The parts of a WAL file that are looked at. All numbers are big-endian; salts and checksums are taken as they stand:
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
	fileHeaderLen  = 32
	fileSalts      = 16
	frameHeaderLen = 24
	saltsLen       = 8
)

// FrameHeaderLen is the length of the buffer of [Frames].
const FrameHeaderLen = frameHeaderLen

// frame is the header of a frame.
type frame struct {
	page, commit   uint32
	salt, checksum [2]uint32
}

// unsalted reports whether a frame has no salts. walEncodeFrame writes such frames in a transaction that has overwritten
// frames of its own, and walRewriteChecksums gives them their salts at the commit. After a rollback they stay. SQLite 3.40.1
// leaves them in commits, too: its sqlite3WalSavepointUndo does not reset iReCksum after ROLLBACK TO, as 3.54.1 does. So such
// a frame may be of any generation.
func (f frame) unsalted() bool { return f.salt == [2]uint32{} }

// File is SQLite's own handle of a WAL: [capi.File].
type File interface {
	// ReadWhole fills b, and reports whether the file had all the bytes.
	ReadWhole(b []byte, offset int64) (bool, error)
}

// Frames reads the headers of a WAL's frames, without any lock.
type Frames struct {
	File
	Buffer []byte // FrameHeaderLen bytes that File can read into
	Probe  *Probe // nil for none

	Read int64 // how many were read
}

// frame reads the header of frame n. It reports false if the file ends before the header's end.
func (f *Frames) frame(n uint32, pageSize int) (frame, bool, error) {
	at := fileHeaderLen + int64(n-1)*int64(frameHeaderLen+pageSize)
	whole, err := f.fill(at)
	if err != nil || !whole {
		return frame{}, false, err
	}
	f.Read++
	b := f.Buffer
	return frame{
		page: binary.BigEndian.Uint32(b), commit: binary.BigEndian.Uint32(b[4:]),
		salt: pair(b[8:]), checksum: pair(b[16:]),
	}, true, nil
}

// fill reads a frame header.
func (f *Frames) fill(at int64) (bool, error) {
	if f.Probe != nil && f.Probe.Torn != nil {
		return f.torn(at)
	}
	return f.ReadWhole(f.Buffer[:frameHeaderLen], at)
}

// salt returns the salts in the header of the file. It reports false if the file is too short.
func (f *Frames) salt() ([2]uint32, bool, error) {
	b := f.Buffer[:saltsLen]
	whole, err := f.ReadWhole(b, fileSalts)
	return pair(b), whole, err
}

func pair(b []byte) [2]uint32 {
	return [2]uint32{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}
