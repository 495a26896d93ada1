// Package change has what clients can ask a server to change, as tasks of a board. Each is a run of the application layer, with the
// sentence and the links that people read at its end, and the answer that programs get.
package change

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"firn/access"
	"firn/answer"
	"firn/backup"
	"firn/outcome"
	"firn/report"
	"firn/session"
	"firn/snapshot"
	"firn/upkeep"
	"firn/verify"
	"firn/web/work"
)

// DatabasePath returns the path of an environment's page.
func DatabasePath(environment string) string { return "/databases/" + url.PathEscape(environment) }

// SnapshotPath returns the path of a snapshot's page.
func SnapshotPath(id snapshot.ID) string { return "/snapshots/" + id.String() }

// database is the link to an environment's page.
func database(environment string) work.Link {
	return work.Link{Text: "All copies of " + environment, Path: DatabasePath(environment)}
}

// copyOf is the link to a snapshot's page.
func copyOf(s *snapshot.Snapshot) work.Link {
	return work.Link{Text: "Snapshot " + s.ID.Short(), Path: SnapshotPath(s.ID)}
}

// Backup takes a snapshot of an environment's database, with retention.
func Backup(s *session.Session, environment string) (work.Task, error) {
	env := s.Conf.Lookup(environment)
	if env == nil {
		return work.Task{}, notConfigured(environment)
	}
	job, err := backup.NewJob(s.Conf, env, backup.Options{Forget: true})
	if err != nil {
		return work.Task{}, err
	}
	return work.Task{Event: access.Event{What: "backup", Environment: environment}, Run: func(ctx context.Context, s *session.Session) (*work.Result, error) {
		taken, err := backup.NewRun(s, backup.RunOptions{}).BackUp(ctx, job)
		if taken == nil {
			return nil, err
		}
		return &work.Result{
			Text: "Took a snapshot. " + taken.Summary(s.Zone), Next: []work.Link{copyOf(taken.Snapshot), database(environment)}, Value: answer.NewBackup(taken),
		}, err
	}}, nil
}

// notConfigured is the error for an environment that is not configured, such as that of another host. It names no others, as that of
// the configuration does: the client may not see them.
func notConfigured(environment string) error {
	return outcome.Usage("A server on the host that has it configured can do that.", "the environment %q is not configured here", environment)
}

// ofSnapshot returns the event of a change of a snapshot.
func ofSnapshot(what string, snap *snapshot.Snapshot) access.Event {
	return access.Event{What: what, Environment: snap.Environment, Snapshot: snap.ID.String()}
}

// Verify looks whether a snapshot is sound.
func Verify(snap *snapshot.Snapshot) work.Task {
	return work.Task{Event: ofSnapshot("verify", snap), Run: func(ctx context.Context, s *session.Session) (*work.Result, error) {
		known, err := s.Catalog(ctx)
		if err != nil {
			return nil, err
		}
		now, err := session.FindByID(known.All, snap.ID.String()) // it may have been forgotten
		if err != nil {
			return nil, err
		}
		found, err := verify.Snapshot(ctx, known, now, verify.Options{})
		if found == nil {
			return nil, err
		}
		text := fmt.Sprintf("Snapshot %s was looked at, and is not sound.", snap.ID.Short())
		if found.Sound() {
			text = fmt.Sprintf("Snapshot %s is sound (%s).", snap.ID.Short(), s.DescribeCheck(found.Verification))
		}
		if found.Doubt != "" {
			s.Warn("all bytes of the snapshot are there, but %s does not mean it: %s", snapshot.LatestVerified, found.Doubt)
		}
		return &work.Result{Text: text, Next: []work.Link{copyOf(now), database(now.Environment)}, Value: answer.NewVerification(found)}, err
	}}
}

// Pin keeps retention from removing a snapshot, or leaves it to retention again.
func Pin(snap *snapshot.Snapshot, pinned bool) work.Task {
	what, done := "unpin", "is left to retention again"
	if pinned {
		what, done = "pin", "is pinned: retention does not remove it"
	}
	return work.Task{Event: ofSnapshot(what, snap), Run: func(ctx context.Context, s *session.Session) (*work.Result, error) {
		all, err := upkeep.Pin(ctx, s, []string{snap.ID.String()}, pinned)
		if err != nil {
			return nil, err
		}
		return labelled(&all[0], done), nil
	}}
}

