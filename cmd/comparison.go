package cmd

import (
	"context"
	"fmt"
	"time"

	"firn/internal/layout"
	"firn/report"
	"firn/restore"
)

// describe prints the target beside the snapshot that will replace it, and the other steps of the restore.
func (r *restoration) describe(ctx context.Context, plan *restore.Plan) error {
	if r.json || r.flags.quiet && r.options.yes {
		return nil
	}
	fmt.Fprintf(r.stderr, "Restore  %s\nfrom     snapshot %s of %s\n\n", plan.Target.Path, plan.Snapshot.ID.Short(), plan.Snapshot.Environment)
	now, err := r.operation.CountRows(ctx)
	if err != nil {
		return err
	}
	head := []string{"", "Snapshot", "Now"}
	if err := r.table(r.stderr, head, plan.Compare(r.Caller, now)); err != nil {
		return err
	}
	fmt.Fprintln(r.stderr)
	for _, step := range plan.Steps() {
		fmt.Fprintln(r.stderr, layout.Sentence(step, terminalWidth(r.stderr)))
	}
	return nil
}

// ago formats the time since an event for people.
func (r *restoration) ago(t time.Time) string { return report.Ago(r.Now().Sub(t)) }
