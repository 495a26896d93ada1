package follow

// Probe lets tests leave out rules, delay what is done, and tear reads. Nil changes nothing.
type Probe struct {
	Without Without
	Pause   func()      // called in the middle of things
	Torn    func() bool // not nil: frame headers are read in two parts; true reads the second part first
}

// Without names the rules that a test leaves out. docs/design.md says what each one is for.
type Without struct {
	EndOfFile bool // the old tail is complete where the file ends
	NewSalts  bool // salts of the new generation in the old tail count as older ones
	Recheck   bool // the last look at the salts
	First     bool // the check that nothing after frame P was overwritten
	AnySalts  bool // the WAL was restarted once, whatever the salts are
	Padding   bool // padding is not told from commits
	Hold      bool // commits are counted without a held connection
	Seqlock   bool // the checks of Peek
	Redraw    bool // Peek's check of the file's header
	Tail      bool // the old tail is not read
	Anchor    bool // frame P is not looked at in append
	Zero      bool // frames without salts count as older ones
}

func (p *Probe) without() Without {
	if p == nil {
		return Without{}
	}
	return p.Without
}

func (p *Probe) pause() {
	if p != nil && p.Pause != nil {
		p.Pause()
	}
}

// torn reads a frame header in two parts, with a pause between: a read need not be atomic.
func (f *Frames) torn(at int64) (bool, error) {
	var header [frameHeaderLen]byte
	parts := [2][2]int{{0, 8}, {8, frameHeaderLen}}
	if f.Probe.Torn() {
		parts[0], parts[1] = parts[1], parts[0]
	}
	for _, p := range parts {
		b := f.Buffer[:p[1]-p[0]]
		if whole, err := f.ReadWhole(b, at+int64(p[0])); err != nil || !whole {
			return whole, err
		}
		copy(header[p[0]:], b)
		f.Probe.pause()
	}
	copy(f.Buffer, header[:])
	return true, nil
}