// Tag adds a tag to a snapshot, or removes it.
func Tag(snap *snapshot.Snapshot, tag string, add bool) work.Task {
	what, done, change := "untag", "is not tagged "+tag, upkeep.RemoveTags
	if add {
		what, done, change = "tag", "is tagged "+tag, upkeep.AddTags
	}
	return work.Task{Event: ofSnapshot(what, snap), Run: func(ctx context.Context, s *session.Session) (*work.Result, error) {
		one, err := change(ctx, s, snap.ID.String(), tag)
		if err != nil {
			return nil, err
		}
		return labelled(one, done), nil
	}}
}

// labelled is the result for a snapshot that is labelled so now.
func labelled(l *upkeep.Labelled, done string) *work.Result {
	text := fmt.Sprintf("Snapshot %s %s.", l.Snapshot.ID.Short(), done)
	if !l.Changed {
		text += " It was so before."
	}
	return &work.Result{Text: text, Next: []work.Link{copyOf(l.Snapshot), database(l.Snapshot.Environment)}, Value: answer.NewSnapshot(l.Snapshot)}
}

// repository is the link to the page of the repository.
func repository() work.Link { return work.Link{Text: "The repository", Path: "/repository"} }

// Check looks for damage in the repository, and reads every byte of it if that is asked for.
func Check(readData bool) work.Task {
	return work.Task{Event: access.Event{What: "check"}, Run: func(ctx context.Context, s *session.Session) (*work.Result, error) {
		found, err := upkeep.Check(ctx, s, upkeep.CheckOptions{ReadData: readData})
		if found == nil {
			return nil, err
		}
		how := "Its structure was looked at."
		if readData {
			how = "Every byte was read."
		}
		text := "No damage was found in "
		if len(found.Findings) > 0 {
			text = "Damage was found in "
		}
		for _, f := range found.Findings {
			s.Warn("%v", f.Err)
		}
		return &work.Result{
			Text: fmt.Sprintf("%s%s, %s, %s. %s", text, report.Plural(found.Snapshots, "snapshot"), report.Plural(found.Packs, "pack"), report.Size(found.Bytes), how),
			Next: []work.Link{repository()},
		}, err
	}}
}

// Prune frees the space of forgotten snapshots.
func Prune() work.Task {
	return work.Task{Event: access.Event{What: "prune"}, Run: func(ctx context.Context, s *session.Session) (*work.Result, error) {
		freed, err := s.Prune(ctx, session.PruneOptions{})
		if err != nil {
			return nil, err
		}
		return &work.Result{
			Text: fmt.Sprintf("Freed %s. %s wait for a later prune. The repository has %s in %s.",
				report.Size(freed.Freed), report.Size(freed.Pending), report.Size(freed.Size), report.Plural(freed.Packs, "pack")),
			Next: []work.Link{repository()},
		}, nil
	}}
}

// Title says in some words what an event is about.
func Title(e access.Event) string {
	words, ok := map[string]string{
		"backup": "Back up ENV", "verify": "Verify snapshot ID of ENV", "pin": "Pin snapshot ID of ENV", "unpin": "Unpin snapshot ID of ENV",
		"tag": "Tag snapshot ID of ENV", "untag": "Untag snapshot ID of ENV", "restore": "Restore ENV from snapshot ID",
		"restore rows": "Bring rows of ENV back from snapshot ID",
		"undo":         "Undo the last restore of ENV", "check": "Check the repository", "prune": "Prune the repository",
		"token add": "Make token TOKEN", "token remove": "Remove token TOKEN", "sign out": "Sign out a browser of TOKEN",
	}[e.What]
	if !ok {
		words = "WHAT ENV ID"
	}
	short := e.Snapshot
	if id, err := snapshot.ParseID(e.Snapshot); err == nil {
		short = id.Short()
	}
	text := strings.NewReplacer("ENV", e.Environment, "ID", short, "WHAT", e.What, "TOKEN", e.Token).Replace(words)
	if e.Source != "" {
		text += " of " + e.Source
	}
	return strings.TrimSpace(text)
}
