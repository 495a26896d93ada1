package cmd

import (
	"fmt"
	"strings"
	"time"

	"firn/outcome"
	"firn/report"
	"firn/retention"
	"firn/session"
	"firn/snapshot"
)

// maxSimulated is how many backups are simulated at most: more would tell nothing new,
// and fill the memory.
const maxSimulated = 200_000

// simulation is what there will be after some time of backups with retention.
type simulation struct {
	*opened
	every, span time.Duration
	end         time.Time
	list        []*snapshot.Snapshot // with those to come
	future      map[string]bool      // IDs of these
}

// simulate decides once about all snapshots, which gives what deciding after each backup
// gives: one that stays at last was the newest of its period, and not too old, all the time.
func (s *opened) simulate(list []*snapshot.Snapshot, args []string, o forgetOptions) error {
	span, err := o.span(args)
	if err != nil {
		return err
	}
	environment := first(args)
	if err := s.KnownEnvironment(list, environment); err != nil {
		return err
	}
	if environment != "" {
		list = session.Filter(list, snapshot.Filter{Environment: environment})
	}
	all := s.BackedUp(snapshot.BySeries(list), environment)
	if int64(len(all)) > maxSimulated/int64(span/o.every) {
		return outcome.Usage("Take a shorter time, or a longer --every.", "--simulate %s: these are more than %d backups", o.simulate, maxSimulated)
	}
	_, ahead := snapshot.SplitAhead(list, s.Now())
	s.WarnAhead(ahead)
	m := &simulation{s, o.every, span, s.Now().Add(span), list, make(map[string]bool)}
	m.goOn(all)
	groups, err := decide(s.Conf, m.list, o.rules, m.end)
	if err != nil {
		return err
	}
	return m.tell(decisions(groups))
}

// goOn adds the snapshots to come.
func (m *simulation) goOn(all []snapshot.Series) {
	for _, series := range all {
		for at := m.every; at <= m.span; at += m.every {
			next := &snapshot.Snapshot{ID: snapshot.NewID(), Environment: series.Environment, Database: series.Database, Time: m.end.Add(at - m.span)}
			m.future[next.ID.String()] = true
			m.list = append(m.list, next)
		}
	}
}

// span returns how long is simulated.
func (o forgetOptions) span(args []string) (time.Duration, error) {
	span, err := retention.ParseDuration(o.simulate)
	switch {
	case err != nil || span == 0:
		return 0, outcome.Usage("Write 90d or 12w.", "--simulate %q is not a time", o.simulate)
	case o.every <= 0 || o.every > span:
		return 0, outcome.Usage("", "--every %s: not a time between two backups in %s", retention.FormatDuration(o.every), o.simulate)
	case o.prune:
		return 0, outcome.Usage("", "--simulate changes nothing: it does not go with --prune")
	case len(args) > 1:
		return 0, outcome.Usage("", "--simulate is for one environment, or for all")
	}
	return span, nil
}

// simulationMessage is what there will be, in JSON.
type simulationMessage struct {
	Type  string          `json:"message_type"` // "summary"
	Time  time.Time       `json:"time"`         // of then
	Every float64         `json:"every"`        // seconds
	Keep  []simulatedInfo `json:"keep"`
}

type simulatedInfo struct {
	ID          string    `json:"id,omitempty"` // of one that is there now
	Time        time.Time `json:"time"`
	Environment string    `json:"environment"`
	Database    string    `json:"database"`
	Reasons     []string  `json:"reasons"`
}

func (m *simulation) tell(decisions []retention.Decision) error {
	known := session.ByID(m.list)
	message := simulationMessage{Type: "summary", Time: m.end.UTC(), Every: m.every.Seconds(), Keep: []simulatedInfo{}}
	var rows [][]string
	for _, d := range decisions {
		if !d.Keep {
			continue
		}
		snap, id := known[d.ID], "to come"
		info := simulatedInfo{Time: d.Time.UTC(), Environment: snap.Environment, Database: snap.Database, Reasons: d.Reasons}
		if !m.future[d.ID] {
			info.ID, id = d.ID, snap.ID.Short()
		}
		message.Keep = append(message.Keep, info)
		rows = append(rows, []string{id, m.When(d.Time), snap.Environment, snap.Database, strings.Join(d.Reasons, ", ")})
	}
	if m.json {
		return m.printJSON(message)
	}
	if err := m.table(m.stdout, []string{"ID", "Time", "Environment", "Database", "Reasons"}, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(m.stdout, "In %s, with a backup every %s: %s. Nothing was changed.\n",
		retention.FormatDuration(m.span), retention.FormatDuration(m.every), report.Plural(len(rows), "snapshot"))
	return err
}
