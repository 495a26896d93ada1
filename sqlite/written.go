package sqlite

import "firn/sqlite/internal/follow"

// Written returns ranges of bytes, each from the first up to the second number, in order: outside of them SQLite has written
// nothing since old was taken. If the image has other bytes there than the older one, something else has changed them.
//
// Unlike [Image.Changed], Written has no part in how the image is read, and is for images that are read whole, too. It reports
// false where a write of SQLite could be missing from the ranges: without a WAL, and where neither the follower nor the WAL
// itself proves which pages have frames. Call Written before the first Read.
func (i *Image) Written(old Fingerprint) ([][2]int64, bool) {
	if i.opts.Compact || i.pages != nil || i.conn == nil || i.print.WAL == nil {
		return nil, false
	}
	pages := i.framed(old)
	if pages == nil {
		return nil, false
	}
	return pages.Ranges(i.info.PageSize), true
}

// framed returns the pages with frames since old; nil if they are not known. A checkpoint is no reason not to know them: it
// writes nothing to the file but the content of frames.
func (i *Image) framed(old Fingerprint) *follow.Pages {
	if i.print.same(old) {
		return follow.NewPages(uint32(i.info.PageCount))
	}
	if i.followed {
		if pages, _, _ := i.opts.Follower.known(old); pages != nil {
			return pages
		}
	}
	return i.appended(old)
}
