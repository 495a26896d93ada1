package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/answer"
	"firn/internal/layout"
	"firn/outcome"
	"firn/report"
	"firn/retention"
	"firn/session"
	"firn/snapshot"
	"firn/upkeep"
	"firn/verify"
)

// statusOptions are the flags of status.
type statusOptions struct {
	environment string
	maxAge      string
}

func newStatus(c *cli) *cobra.Command {
	var o statusOptions
	cmd := &cobra.Command{
		Use:   "status [ENV]",
		Short: "Show whether backups are as they should be",
		Long: `Shows for each environment the age of its newest snapshot, and whether the age is within
max_age (default: 25h). The exit code is 0 if all ages are, else 1. A monitor can use it,
on this host or on another one with access to the repository and a key. The exit code is
1, too, if the newest snapshot is suspect, if the newest verified snapshot was not sound,
or if a snapshot has a time in the future. The command changes nothing.

A database that is watched is as fresh as its watch: see "firn help watch". It is stale,
too, if its watch on this host is behind by three intervals, or by a minute if that is
more, or if the process of the watch is gone.

A run that finds no change in the database records a snapshot, too. So an old snapshot
means that no run has succeeded since, not that nothing has changed. Environments that
are in the repository but not in the configuration are shown, and judged only if they are
named or --max-age is given, and so are those of a pattern whose file has vanished: GONE.
Snapshots that restores have taken do not count, nor does an environment that has no
database and never had a snapshot: there is nothing yet.`,
		Example: `  firn status
  firn status production --max-age 30m || mail -s "no backup" root </dev/null`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeEnvironment,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.environment = first(args)
			return c.status(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.maxAge, "max-age", "", "the `age` up to which snapshots are fresh: 30m, 2d")
	c.addJSONFlag(cmd)
	return cmd
}

// status runs the command.
func (c *cli) status(ctx context.Context, o statusOptions) error {
	maxAge, err := parseMaxAge(o.maxAge)
	if err != nil {
		return err
	}
	s, err := c.open(ctx, session.OpenOptions{OnlyExistingCache: true})
	if err != nil {
		return err
	}
	defer s.Close()
	verify.WarnResetBug(ctx, s.Session)
	status, err := upkeep.ReadStatus(ctx, s.Session, upkeep.StatusOptions{Environment: o.environment, MaxAge: maxAge})
	if err != nil {
		return err
	}
	if err := s.printStatus(status); err != nil {
		return err
	}
	for _, err := range status.Unlisted {
		s.fail(err)
	}
	if !status.Expected() && status.Damage == nil { // the table has shown why
		return outcome.MarkReported(errors.New("not all environments are as they should be"))
	}
	return status.Damage
}

// parseMaxAge reads the age of --max-age, 0 for none.
func parseMaxAge(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := retention.ParseDuration(text)
	if err != nil || d == 0 {
		return 0, outcome.Usage("Write 30m, 25h or 2d.", "--max-age %q is not an age", text)
	}
	return d, nil
}

// printStatus prints the status as a table or in JSON.
func (s *opened) printStatus(status *upkeep.Status) error {
	if s.json {
		return s.printJSON(answer.NewStatus(status, s.Place.String()))
	}
	if len(status.States) == 0 {
		s.note("No snapshots.")
	} else if err := s.tableOfStates(status.States); err != nil {
		return err
	}
	for _, st := range status.States {
		s.explainWatch(st)
		s.explain(st)
		s.WarnAhead(st.Ahead)
		if st.NothingYet {
			s.printMessage(s.stdout, "", "%s", s.NothingYetText(st.Environment))
		}
		if st.Vanished != "" {
			s.printMessage(s.stdout, "", "%s: %s has vanished; its snapshots are kept", st.Environment, st.Vanished)
		}
	}
	s.explainAway(status.States)
	_, err := fmt.Fprintln(s.stdout, layout.Sentence(s.repositoryLine(answer.NewRepository(status, s.Place.String())), terminalWidth(s.stdout)))
	return err
}

// explain prints the fault of a suspect or unsound snapshot and the commands that help.
func (s *opened) explain(st upkeep.State) {
	env := report.QuoteWord(st.Environment)
	again, back, sound := "firn backup "+env, "firn restore "+env, "firn restore "+env+" --snapshot "+snapshot.LatestVerified
	if st.Newest != nil && st.Newest.IsStream() {
		again = "COMMAND | firn backup --stdin --env " + env + " --name " + report.QuoteWord(st.Database)
		back, sound = "firn dump ID -o FILE", "firn dump "+snapshot.LatestVerified+":"+env+" -o FILE"
	}
	switch st.Condition {
	case upkeep.Suspect:
		s.printMessage(s.stdout, "", "%s: snapshot %s is suspect: %s", st.Environment, st.Newest.ID.Short(), strings.Join(st.Newest.Suspect, "; "))
		s.note(`If that is meant: "%s --accept". If not: "%s".`, again, back)
	case upkeep.Unsound:
		s.printMessage(s.stdout, "", "%s: snapshot %s is not sound: %s", st.Environment, st.Verified.ID.Short(), st.Verified.Verified.Problem)
		s.note(`Look at what is backed up, then "firn verify %s" looks at its newest snapshot.`, env)
	}
	if st.HasSound && (st.Condition == upkeep.Suspect || st.Condition == upkeep.Unsound) {
		s.note(`"%s" takes the newest that was found sound.`, sound)
	}
}

// tableOfStates prints a row for each database.
func (s *opened) tableOfStates(states []upkeep.State) error {
	head := []string{"State", "Environment", "Database", "Newest", "Limit", "Changed", "Size", "Per day", "Stored per day", "Full check"}
	rows := make([][]string, 0, len(states))
	for _, st := range states {
		rows = append(rows, s.statusRow(st))
	}
	spare := []string{"Stored per day", "Per day", "Database", "Changed", "Size", "Limit", "Full check"}
	head, rows = layout.Fit(head, rows, spare, terminalWidth(s.stdout))
	return s.table(s.stdout, head, rows)
}

// statusRow returns the cells of a database.
func (s *opened) statusRow(st upkeep.State) []string {
	word := string(st.Condition)
	if !st.Judged {
		word = "(" + word + ")"
	}
	row := []string{word, st.Environment, st.Database, "none", retention.FormatDuration(st.MaxAge), "", "", "", "", ""}
	if st.Newest == nil {
		return row
	}
	row[3], row[5], row[6] = report.Ago(s.Now().Sub(st.Newest.Time)), report.Ago(s.Now().Sub(st.Changed)), report.Size(st.Newest.Image().Size)
	row[7], row[8] = perDay(st.SizePerDay, st.AddedPerDay)
	row[9] = s.fullCheck(st)
	return row
}

// fullCheck returns how long ago all pages of a snapshot were checked, and by what; or when the newest one was found unsound.
func (s *opened) fullCheck(st upkeep.State) string {
	switch {
	case st.Verified != nil && !st.Verified.Verified.Sound():
		return "UNSOUND " + report.Ago(s.Now().Sub(st.Verified.Verified.Time))
	case st.Checked.IsZero():
		return ""
	case st.Checked.Equal(st.BySQLite):
		return report.Ago(s.Now().Sub(st.Checked)) + " by SQLite"
	}
	return report.Ago(s.Now().Sub(st.Checked))
}

// perDay formats a growth for people, "" for none.
func perDay(grown, added int64) (string, string) {
	if grown == 0 && added == 0 {
		return "", ""
	}
	return signed(grown), report.Size(added)
}

// signed formats a number of bytes with a sign for people.
func signed(n int64) string {
	if n < 0 {
		return "-" + report.Size(-n)
	}
	return "+" + report.Size(n)
}

// repositoryLine returns the line about the repository.
func (s *opened) repositoryLine(r answer.Repository) string {
	line := fmt.Sprintf("Repository %s: %s in %s", r.Location, report.Size(r.Size), report.Plural(r.Packs, "pack"))
	if r.Free != nil {
		line += fmt.Sprintf(", %s free", report.Size(*r.Free))
	}
	if r.Latency > 0 {
		line += fmt.Sprintf(", %d ms away", int64(r.Latency*1000)+1)
	}
	if r.Pruned == nil && r.Packs > 0 {
		line += ", no prune is known"
	}
	for _, done := range []struct {
		what string
		at   *time.Time
	}{{"pruned", r.Pruned}, {"checked", r.Checked}, {"copied", r.Copied}} {
		if done.at != nil {
			line += ", " + done.what + " " + report.Ago(s.Now().Sub(*done.at))
		}
	}
	return line
}
