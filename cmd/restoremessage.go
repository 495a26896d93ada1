package cmd

import (
	"strings"

	"firn/answer"
	"firn/report"
	"firn/restore"
	"firn/snapshot"
)

// newMessage returns the summary with the facts of the plan.
func (r *restoration) newMessage(plan *restore.Plan) answer.Restore {
	m := answer.NewRestore(plan)
	m.DryRun, m.Duration = r.options.dryRun, r.Now().Sub(r.started).Seconds()
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
	m.Add(result)
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
