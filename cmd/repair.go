package cmd

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"firn/repo"
	"firn/report"
	"firn/session"
	"firn/snapshot"
	"firn/upkeep"
)

// repairMessage is the outcome of check --repair in JSON. A message of the type "check" comes before it.
type repairMessage struct {
	Type      string   `json:"message_type"` // "summary"
	DryRun    bool     `json:"dry_run"`
	PutBack   []string `json:"put_back"`
	Packs     []string `json:"packs_condemned"`
	Copied    int64    `json:"copied"`
	Plans     []string `json:"plans_replaced"`
	Deleted   []string `json:"deleted"`
	Left      []string `json:"left"`
	Lost      []string `json:"lost"`      // snapshots that cannot be restored
	Forgotten []string `json:"forgotten"` // those of them that were forgotten
}

// repair checks every byte, shows the possible repair, asks a person, and repairs.
func (s *opened) repair(ctx context.Context, o checkOptions) error {
	r, err := upkeep.Diagnose(ctx, s.Session)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := s.reportCheck(r.Diagnosis.Check, true, true); err != nil {
		return err
	}
	needed := r.Needed(o.forgetLost)
	if needed {
		s.describeRepair(r.Diagnosis, o)
	}
	if o.dryRun {
		return cmp.Or(s.reportRepair(r.Diagnosis, &repo.RepairResult{}, true, needed), r.Found(o.forgetLost))
	}
	if needed {
		if err := s.confirm(ctx, o.yes, "check --repair"); err != nil {
			return err
		}
	}
	result, err := r.Run(ctx, o.forgetLost)
	if result == nil {
		return err
	}
	return cmp.Or(s.reportRepair(r.Diagnosis, result, false, needed), err)
}

// describeRepair prints the steps of the repair and the data that they lose. If a question follows, it does so with --quiet, too.
func (s *opened) describeRepair(d *repo.Diagnosis, o checkOptions) {
	var b strings.Builder
	line := func(action, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s"+format+"\n", append([]any{action}, args...)...)
	}
	for _, name := range d.PutBack {
		line("put back", "%s, of which this host has a sound copy", name)
	}
	for _, name := range d.Packs {
		line("condemn", "%s: nothing new relies on it, a later prune deletes it", name)
	}
	if d.Copied > 0 {
		line("save", "%s of what is sound in damaged packs, and needed", report.Size(d.Copied))
	}
	for _, name := range d.Plans {
		line("replace", "%s. What it condemned is not known: go on only if no other firn", name)
		line("", "uses this repository now, on any host, not even one that is suspended")
	}
	for _, name := range d.Deleted {
		what := lostWith(name)
		line("delete", "%s: %s", name, what)
		if strings.HasSuffix(what, "may") {
			line("", "have a copy of the record: then run this there first")
		}
	}
	for _, name := range d.Left {
		line("leave", "%s: it cannot be repaired here", name)
	}
	for _, env := range session.Environments(d.Lost) {
		own := session.Filter(d.Lost, snapshot.Filter{Environment: env})
		if o.forgetLost {
			line("FORGET", "%s of %s: %s", report.Plural(len(own), "snapshot"), env, s.ShortList(own))
		} else {
			line("keep", "%s of %s that cannot be restored: a backup may heal them", report.Plural(len(own), "snapshot"), env)
		}
	}
	if o.yes || s.json {
		s.note("To repair, firn will:")
		for text := range strings.Lines(b.String()) {
			s.note("%s", text)
		}
	} else {
		fmt.Fprintf(s.stderr, "To repair, firn would:\n%s", b.String())
	}
}

// lostWith says what is lost with an object that cannot be put back.
func lostWith(name string) string {
	if id, ok := snapshot.ParseNoteName(name); ok {
		return fmt.Sprintf(`the record of whether snapshot %s is sound is lost, "firn verify" finds it out again`, id.Short())
	}
	if id, ok := snapshot.ParseObjectName(name); ok {
		return fmt.Sprintf("snapshot %s is LOST by that. Another host that has listed it may", id.Short())
	}
	switch {
	case strings.HasPrefix(name, "meta/round-"):
		return "all snapshots in it are LOST by that. Another host that has listed them may"
	case strings.HasPrefix(name, "meta/gone-"):
		return "snapshots that were forgotten are back by that, until they are forgotten again"
	case strings.HasPrefix(name, "meta/alive-"):
		return "a watch says again that it is alive"
	}
	return "damaged beyond repair"
}

// reportRepair prints the outcome of the repair, in a dry run the plan.
func (s *opened) reportRepair(d *repo.Diagnosis, result *repo.RepairResult, dryRun, needed bool) error {
	if s.json {
		return s.printJSON(repairMessage{
			Type: "summary", DryRun: dryRun, PutBack: list(d.PutBack), Packs: list(d.Packs), Copied: d.Copied,
			Plans: list(d.Plans), Deleted: list(d.Deleted), Left: list(d.Left), Lost: ids(d.Lost), Forgotten: ids(result.Forgotten),
		})
	}
	switch {
	case !needed:
	case dryRun:
		s.Done("Dry run: nothing was changed")
	default:
		s.Done("Repaired: %s put back, %s condemned, %s saved, %s deleted, %s forgotten",
			report.Plural(len(result.PutBack), "object"), report.Plural(result.Condemned, "pack"), report.Size(result.Copied),
			report.Plural(len(result.Deleted), "object"), report.Plural(len(result.Forgotten), "snapshot"))
	}
	return nil
}

// list returns names for JSON, which are never null.
func list(names []string) []string { return append([]string{}, names...) }

// ids returns the IDs of snapshots for JSON.
func ids(snapshots []*snapshot.Snapshot) []string {
	all := []string{}
	for _, s := range snapshots {
		all = append(all, s.ID.String())
	}
	return all
}
