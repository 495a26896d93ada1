package sqlite

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"firn/scratch"
	"firn/sqlite/internal/capi"
)

// spoolRun is how many bytes are read from the database file at once: large enough for the speed of memory.
const spoolRun = 1 << 20

// spool is the image of a large database with a rollback journal. It is taken in two passes, because a reader blocks
// commits there. The draft reads the file without any lock, even in the middle of a write, and keeps a hash of each
// page. The revision reads all pages again under the lock, at the speed of memory, and corrects the pages that
// differ. It must read every page: a transaction that spilled pages into the file and was rolled back leaves the
// change counter as it was.
type spool struct {
	*scratch.File
	pageSize int
	seeds    [2]maphash.Seed
	hashes   [][2]uint64 // of each page of the draft
}

// errSpool stands for all errors of the spool file. After any of them the image is read without a spool.
var errSpool = errors.New("write spool file")

// spool copies the image to a temporary file. If the file cannot be written, the pages are read under the lock.
func (i *Image) spool() (io.ReadCloser, error) {
	var s *spool
	err := i.opts.Outside(func() (err error) {
		if err := capi.NeedSpace(i.opts.TempDir, i.info.Size); err != nil { // before the disk is filled in vain
			return err
		}
		s, err = newSpool(i.opts.TempDir)
		return err
	})
	if err != nil {
		return i.underLock(err)
	}
	return i.revise(s, i.draft(s))
}

func newSpool(dir string) (*spool, error) {
	t, err := scratch.OpenFile(dir)
	if err != nil {
		return nil, err
	}
	return &spool{File: t, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}, nil
}

// draft makes the first pass, without the transaction.
func (i *Image) draft(s *spool) error {
	if err := i.conn.Exec("COMMIT"); err != nil {
		return err
	}
	s.pageSize = i.info.PageSize
	return s.draft(i.conn)
}

// revise makes the second pass, in a new transaction; drafted is the error of the first pass. It returns the spooled
// image, or the pages as they are if the spool could not be written.
func (i *Image) revise(s *spool, drafted error) (io.ReadCloser, error) {
	err := drafted
	if err == nil || errors.Is(err, errSpool) {
		if begun := i.begin(); begun != nil {
			return nil, errors.Join(begun, s.Close())
		}
	}
	if err == nil {
		err = s.revise(i.conn, i.info)
	}
	if err == nil {
		err = i.end()
	}
	if err == nil {
		return reader(s.File, i.info.Size), nil
	}
	closed := s.Close()
	if errors.Is(err, errSpool) {
		return i.underLock(err)
	}
	return nil, errors.Join(err, closed)
}

// draft copies the file as it is, without a lock.
func (s *spool) draft(c *capi.Conn) error {
	f, err := c.File()
	if err != nil {
		return err
	}
	length, err := f.Size()
	if err != nil {
		return err
	}
	length -= length % int64(s.pageSize)
	b := c.Alloc(spoolRun)
	defer c.Free(b)
	for offset := int64(0); offset < length; offset += spoolRun {
		if c.Context().Err() != nil {
			return context.Cause(c.Context())
		}
		run := b[:min(spoolRun, length-offset)]
		if err := f.ReadAt(run, offset); err != nil {
			return err
		}
		for page := 0; page < len(run); page += s.pageSize {
			s.hashes = append(s.hashes, s.hash(run[page:page+s.pageSize]))
		}
		if _, err := s.WriteAt(run, offset); err != nil {
			return fmt.Errorf("%w: %w", errSpool, err)
		}
	}
	return nil
}

// revise corrects the draft in the open transaction.
func (s *spool) revise(c *capi.Conn, info Info) error {
	if info.PageSize != s.pageSize { // a VACUUM between the passes
		s.pageSize, s.hashes = info.PageSize, nil
	}
	pages, err := c.Pages(info.PageSize, info.PageCount, func() error { return nil })
	if err != nil {
		return err
	}
	defer pages.Close()
	for n := 0; ; n++ {
		page, err := pages.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n < len(s.hashes) && s.hashes[n] == s.hash(page) {
			continue
		}
		if _, err := s.WriteAt(page, int64(n)*int64(s.pageSize)); err != nil {
			return fmt.Errorf("%w: %w", errSpool, err)
		}
	}
}

// hash returns 128 bits that other content has by chance only: the seeds are secret, and new for each image.
func (s *spool) hash(page []byte) [2]uint64 {
	return [2]uint64{maphash.Bytes(s.seeds[0], page), maphash.Bytes(s.seeds[1], page)}
}

// reader delivers the first n bytes of a file. To close it closes the file.
func reader(f *scratch.File, n int64) io.ReadCloser {
	return &copiedPages{io.NewSectionReader(f, 0, n), f}
}
