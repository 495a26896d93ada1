package rewrite

import (
	"errors"
	"fmt"
	"io"
	"os"

	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/source"
)

// Image is an image file about to be restored: private, complete, and verified by the caller.
type Image struct {
	*os.File
	capi.Header
	Path  string
	Pages int64

	run   []byte // memory of the library, so that its pages can be bound to statements
	first int64  // page at the start of run; 0 when nothing was read
	valid int    // bytes of run
}

// OpenImage opens the image at path. The caller closes it.
func OpenImage(path string) (*Image, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	s := &Image{File: f, Path: path}
	if err := s.measure(); err != nil {
		return nil, errors.Join(fmt.Errorf("image %s: %w", path, err), f.Close())
	}
	return s, nil
}

func (s *Image) measure() error {
	info, err := s.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return source.ErrEmpty
	}
	b := make([]byte, capi.HeaderLen)
	if _, err := s.ReadAt(b, 0); err != nil {
		return errors.Join(capi.ErrNotDatabase, err)
	}
	if s.Header, err = capi.ParseHeader(b); err != nil {
		return err
	}
	s.Pages = info.Size() / int64(s.PageSize)
	if s.Size() != info.Size() {
		return fmt.Errorf("%w: %d bytes are no whole pages of %d", capi.ErrCorrupt, info.Size(), s.PageSize)
	}
	return nil
}

// Size returns the length of the image in bytes.
func (s *Image) Size() int64 { return s.Pages * int64(s.PageSize) }

// page returns page n, valid until the next call. The memory is c's.
func (s *Image) page(c *capi.Conn, n int64) ([]byte, error) {
	if s.run == nil {
		s.run = c.Alloc(runLen)
	}
	at := int(n-s.first) * s.PageSize
	if s.first == 0 || n < s.first || at >= s.valid {
		length := capi.MaxPageSize // little, unless pages are read in order
		if s.first != 0 && n == s.first+int64(s.valid/s.PageSize) {
			length = runLen
		}
		k, err := s.ReadAt(s.run[:length], (n-1)*int64(s.PageSize))
		if err != nil && err != io.EOF {
			return nil, err
		}
		s.first, s.valid, at = n, k-k%s.PageSize, 0
		if s.valid == 0 {
			return nil, fmt.Errorf("read page %d of image: %w", n, io.ErrUnexpectedEOF)
		}
	}
	return s.run[at : at+s.PageSize], nil
}

// forget makes [Image.page] read the file again, after a write.
func (s *Image) forget() { s.first = 0 }

// release frees the memory of [Image.page] before its connection is closed.
func (s *Image) release(c *capi.Conn) {
	if s.run != nil {
		c.Free(s.run)
		s.run = nil
		s.forget()
	}
}
