package cmd

import (
	"strings"
	"time"

	"firn/report"
	"firn/sqlite"
)

// restoreMessage is the summary in JSON.
type restoreMessage struct {
	Type         string  `json:"message_type"` // "summary"
	DryRun       bool    `json:"dry_run"`
	SnapshotID   string  `json:"snapshot_id"`
	Environment  string  `json:"environment"` // of the snapshot
	Target       string  `json:"target"`
	Size         int64   `json:"size"`
	Method       string  `json:"method"`
	PagesWritten int64   `json:"pages_written"`
	PreRestoreID string  `json:"pre_restore_id,omitempty"` // of what was replaced
	Kept         string  `json:"kept,omitempty"`           // the file that was replaced, if it was no database
	Scrubbed     bool    `json:"scrubbed"`
	Verified     string  `json:"verified,omitempty"` // when the snapshot was found sound, if it was before
	Duration     float64 `json:"duration"`
}

func (r *restoration) newMessage() restoreMessage {
	m := restoreMessage{
		Type: "summary", DryRun: r.options.dryRun, SnapshotID: r.source.ID.String(), Environment: r.source.Environment,
		Target: r.path, Size: r.source.Image().Size, Scrubbed: r.scrub != nil, Duration: r.Now().Sub(r.started).Seconds(),
	}
	if r.sound() {
		m.Verified = r.source.Verified.Time.Format(time.RFC3339)
	}
	return m
}

func (r *restoration) tellDryRun() error {
	if r.json {
		return r.printJSON(r.newMessage())
	}
	r.Done("Dry run: nothing was changed")
	return nil
}

func (r *restoration) tell(result *sqlite.RestoreResult) error {
	m := r.newMessage()
	m.Method, m.PagesWritten, m.Kept = result.Method, result.PagesWritten, r.kept
	if r.saved != nil {
		m.PreRestoreID = r.saved.ID.String()
	}
	if r.json {
		return r.printJSON(m)
	}
	r.Done("Restored %s from snapshot %s of %s, %s: %d of %d pages written", r.path, r.source.ID.Short(),
		r.source.Environment, r.When(r.source.Time), result.PagesWritten, result.PageCount)
	if r.scrub != nil {
		r.Done("Scrubbed with %s", r.scrub.path)
	}
	if r.saved != nil {
		r.Done("To undo: %s", r.undo())
	}
	if r.kept != "" {
		r.Done("What was there is in %s", r.kept)
	}
	return nil
}

// undo is the command that puts back what was replaced.
func (r *restoration) undo() string {
	var words []string
	if r.env != nil {
		words = append(words, "firn undo", report.QuoteWord(r.env.Name))
	} else {
		words = append(words, "firn restore --target", report.QuoteWord(r.path), "--snapshot", r.saved.ID.Short())
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
