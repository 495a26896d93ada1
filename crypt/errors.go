package crypt

import "errors"

var (
	// ErrAuth is returned when sealed bytes are damaged or cut, belong to
	// another name, kind, ID or repository, or were sealed under other keys. It
	// does not say which of these is the case.
	ErrAuth = errors.New("damaged or altered data")

	// ErrWrongKey is returned when a credential does not open a slot.
	ErrWrongKey = errors.New("wrong password or key file")

	// ErrWeak is returned for a slot under a password that is guessed at once.
	ErrWeak = errors.New("the password is too weak")
	// ErrHeader is returned for bytes that do not start like a firn object of
	// the wanted kind.
	ErrHeader = errors.New("not a firn object of this kind")

	// ErrVersion is returned for an object, slot or key file of a later format.
	ErrVersion = errors.New("written by a newer firn")

	// ErrSlot is returned when a key slot is malformed, or has parameters that
	// would make it weak or ruinously slow to open.
	ErrSlot = errors.New("malformed key slot")
)
