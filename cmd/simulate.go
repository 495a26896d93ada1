package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"firn/internal/layout"
	"firn/outcome"
	"firn/report"
	"firn/retention"
	"firn/upkeep"
)

// simulate prints the snapshots that will exist after some time of backups.
func (s *opened) simulate(ctx context.Context, args []string, o forgetOptions) error {
	span, err := o.span(args)
	if err != nil {
		return err
	}
	result, err := upkeep.Simulate(ctx, s.Session, upkeep.SimulateOptions{Environment: first(args), Keep: o.rules, Span: span, Every: o.every})
	if errors.Is(err, upkeep.ErrTooManyBackups) {
		return outcome.Usage("Take a shorter time, or a longer --every.", "--simulate %s: these are more than %d backups", o.simulate, upkeep.MaxSimulated)
	}
	if err != nil {
		return err
	}
	return cmp.Or(s.reportSimulation(result, span, o.every), result.Damage)
}

// span returns the time to simulate, and checks the flags of the simulation.
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

// simulationMessage has the snapshots that will exist, in JSON.
type simulationMessage struct {
	Type  string          `json:"message_type"` // "summary"
	Time  time.Time       `json:"time"`         // the end of the simulated time
	Every float64         `json:"every"`        // seconds
	Keep  []simulatedInfo `json:"keep"`
}

// simulatedInfo is a snapshot that will exist, in JSON.
type simulatedInfo struct {
	ID          string    `json:"id,omitempty"` // only of a snapshot that exists now
	Time        time.Time `json:"time"`
	Environment string    `json:"environment"`
	Database    string    `json:"database"`
	Reasons     []string  `json:"reasons"`
}

// reportSimulation prints the outcome.
func (s *opened) reportSimulation(result *upkeep.Simulation, span, every time.Duration) error {
	message := simulationMessage{Type: "summary", Time: result.End.UTC(), Every: every.Seconds(), Keep: []simulatedInfo{}}
	var rows [][]string
	var reasons []string
	for _, k := range result.Keep {
		snap, id := k.Snapshot, "to come"
		info := simulatedInfo{Time: snap.Time.UTC(), Environment: snap.Environment, Database: snap.Database, Reasons: k.Reasons}
		if !k.ToCome {
			info.ID, id = snap.ID.String(), snap.ID.Short()
		}
		message.Keep = append(message.Keep, info)
		rows = append(rows, []string{id, s.WhenTaken(snap), snap.Environment, snap.Database})
		reasons = append(reasons, strings.Join(k.Reasons, ", "))
	}
	if s.json {
		return s.printJSON(message)
	}
	if err := s.tableWithReasons([]string{"ID", "Time", "Environment", "Database"}, rows, reasons); err != nil {
		return err
	}
	total := fmt.Sprintf("In %s, with a backup every %s: %s. Nothing was changed.",
		retention.FormatDuration(span), retention.FormatDuration(every), report.Plural(len(rows), "snapshot"))
	_, err := fmt.Fprintln(s.stdout, layout.Sentence(total, terminalWidth(s.stdout)))
	return err
}
