package store

import "context"

// Space is what a place says of its room, in bytes.
type Space struct {
	Free  int64 // for this user
	Total int64 // 0 if it is not known
}

// Spacer is a store that can say how much room is left.
type Spacer interface {
	// Space returns the room of the place. The error matches [errors.ErrUnsupported] if the place does not say it.
	Space(ctx context.Context) (Space, error)
}
