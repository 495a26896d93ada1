package condition

import (
	"errors"
	"strings"
	"testing"
	"time"

	"firn/config"
	"firn/upkeep"
)

// state is a judged state of an age in seconds.
func state(name string, c upkeep.Condition, age int) upkeep.State {
	return upkeep.State{Environment: name, Database: name, Condition: c, Judged: true, Age: time.Duration(age) * time.Second}
}

func TestSentence(t *testing.T) {
	t.Parallel()
	unjudged, nothing := state("old", upkeep.Stale, 9000), state("new", upkeep.None, 0)
	unjudged.Judged, nothing.NothingYet = false, true
	unlisted := []*config.ListError{{Err: errors.New("away")}}
	for name, tt := range map[string]struct {
		status upkeep.Status
		want   string
		mood   string
	}{
		"Nothing":   {upkeep.Status{}, "There is no database to protect yet.", Neither},
		"NotJudged": {upkeep.Status{States: []upkeep.State{unjudged, nothing}}, "There is no database to protect yet.", Neither},
		"One":       {upkeep.Status{States: []upkeep.State{state("a", upkeep.OK, 7), unjudged}}, "The database is protected; its newest copy is 7 s old.", Good},
		"All": {
			upkeep.Status{States: []upkeep.State{state("a", upkeep.OK, 7), state("b", upkeep.OK, 70), nothing}},
			"All 2 databases are protected; the oldest of their newest copies is 70 s old.", Good,
		},
		"WorstFirst": {
			upkeep.Status{States: []upkeep.State{state("a", upkeep.OK, 7), state("b", upkeep.Suspect, 7), state("c", upkeep.None, 7)}},
			"2 of 3 databases need attention: c has no copy, b has a copy that is suspect.", Bad,
		},
		"Many": {
			upkeep.Status{States: []upkeep.State{state("a", upkeep.Stale, 7), state("b", upkeep.Stale, 7), state("c", upkeep.Stale, 7), state("d", upkeep.Stale, 7)}},
			"4 of 4 databases need attention: a, b and c have no copy that is young enough, and 1 more.", Bad,
		},
		"Unlisted": {
			upkeep.Status{States: []upkeep.State{state("a", upkeep.OK, 7)}, Unlisted: unlisted},
			"The database is protected; its newest copy is 7 s old, but 1 pattern of the configuration could not be looked at.", Bad,
		},
		"Damage": {
			upkeep.Status{States: []upkeep.State{state("a", upkeep.OK, 7)}, Damage: errors.New("x"), Unlisted: unlisted},
			"The database is protected; its newest copy is 7 s old, but 1 pattern of the configuration could not be looked at, and some snapshots cannot be read.", Bad,
		},
		"UnlistedAlone": {upkeep.Status{Unlisted: unlisted}, "There is no database to protect yet, but 1 pattern of the configuration could not be looked at.", Bad},
	} {
		tt.want = strings.Replace(tt.want, "70 s", "1 min", 1)
		if got, mood := Sentence(&tt.status); got != tt.want || mood != tt.mood {
			t.Errorf("%s: got %q, %s, want %q, %s", name, got, mood, tt.want, tt.mood)
		}
	}
}

func TestSentenceStaysShort(t *testing.T) {
	t.Parallel()
	var states []upkeep.State
	for range 1000 {
		states = append(states, state(strings.Repeat("long-name\x1b[31m", 20), upkeep.Stale, 7))
	}
	if got, _ := Sentence(&upkeep.Status{States: states}); len(got) > 350 || !strings.HasPrefix(got, "1000 of 1000 databases need attention: ") || strings.Contains(got, "\x1b") {
		t.Errorf("got %d bytes: %q", len(got), got)
	}
}

// TestEveryConditionHasAWord looks at all of them: a database in a state without a word would look like one without a fault.
func TestEveryConditionHasAWord(t *testing.T) {
	t.Parallel()
	for _, c := range severities() {
		st := state("a", c, 0)
		w := Of(st)
		if w.Name == "" || w.Text == "" || (c == upkeep.OK) != (w.Class == "good") || Severity(st) < 0 {
			t.Errorf("%s: got %+v", c, w)
		}
	}
}
