package cmd

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"firn/internal/layout"
	"firn/outcome"
	"firn/report"
	"firn/restore"
	"firn/snapshot"
	"firn/tags"
)

// maxChoices is the number of snapshots that are offered.
const maxChoices = 20

// maxQuestions is how often the question is asked, if the answers name no snapshot.
const maxQuestions = 5

// choose shows the newest snapshots and asks a person to choose one.
func (r *restoration) choose(ctx context.Context) error {
	shown, err := r.operation.Choices(ctx)
	if err != nil {
		return err
	}
	shown = shown[:min(len(shown), maxChoices)]
	if err := r.showChoices(shown); err != nil {
		return err
	}
	for range maxQuestions {
		answer, err := r.ask(ctx, "Which one? (number, ID, time or latest; Enter for none) ")
		if err != nil {
			return err
		}
		if answer == "" {
			break
		}
		if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(shown) {
			answer = shown[n-1].ID.String()
		}
		err = r.operation.Choose(ctx, answer)
		if !isTypo(err) {
			return err
		}
		r.warn("%v", err)
	}
	return outcome.Failed("", "restore: no snapshot chosen, nothing was changed")
}

// isTypo reports whether an answer names no snapshot, or several: the question is asked again.
func isTypo(err error) bool {
	_, several := errors.AsType[*snapshot.AmbiguousError](err)
	return several || errors.Is(err, snapshot.ErrNotFound)
}

// showChoices prints numbered snapshots. The newest is last, where a person looks on a terminal. A narrow terminal gets fewer
// columns.
func (r *restoration) showChoices(shown []*snapshot.Snapshot) error {
	rows := make([][]string, len(shown))
	for i, s := range shown {
		rows[len(shown)-1-i] = append([]string{strconv.Itoa(i + 1)}, r.choiceRow(s)...)
	}
	head := []string{"No.", "Time", "Age", "Size", "Schema", "Rows", "State", "Tags", "ID"}
	spare := []string{"Tags", "Schema", "Size", "ID", "State", "Rows", "Age"}
	head, rows = layout.Fit(head, rows, spare, terminalWidth(r.stderr))
	return r.table(r.stderr, head, rows)
}

// choiceRow returns the cells of a snapshot for [restoration.showChoices].
func (r *restoration) choiceRow(s *snapshot.Snapshot) []string {
	i := s.Image()
	return []string{
		r.WhenTaken(s), report.Age(max(r.Now().Sub(s.Time), 0)), report.Size(i.Size), fmt.Sprint(i.UserVersion), restore.RowsText(i),
		r.remark(s), fmt.Sprint(s.Tags.Remove(tags.Environment(s.Environment), tags.Database(s.Database))), s.ID.Short(),
	}
}
