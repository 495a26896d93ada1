package watch

import "context"

// chore is upkeep of the repository that a watch does beside its rounds.
type chore struct {
	name string
	run  func(context.Context) error
	timer
}

// choreDone notes the outcome of upkeep.
func (w *Watch) choreDone(name string, err error) {
	if err != nil {
		w.tell(Problem, kindChore, "%s: %v", name, err)
	}
}
