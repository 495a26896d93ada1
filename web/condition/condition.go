// Package condition says in words how databases are.
package condition

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"firn/report"
	"firn/upkeep"
)

// Word is a condition for people. The class only repeats by colour and shape what the name says.
type Word struct{ Name, Class, Text string }

// Of returns a condition for people.
func Of(st upkeep.State) Word {
	switch {
	case st.NothingYet:
		return Word{"Nothing yet", "quiet", "has no database yet"}
	case !st.Judged && st.Condition == upkeep.Gone:
		return Word{"Vanished", "quiet", "has vanished"}
	case !st.Judged:
		return Word{"Not judged", "quiet", "is not configured here"}
	}
	return map[upkeep.Condition]Word{
		upkeep.OK:      {"Protected", Good, "is protected"},
		upkeep.Stale:   {"Too old", Bad, "has no copy that is young enough"},
		upkeep.None:    {"No copy", Bad, "has no copy"},
		upkeep.Future:  {"Clock", "warn", "has copies of a time to come"},
		upkeep.Suspect: {"Suspect", "warn", "has a copy that is suspect"},
		upkeep.Unsound: {"Unsound", Bad, "was not found sound"},
		upkeep.Gone:    {"Vanished", "warn", "has vanished"},
	}[st.Condition]
}

// Severity sorts the worst first.
func Severity(st upkeep.State) int {
	if !st.Judged || st.NothingYet {
		return len(severities())
	}
	return slices.Index(severities(), st.Condition)
}

func severities() []upkeep.Condition {
	return []upkeep.Condition{upkeep.None, upkeep.Unsound, upkeep.Stale, upkeep.Suspect, upkeep.Gone, upkeep.Future, upkeep.OK}
}

// The moods of a sentence: the sign and the colour beside it.
const (
	Good    = "good"
	Bad     = "bad"
	Neither = "neither" // there is nothing to be said
)

// Sentence says in one sentence how all databases are, and its mood. It counts all databases of a status, whatever a page shows of
// them.
func Sentence(st *upkeep.Status) (text, mood string) {
	var judged int
	var oldest time.Duration
	var faulty []upkeep.State
	for _, st := range st.States {
		if !st.Judged || st.NothingYet {
			continue
		}
		judged++
		oldest = max(oldest, st.Age)
		if st.Condition != upkeep.OK {
			faulty = append(faulty, st)
		}
	}
	text, mood = "There is no database to protect yet", Neither
	switch {
	case len(faulty) > 0:
		text, mood = troubles(faulty, judged), Bad
	case judged == 1:
		text, mood = "The database is protected; its newest copy is "+report.Age(oldest)+" old", Good
	case judged > 1:
		text, mood = fmt.Sprintf("All %d databases are protected; the oldest of their newest copies is %s old", judged, report.Age(oldest)), Good
	}
	if but := unknowns(st); but != "" {
		return text + ", but " + but + ".", Bad
	}
	return text + ".", mood
}

// unknowns says what a status does not know, "" for nothing: there may be more databases, and newer or worse copies.
func unknowns(st *upkeep.Status) string {
	var parts []string
	if n := len(st.Unlisted); n > 0 {
		parts = append(parts, report.Plural(n, "pattern")+" of the configuration could not be looked at")
	}
	if st.Damage != nil {
		parts = append(parts, "some snapshots cannot be read")
	}
	return strings.Join(parts, ", and ")
}

// mostNamed is how many databases a sentence names, and longestName how many characters of a name.
const (
	mostNamed   = 3
	longestName = 40
)

// troubles names the databases that need a person, the worst first, and those of one condition together.
func troubles(faulty []upkeep.State, judged int) string {
	slices.SortStableFunc(faulty, func(a, b upkeep.State) int { return cmp.Compare(Severity(a), Severity(b)) })
	var parts, names []string
	named := faulty[:min(len(faulty), mostNamed)]
	for i, st := range named {
		names = append(names, shorten(report.Clean(st.Environment), longestName))
		if i+1 < len(named) && Of(named[i+1]) == Of(st) {
			continue
		}
		parts = append(parts, together(names)+" "+Of(st).text(len(names)))
		names = nil
	}
	text := strings.Join(parts, ", ")
	if rest := len(faulty) - mostNamed; rest > 0 {
		text += fmt.Sprintf(", and %d more", rest)
	}
	verb := "need"
	if len(faulty) == 1 {
		verb = "needs"
	}
	return fmt.Sprintf("%d of %s %s attention: %s", len(faulty), report.Plural(judged, "database"), verb, text)
}

// together joins names: "a", "a and b", "a, b and c".
func together(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// text says of some databases how they are.
func (w Word) text(n int) string {
	verb, rest, _ := strings.Cut(w.Text, " ")
	if n > 1 {
		verb = map[string]string{"has": "have", "is": "are", "was": "were"}[verb]
	}
	return verb + " " + rest
}

// shorten cuts a text for people to a number of characters.
func shorten(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "\u2026"
	}
	return text
}
