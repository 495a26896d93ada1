package follow

// counter counts the commits in consecutive frames.
//
// A connection without POWERSAFE_OVERWRITE (psow=0) that syncs pads a commit to a whole sector: walFrames repeats the last
// frame, with its commit mark. That is one commit. The repeated frame has the same page with the same content, which the
// running checksum shows without reading the page: s' = M^n s + b(content), so an equal b means equal content.
//
// Equal commits that are taken for padding by mistake make the count too small. That is safe: all rules want an equal count.
type counter struct {
	power    [4]uint32 // M^n of a frame of this page size
	commits  uint32
	frames   int
	last     frame
	lastData [2]uint32 // b of last; the first frame's is not known
	naive    bool      // count padding
}

func newCounter(pageSize int, naive bool) *counter {
	p := [4]uint32{1, 0, 0, 1}
	for range (8 + pageSize) / 8 { // the checksum of a frame covers 8 bytes of its header, and the page; M = (1 1; 1 2)
		p = [4]uint32{p[0] + p[2], p[1] + p[3], p[0] + 2*p[2], p[1] + 2*p[3]}
	}
	return &counter{power: p, naive: naive}
}

// add takes the next frame.
func (c *counter) add(f frame) {
	p, s := c.power, c.last.checksum
	data := [2]uint32{f.checksum[0] - p[0]*s[0] - p[1]*s[1], f.checksum[1] - p[2]*s[0] - p[3]*s[1]}
	padding := c.frames > 0 && f.page == c.last.page && f.commit == c.last.commit && (c.frames == 1 || data == c.lastData)
	if f.commit != 0 && (!padding || c.naive) {
		c.commits++
	}
	c.last, c.lastData, c.frames = f, data, c.frames+1
}
