package follow

import (
	"errors"
	"fmt"
)

// appended takes in the frames after those that the old state ended with, in the same generation. The running checksum of
// the last of those covers all frames before it.
func (s *step) appended() (Rule, error) {
	if s.old.Frames > s.now.Frames {
		return Broken, nil // a crash of the machine has lost some
	}
	if same, err := s.anchored(); err != nil {
		return "", err
	} else if !same && !s.Probe.without().Anchor {
		return s.settle(Anchor)
	}
	if _, rule, err := s.generation(s.old.Frames + 1); err != nil {
		return "", err
	} else if rule != "" {
		return s.settle(rule)
	}
	return s.settle(Append)
}

// anchored reports whether the last frame of the old state is in the file as it was.
func (s *step) anchored() (bool, error) {
	if s.old.Frames == 0 {
		return true, nil
	}
	f, ok, err := s.wal.frame(s.old.Frames, s.now.PageSize)
	return ok && f.salt == s.old.Salt && f.checksum == s.old.Checksum, err
}

// ErrOtherWAL is returned for a WAL that does not continue an earlier state.
var ErrOtherWAL = errors.New("the WAL does not continue the earlier WAL")

// Since returns the pages that were written between two states of one WAL, of which the open transaction sees the second
// one. The first may be of another process, or of the time before a crash of the machine. Every page that has changed has a
// frame after the last frame of old: only a checkpoint writes to the file itself, and it writes content of frames. A page
// that was cut off may come back from the file as zeros, without a frame.
func (f *Frames) Since(old, now Header) (*Pages, error) {
	if err := f.continues(old, now); err != nil {
		return nil, err
	}
	changed := NewPages(min(old.Pages, now.Pages))
	for n := old.Frames + 1; n <= now.Frames; n++ {
		frame, _, err := f.frame(n, now.PageSize)
		if err != nil {
			return nil, err
		}
		if frame.salt != now.Salt || frame.page == 0 {
			return nil, fmt.Errorf("%w: frame %d", ErrOtherWAL, n)
		}
		changed.add(frame)
	}
	// A writer restarts a WAL under a reader that needs nothing of it. It writes the header first: as long as the header is
	// the same, so were all frames that were read.
	if salt, _, err := f.salt(); err != nil || salt != now.Salt {
		return nil, errors.Join(ErrOtherWAL, err)
	}
	return changed, nil
}

// continues checks that the WAL was only appended to since old. The running checksum covers all earlier frames.
func (f *Frames) continues(old, now Header) error {
	if old.Frames == 0 || old.Frames > now.Frames || old.Salt != now.Salt || old.PageSize != now.PageSize {
		return ErrOtherWAL
	}
	for _, h := range []Header{old, now} {
		last, _, err := f.frame(h.Frames, h.PageSize)
		if err != nil {
			return err
		}
		if last.salt != h.Salt || last.checksum != h.Checksum || last.commit != h.Pages {
			return ErrOtherWAL
		}
	}
	return nil
}
