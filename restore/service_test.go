package restore_test

import (
	"strings"
	"testing"

	"firn/restore"
)

// A start command that fails is told at once if there is a function for that, and else is a part of the error. In both
// cases the target was replaced.
func TestStartFails(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Told", "Joined"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.backUp(t)
			p.sql(t, "app.db", "INSERT INTO t VALUES ('two')")
			env := p.session.Conf.Env["production"]
			env.Stop, env.Start = "exit 0", "exit 3"
			var told error
			if name == "Told" {
				p.session.Failed = func(err error) { told = err }
			}
			op := p.begin(t, restore.Options{Environment: "production", Snapshot: "latest"})
			result, err := op.Run(t.Context())
			if result == nil || err == nil || !strings.Contains(err.Error(), "run start command of production") {
				t.Errorf("got %+v, %v, want a result, and that the start has failed", result, err)
			}
			if (told != nil) != (name == "Told") {
				t.Errorf("told %v", told)
			}
			if got := p.content(t, "app.db"); got != "one" {
				t.Errorf("got %s", got)
			}
		})
	}
}

// A start command that fails after another error does not get lost without a function that is told of it.
func TestStartFailsAfterAnother(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.backUp(t)
	env := p.session.Conf.Env["production"]
	env.Stop, env.Start = "exit 1", "exit 3"
	op := p.begin(t, restore.Options{Environment: "production", Snapshot: "latest"})
	result, err := op.Run(t.Context())
	if result != nil || err == nil || !strings.Contains(err.Error(), "run stop command") || !strings.Contains(err.Error(), "run start command") {
		t.Errorf("got %+v, %v, want that both commands have failed", result, err)
	}
}
