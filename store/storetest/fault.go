package storetest

import (
	"errors"
	"fmt"
)

// ErrInjected is matched by every error that a [Faulty] makes up.
var ErrInjected = errors.New("storetest: injected fault")

// Kind is a kind of fault.
type Kind uint8

// The kinds of faults. A call that fails has no effect unless said otherwise.
const (
	Transient   Kind = iota + 1 // the call fails; later calls succeed
	Persistent                  // the call fails, and so do all later ones
	Torn                        // the call fails halfway: Delete removes the first half of the names, List yields the first half
	LostAnswer                  // the call has its whole effect, yet fails
	CrashBefore                 // as Persistent: the process died before the call reached the store
	CrashAfter                  // as LostAnswer, and all later calls fail: the process died before the answer
	Slow                        // the call hangs until its context ends; [Faulty.Context] ends it when the call is reached
)

// Kinds lists all kinds of faults, for tests that try each.
func Kinds() []Kind {
	return []Kind{Transient, Persistent, Torn, LostAnswer, CrashBefore, CrashAfter, Slow}
}

// String returns the name of the kind for messages.
func (k Kind) String() string {
	names := []string{"none", "transient", "persistent", "torn", "lost answer", "crash before", "crash after", "slow"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Fault is one fault at one call.
type Fault struct {
	At   int // the number of the call that it hits, from 1; 0 for none
	Kind Kind
}

// effect is how much of a call reaches the store.
type effect uint8

const (
	none effect = iota
	half
	whole
)

// hit returns the effect of the n-th call, counted from 1, and whether the call
// fails.
func (f Fault) hit(n int) (e effect, fails bool) {
	switch {
	case f.At == 0 || n < f.At:
		return whole, false
	case n > f.At && (f.Kind == Persistent || f.Kind == CrashBefore || f.Kind == CrashAfter):
		return none, true
	case n > f.At:
		return whole, false
	}
	switch f.Kind {
	case LostAnswer, CrashAfter:
		return whole, true
	case Torn:
		return half, true
	}
	return none, true
}
