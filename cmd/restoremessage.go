package cmd

import (
	"strings"
	"time"

	"firn/report"
	"firn/restore"
	"firn/snapshot"
)

// restoreMessage is the summary of a restore in JSON.
type restoreMessage struct {
	Type         string  `json:"message_type"` // "summary"
	DryRun       bool    `json:"dry_run"`
	SnapshotID   string  `json:"snapshot_id"`
	Environment  string  `json:"environment"` // of the snapshot
	Target       string  `json:"target"`
	Size         int64   `json:"size"`
	Method       string  `json:"method"`
	PagesWritten int64   `json:"pages_written"`
	PreRestoreID string  `json:"pre_restore_id,omitempty"` // the snapshot of the replaced content
	Kept         string  `json:"kept,omitempty"`           // the path of the replaced file, if it was no database
	Scrubbed     bool    `json:"scrubbed"`
	Verified     string  `json:"verified,omitempty"` // the time when the snapshot was last found sound
	Duration     float64 `json:"duration"`
}

// newMessage returns the summary with the facts of the plan.
func (r *restoration) newMessage(plan *restore.Plan) restoreMessage {
	m := restoreMessage{
		Type: "summary", DryRun: r.options.dryRun, SnapshotID: plan.Snapshot.ID.String(), Environment: plan.Snapshot.Environment,
		Target: plan.Target.Path, Size: plan.Snapshot.Image().Size, Scrubbed: plan.Scrub != "", Duration: r.Now().Sub(r.started).Seconds(),
	}
	if found := plan.Snapshot.Verified; found.Sound() {
		m.Verified = found.Time.Format(time.RFC3339)
	}
	return m
}

// reportDryRun prints the summary of a dry run.
func (r *restoration) reportDryRun(plan *restore.Plan) error {
	if r.json {
		return r.printJSON(r.newMessage(plan))
	}
	r.Done("Dry run: nothing was changed")
	return nil
}

// report prints the result of the restore and the command that undoes it.
func (r *restoration) report(plan *restore.Plan, result *restore.Result) error {
	m := r.newMessage(plan)
	m.Method, m.PagesWritten, m.Kept = result.Method, result.PagesWritten, result.Kept
	if result.Saved != nil {
		m.PreRestoreID = result.Saved.ID.String()
	}
	if r.json {
		return r.printJSON(m)
	}
	r.Done("Restored %s from snapshot %s of %s, %s: %d of %d pages written", plan.Target.Path, plan.Snapshot.ID.Short(),
		plan.Snapshot.Environment, r.WhenTaken(plan.Snapshot), result.PagesWritten, result.PageCount)
	if result.Scrub != "" {
		r.Done("Scrubbed with %s", result.Scrub)
	}
	if result.Saved != nil {
		r.Done("To undo: %s", r.undo(&plan.Target, result.Saved))
	}
	if result.Kept != "" {
		r.Done("What was there is in %s", result.Kept)
	}
	return nil
}

// undo returns the command that restores the saved content of the target.
func (r *restoration) undo(target *restore.Target, saved *snapshot.Snapshot) string {
	var words []string
	if target.Environment != "" {
		words = append(words, "firn undo", report.QuoteWord(target.Environment))
	} else {
		words = append(words, "firn restore --target", report.QuoteWord(target.Path), "--snapshot", saved.ID.Short())
	}
	for _, flag := range []struct{ name, value string }{
		{"--config", r.Settings.Config}, {"--repository", r.Settings.Repository}, {"--key-file", r.Settings.KeyFile},
	} {
		if flag.value != "" {
			words = append(words, flag.name, report.QuoteWord(flag.value))
		}
	}
	return strings.Join(words, " ")
}
