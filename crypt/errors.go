package crypt

import "errors"

var (
	// ErrAuth is returned when sealed bytes are damaged, cut, or not what they
	// are said to be: of another name, kind, ID or repository, or sealed under
	// other keys. Which of these is not told.
	ErrAuth = errors.New("damaged or altered data")

	// ErrWrongKey is returned when a credential does not open a slot.
	ErrWrongKey = errors.New("wrong password or key file")

	// ErrWeak is returned for a slot under a password that is guessed at once.
	ErrWeak = errors.New("the password is too weak")
	// ErrHeader is returned when an object does not start as it should: not a
	// firn object, or one of another kind.
	ErrHeader = errors.New("not a firn object of this kind")

	// ErrVersion is returned for an object, slot or key file of a later format.
	ErrVersion = errors.New("written by a newer firn")

	// ErrSlot is returned when a key slot is malformed, or has parameters that
	// would make it weak or ruinously slow to open.
	ErrSlot = errors.New("malformed key slot")
)
